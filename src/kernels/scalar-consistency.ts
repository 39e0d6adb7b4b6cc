import type { ConsistencyKernels } from './consistency-contract.ts'
import { sum } from './scalar-sums.ts'
import { type View, viewsOf } from './scalar-views.ts'

/** Less than the kernels of `ElementKernels` take a logarithm of is that. */
const LEAST = 2 ** -1022

/** The plain TypeScript twin of `ConsistencyKernels`: see `createScalarLossKernels`. */
export function createScalarConsistencyKernels(memory: WebAssembly.Memory): ConsistencyKernels {
  const { f32, f64 } = viewsOf(memory)

  const consistencyOf =
    (view: View): ConsistencyKernels['consistencyF32'] =>
    (logits, splits, numClasses, rowMax, logSum, target, rowScale, factor, _scratch, losses, q) => {
      const size = splits * numClasses
      const [z, all, t] = [view(logits, size), view(q, size), f64(target, numClasses)]
      const [max, rest, loss] = [f64(rowMax, splits), f64(logSum, splits), f64(losses, splits)]
      const scales = f64(rowScale, splits)
      const p = Float64Array.from(all)
      const members = Array.from(scales, (_, m) => m * numClasses)
      const logMean = new Float64Array(numClasses)
      // What moving the mean costs all rows: of each class the mean of scale * q over the mean of q.
      const pull = new Float64Array(numClasses)
      for (let k = 0; k < numClasses; k++) {
        const mean = members.reduce((total, start) => total + p[start + k]!, 0) / splits
        const weighed = members.reduce((total, start, m) => total + scales[m]! * p[start + k]!, 0) / splits
        logMean[k] = Math.log(Math.max(mean, LEAST))
        pull[k] = mean === 0 ? 0 : weighed / mean
      }
      members.forEach((start, m) => {
        const row = p.subarray(start, start + numClasses)
        const ratios = Float64Array.from(row, (share, k) =>
          share === 0 ? 0 : z[start + k]! - max[m]! - rest[m]! - logMean[k]!,
        )
        const slopes = ratios.map((ratio, k) => factor * (scales[m]! * ratio - pull[k]!))
        const drift = sum(slopes.map((slope, k) => row[k]! * slope))
        const divergence = sum(ratios.map((ratio, k) => row[k]! * ratio))
        const own = m === 0 ? t : new Float64Array(numClasses)
        const mass = sum(own)
        const costs = own.map((share, k) => (share === 0 ? 0 : share * (max[m]! - z[start + k]!)))
        loss[m] = factor * divergence + sum(costs) + mass * rest[m]! + 0
        for (let k = 0; k < numClasses; k++) {
          all[start + k] = row[k]! * (slopes[k]! - drift) + scales[m]! * (mass * row[k]! - own[k]!)
          // After rounding, which makes -0 of a number next to it.
          all[start + k] = all[start + k]! + 0
        }
      })
    }

  return { consistencyF32: consistencyOf(f32), consistencyF64: consistencyOf(f64) }
}
