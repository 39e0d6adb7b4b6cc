import type { LossKernels } from './contract.ts'
import { createScalarRowKernels } from './scalar-rows.ts'
import { indexOfMax, sum, sumsOf } from './scalar-sums.ts'
import { type View, viewsOf } from './scalar-views.ts'

/**
 * The plain TypeScript loss kernels: the meaning of `LossKernels` in the fewest words. All arithmetic is float64; float32 is
 * rounded to when it is written; a row is copied into float64 first, so that the inner loops see one type. They stand in where WebAssembly SIMD is missing and are what the fast kernels are tested with.
 */
export function createScalarLossKernels(memory: WebAssembly.Memory): LossKernels {
  const { f32, f64, i32 } = viewsOf(memory)

  const softmaxOf =
    (view: View): LossKernels['softmaxF32'] =>
    (logits, numRows, numClasses, probabilities, rowMax, logSum) => {
      const z = view(logits, numRows * numClasses)
      const p = probabilities === 0 ? undefined : view(probabilities, numRows * numClasses)
      const maxima = f64(rowMax, numRows)
      const logSums = f64(logSum, numRows)
      const row = new Float64Array(numClasses)
      const exponentials = new Float64Array(numClasses)
      for (let n = 0; n < numRows; n++) {
        row.set(z.subarray(n * numClasses, (n + 1) * numClasses))
        const sums = sumsOf(row, exponentials)
        if (sums === undefined) return n
        maxima[n] = sums.max
        logSums[n] = sums.logSum
        if (p) for (let k = 0; k < numClasses; k++) p[n * numClasses + k] = exponentials[k]! / (1 + sums.others)
      }
      return -1
    }

  const crossEntropySparseOf =
    (view: View): LossKernels['crossEntropySparseF32'] =>
    (
      logits,
      numRows,
      numClasses,
      labels,
      coefficients,
      entries,
      base,
      baseValue,
      baseSum,
      rowScale,
      losses,
      gradients,
    ) => {
      const label = i32(labels, numRows * entries)
      const coefficient = f64(coefficients, numRows * entries)
      const shared = base === 0 ? new Float64Array(numClasses).fill(baseValue) : view(base, numClasses)
      const target = new Float64Array(numClasses)
      return crossEntropy(view, logits, numRows, numClasses, rowScale, losses, gradients, (n) => {
        target.set(shared)
        let total = baseSum
        for (let j = n * entries; j < (n + 1) * entries; j++) {
          target[label[j]!]! += coefficient[j]!
          total += coefficient[j]!
        }
        return { target, total }
      })
    }

  const crossEntropyDenseOf =
    (view: View): LossKernels['crossEntropyDenseF32'] =>
    (logits, numRows, numClasses, targets, classWeights, rowScale, losses, gradients) => {
      const dense = view(targets, numRows * numClasses)
      const weights = classWeights === 0 ? undefined : view(classWeights, numClasses)
      const target = new Float64Array(numClasses)
      return crossEntropy(view, logits, numRows, numClasses, rowScale, losses, gradients, (n) => {
        for (let k = 0; k < numClasses; k++) target[k] = dense[n * numClasses + k]! * (weights?.[k] ?? 1)
        return { target, total: sum(target) }
      })
    }

  function crossEntropy(
    view: View,
    logits: number,
    numRows: number,
    numClasses: number,
    rowScale: number,
    losses: number,
    gradients: number,
    targetOf: (n: number) => { target: Float64Array; total: number },
  ): number {
    const z = view(logits, numRows * numClasses)
    const loss = f64(losses, numRows)
    const scale = f64(rowScale, numRows)
    const gradient = gradients === 0 ? undefined : view(gradients, numRows * numClasses)
    const row = new Float64Array(numClasses)
    const exponentials = new Float64Array(numClasses)
    const costs = new Float64Array(numClasses)
    for (let n = 0; n < numRows; n++) {
      row.set(z.subarray(n * numClasses, (n + 1) * numClasses))
      const sums = sumsOf(row, exponentials)
      if (sums === undefined) return n
      const { target, total } = targetOf(n)
      for (let k = 0; k < numClasses; k++) costs[k] = target[k] === 0 ? 0 : target[k]! * (sums.max - row[k]!)
      loss[n] = sum(costs) + total * sums.logSum + 0
      if (gradient === undefined) continue
      for (let k = 0; k < numClasses; k++) {
        // At the maximum p = 1 - others / (1 + others), so that a confident gradient does not cancel to 0.
        const difference =
          k === sums.argmax
            ? total - target[k]! - (total * sums.others) / (1 + sums.others)
            : (total * exponentials[k]!) / (1 + sums.others) - target[k]!
        gradient[n * numClasses + k] = scale[n]! * difference
        // After rounding, which makes -0 of a number next to it.
        gradient[n * numClasses + k] = gradient[n * numClasses + k]! + 0
      }
    }
    return -1
  }

  const sigmoidOf =
    (view: View): LossKernels['sigmoidF32'] =>
    (logits, numRows, numClasses, on, off, logOn, logOff) => {
      const size = numRows * numClasses
      const z = view(logits, size)
      const [ons, offs, logOns, logOffs] = [f64(on, size), f64(off, size), f64(logOn, size), f64(logOff, size)]
      for (let i = 0; i < size; i++) {
        const power = Math.exp(-Math.abs(z[i]!))
        const log = Math.log1p(power)
        ons[i] = (z[i]! < 0 ? power : 1) / (1 + power)
        offs[i] = (z[i]! < 0 ? 1 : power) / (1 + power)
        logOns[i] = Math.min(z[i]!, 0) - log
        logOffs[i] = Math.min(-z[i]!, 0) - log
      }
      for (let n = 0; n < numRows; n++) {
        const row = z.subarray(n * numClasses, (n + 1) * numClasses)
        if (!row.every((score) => score < Number.POSITIVE_INFINITY)) return n
        if (row.every((score) => score === Number.NEGATIVE_INFINITY)) return n
      }
      return -1
    }

  const argmaxOf =
    (view: View): LossKernels['argmaxF32'] =>
    (values, numRows, numClasses, indices) => {
      const all = view(values, numRows * numClasses)
      const index = i32(indices, numRows)
      for (let n = 0; n < numRows; n++) {
        const row = all.subarray(n * numClasses, (n + 1) * numClasses)
        const nan = row.findIndex(Number.isNaN)
        index[n] = nan === -1 ? indexOfMax(row) : nan
      }
    }

  return {
    softmaxF32: softmaxOf(f32),
    softmaxF64: softmaxOf(f64),
    crossEntropySparseF32: crossEntropySparseOf(f32),
    crossEntropySparseF64: crossEntropySparseOf(f64),
    crossEntropyDenseF32: crossEntropyDenseOf(f32),
    crossEntropyDenseF64: crossEntropyDenseOf(f64),
    sigmoidF32: sigmoidOf(f32),
    sigmoidF64: sigmoidOf(f64),
    argmaxF32: argmaxOf(f32),
    argmaxF64: argmaxOf(f64),
    ...createScalarRowKernels(memory),
  }
}
