import type { RowKernels } from './row-contract.ts'
import { createScalarConsistencyKernels } from './scalar-consistency.ts'
import { createScalarLikelihoodKernels } from './scalar-likelihood.ts'
import { sum, sumsOf } from './scalar-sums.ts'
import { createScalarTermKernels } from './scalar-terms.ts'
import { type Numbers, type View, viewsOf } from './scalar-views.ts'

/** The plain TypeScript twin of what losses made of probabilities do with whole rows: see `createScalarLossKernels`. */
export function createScalarRowKernels(memory: WebAssembly.Memory): RowKernels {
  const { f32, f64 } = viewsOf(memory)

  const distancesOf =
    (view: View): RowKernels['distancesF32'] =>
    (logits, numRows, numClasses, targets, isSquared, rowScale, losses, gradients) => {
      const size = numRows * numClasses
      const [z, q, out] = [view(logits, size), view(targets, size), view(gradients, size)]
      const [loss, scales] = [f64(losses, numRows), f64(rowScale, numRows)]
      const row = new Float64Array(numClasses)
      const exponentials = new Float64Array(numClasses)
      for (let n = 0; n < numRows; n++) {
        const start = n * numClasses
        row.set(z.subarray(start, start + numClasses))
        const sums = sumsOf(row, exponentials)
        if (sums === undefined) return n
        const p = exponentials.map((e) => e / (1 + sums.others))
        const rest = p.map((share, k) => (k === sums.argmax ? sums.others / (1 + sums.others) : 1 - share))
        const d = p.map((share, k) => (k === sums.argmax ? 1 - q[start + k]! - rest[k]! : share - q[start + k]!))
        const h = d.map((each) => (isSquared ? 2 * each : Math.sign(each)))
        loss[n] = sum(d.map((each) => (isSquared ? each * each : Math.abs(each))))
        const moments = h.map((slope, k) => p[k]! * slope)
        const total = sum(moments)
        const others = sum(moments.map((moment, k) => (k === sums.argmax ? 0 : moment)))
        for (let k = 0; k < numClasses; k++) {
          const difference = k === sums.argmax ? h[k]! * rest[k]! - others : h[k]! - total
          out[start + k] = scales[n]! * p[k]! * difference
          // After rounding, which makes -0 of a number next to it.
          out[start + k] = out[start + k]! + 0
        }
      }
      return -1
    }

  const widenSoftmaxOf =
    (view: View): RowKernels['widenSoftmaxF32'] =>
    (logits, probabilities, numRows, numClasses, rowMax, logSum, p, logP) => {
      const size = numRows * numClasses
      const z = view(logits, size)
      const logs = f64(logP, size)
      const [maxima, logSums] = [f64(rowMax, numRows), f64(logSum, numRows)]
      f64(p, size).set(view(probabilities, size))
      for (let n = 0, i = 0; n < numRows; n++)
        for (let k = 0; k < numClasses; k++, i++) logs[i] = z[i]! - maxima[n]! - logSums[n]!
    }

  const slopesToGradientsOf =
    (view: View): RowKernels['slopesToGradientsF32'] =>
    (slopes, p, logP, numRows, numClasses, rowScale, gradients) => {
      const scales = f64(rowScale, numRows)
      const row = (values: Numbers, n: number) => values.subarray(n * numClasses, (n + 1) * numClasses)
      const size = numRows * numClasses
      const [hs, ps, logPs, out] = [f64(slopes, size), f64(p, size), f64(logP, size), view(gradients, size)]
      for (let n = 0; n < numRows; n++) toGradient(row(hs, n), row(ps, n), row(logPs, n), scales[n]!, row(out, n))
    }

  const scaleRowsOf =
    (view: View): RowKernels['scaleRowsF32'] =>
    (values, numRows, numClasses, factors) => {
      const [all, factor] = [view(values, numRows * numClasses), f64(factors, numRows)]
      for (let n = 0, i = 0; n < numRows; n++)
        for (let k = 0; k < numClasses; k++, i++) {
          all[i] = all[i]! * factor[n]!
          all[i] = all[i]! + 0
        }
    }

  const addOf =
    (view: View): RowKernels['addF32'] =>
    (sum, addend, count) => {
      const [to, from] = [view(sum, count), view(addend, count)]
      for (let i = 0; i < count; i++) to[i] = to[i]! + from[i]!
    }

  return {
    distancesF32: distancesOf(f32),
    distancesF64: distancesOf(f64),
    widenSoftmaxF32: widenSoftmaxOf(f32),
    widenSoftmaxF64: widenSoftmaxOf(f64),
    slopesToGradientsF32: slopesToGradientsOf(f32),
    slopesToGradientsF64: slopesToGradientsOf(f64),
    scaleRowsF32: scaleRowsOf(f32),
    scaleRowsF64: scaleRowsOf(f64),
    addF32: addOf(f32),
    addF64: addOf(f64),
    ...createScalarLikelihoodKernels(memory),
    ...createScalarTermKernels(memory),
    ...createScalarConsistencyKernels(memory),
  }
}

/** See `slopesToGradients` of the contract. */
function toGradient(slopes: Numbers, p: Numbers, logP: Numbers, scale: number, out: Numbers): void {
  const top = p.findIndex((value) => value > 0.5)
  const slope = top === -1 ? 0 : slopes[top]!
  const others = sum(Float64Array.from(slopes, (each, k) => (k === top ? 0 : each)))
  for (let k = 0; k < slopes.length; k++) {
    const difference =
      k === top ? slope * -Math.expm1(logP[k]!) - p[k]! * others : slopes[k]! - p[k]! * (others + slope)
    out[k] = scale * difference
    out[k] = out[k]! + 0
  }
}
