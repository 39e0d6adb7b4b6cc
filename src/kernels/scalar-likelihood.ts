import type { LikelihoodKernels } from './likelihood-contract.ts'
import { sum } from './scalar-sums.ts'
import { type View, viewsOf } from './scalar-views.ts'

/** The plain TypeScript twin of `LikelihoodKernels`: see `createScalarLossKernels`. */
export function createScalarLikelihoodKernels(memory: WebAssembly.Memory): LikelihoodKernels {
  const { f32, f64, i32 } = viewsOf(memory)

  const sparseOf =
    (view: View): LikelihoodKernels['nllSparseF32'] =>
    (logP, numRows, numClasses, labels, coefficients, entries, base, baseValue, rowScale, losses, gradients) => {
      const label = i32(labels, numRows * entries)
      const coefficient = f64(coefficients, numRows * entries)
      const shared = base === 0 ? new Float64Array(numClasses).fill(baseValue) : view(base, numClasses)
      const target = new Float64Array(numClasses)
      return likelihood(view, logP, numRows, numClasses, rowScale, losses, gradients, (n) => {
        target.set(shared)
        for (let j = n * entries; j < (n + 1) * entries; j++) target[label[j]!]! += coefficient[j]!
        return target
      })
    }

  const denseOf =
    (view: View): LikelihoodKernels['nllDenseF32'] =>
    (logP, numRows, numClasses, targets, classWeights, rowScale, losses, gradients) => {
      const dense = view(targets, numRows * numClasses)
      const weights = classWeights === 0 ? undefined : view(classWeights, numClasses)
      const target = new Float64Array(numClasses)
      return likelihood(view, logP, numRows, numClasses, rowScale, losses, gradients, (n) => {
        for (let k = 0; k < numClasses; k++) target[k] = dense[n * numClasses + k]! * (weights?.[k] ?? 1)
        return target
      })
    }

  function likelihood(
    view: View,
    logP: number,
    numRows: number,
    numClasses: number,
    rowScale: number,
    losses: number,
    gradients: number,
    targetOf: (n: number) => Float64Array,
  ): number {
    const all = view(logP, numRows * numClasses)
    const gradient = gradients === 0 ? undefined : view(gradients, numRows * numClasses)
    const [loss, scale] = [f64(losses, numRows), f64(rowScale, numRows)]
    const costs = new Float64Array(numClasses)
    for (let n = 0; n < numRows; n++) {
      const start = n * numClasses
      const row = all.subarray(start, start + numClasses)
      const isSound = row.every((log) => log < Number.POSITIVE_INFINITY)
      if (!isSound || row.every((log) => log === Number.NEGATIVE_INFINITY)) return n
      const target = targetOf(n)
      for (let k = 0; k < numClasses; k++) costs[k] = target[k] === 0 ? 0 : -target[k]! * row[k]!
      loss[n] = sum(costs) + 0
      for (let k = 0; gradient && k < numClasses; k++) {
        gradient[start + k] = -target[k]! * scale[n]!
        // After rounding, which makes -0 of a number next to it.
        gradient[start + k] = gradient[start + k]! + 0
      }
    }
    return -1
  }

  return {
    nllSparseF32: sparseOf(f32),
    nllSparseF64: sparseOf(f64),
    nllDenseF32: denseOf(f32),
    nllDenseF64: denseOf(f64),
  }
}
