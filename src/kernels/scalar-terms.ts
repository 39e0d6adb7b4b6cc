import { sum, sumsOf } from './scalar-sums.ts'
import { type View, viewsOf } from './scalar-views.ts'
import type { TermKernels } from './terms-contract.ts'

/** The plain TypeScript twin of `TermKernels`: see `createScalarLossKernels`. */
export function createScalarTermKernels(memory: WebAssembly.Memory): TermKernels {
  const { f32, f64, i32 } = viewsOf(memory)

  const polyCrossEntropyOf =
    (view: View): TermKernels['polyCrossEntropyF32'] =>
    (logits, numRows, numClasses, labels, coefficients, missing, entries, baseValue, rowScale, losses, gradients) => {
      const z = view(logits, numRows * numClasses)
      const label = i32(labels, numRows * entries)
      const [coefficient, weight] = [f64(coefficients, numRows * entries), f64(missing, numRows * entries)]
      const [loss, scale] = [f64(losses, numRows), f64(rowScale, numRows)]
      const gradient = gradients === 0 ? undefined : view(gradients, numRows * numClasses)
      const row = new Float64Array(numClasses)
      const exponentials = new Float64Array(numClasses)
      for (let n = 0; n < numRows; n++) {
        const start = n * numClasses
        row.set(z.subarray(start, start + numClasses))
        const sums = sumsOf(row, exponentials)
        if (sums === undefined) return n
        const { argmax, max, others, logSum } = sums
        const p = exponentials.map((e) => e / (1 + others))
        const restOf = (k: number) => (k === argmax ? others / (1 + others) : 1 - p[k]!)
        const costs = row.map((logit) => (baseValue === 0 ? 0 : baseValue * (max - logit + logSum)))
        const target = new Float64Array(numClasses).fill(baseValue)
        loss[n] = 0
        for (let j = n * entries; j < (n + 1) * entries; j++) {
          const k = label[j]!
          if (coefficient[j] !== 0) costs[k]! += coefficient[j]! * (max - row[k]! + logSum)
          loss[n]! += weight[j]! * restOf(k)
          target[k]! += coefficient[j]! + weight[j]! * p[k]!
        }
        loss[n]! += sum(costs) + 0
        const total = sum(target)
        for (let k = 0; gradient && k < numClasses; k++) {
          const difference = k === argmax ? total - target[k]! - total * restOf(k) : total * p[k]! - target[k]!
          gradient[start + k] = scale[n]! * difference
          // After rounding, which makes -0 of a number next to it.
          gradient[start + k] = gradient[start + k]! + 0
        }
      }
      return -1
    }

  const termsOf =
    (
      cost: (p: number, rest: number, logP: number, exponent: number) => number,
      slope: typeof cost,
    ): TermKernels['focalTerms'] =>
    (logP, p, shares, numRows, numClasses, exponent, losses, slopes) => {
      const size = numRows * numClasses
      const [logs, ps, weights, out] = [f64(logP, size), f64(p, size), f64(shares, size), f64(slopes, size)]
      const loss = f64(losses, numRows)
      for (let n = 0, i = 0; n < numRows; n++) {
        loss[n] = 0
        for (let k = 0; k < numClasses; k++, i++) {
          const weight = weights[i]!
          const rest = ps[i]! > 0.5 ? -Math.expm1(logs[i]!) : 1 - ps[i]!
          out[i] = weight === 0 ? 0 : weight * slope(ps[i]!, rest, logs[i]!, exponent)
          if (weight !== 0) loss[n]! += weight * cost(ps[i]!, rest, logs[i]!, exponent)
        }
      }
    }

  return {
    polyCrossEntropyF32: polyCrossEntropyOf(f32),
    polyCrossEntropyF64: polyCrossEntropyOf(f64),
    focalTerms: termsOf(
      (_p, rest, logP, gamma) => (rest === 0 ? 0 : -(rest ** gamma) * logP),
      (p, rest, logP, gamma) => -(rest ** gamma) * (1 + gamma * minusLogRatio(p, rest, logP)),
    ),
    powerTerms: termsOf(
      (_p, _rest, logP, power) => -Math.expm1(power * logP) / power,
      (_p, _rest, logP, power) => -Math.exp(power * logP),
    ),
  }
}

/** -p log p / (1 - p), which is 1 at p = 1 and 0 at p = 0. */
function minusLogRatio(p: number, rest: number, logP: number): number {
  if (p === 0) return 0
  return rest === 0 ? 1 : (-p * logP) / rest
}
