import type { ElementKernels } from './element-contract.ts'
import { type View, viewsOf } from './scalar-views.ts'

const LEAST = 2 ** -1022
/** The plain TypeScript twin of `ElementKernels`: see `createScalarLossKernels`. */
export function createScalarElementKernels(memory: WebAssembly.Memory): ElementKernels {
  const { f32, f64, i32 } = viewsOf(memory)

  const binaryCrossEntropyOf =
    (view: View): ElementKernels['binaryCrossEntropyF32'] =>
    (logits, numRows, numClasses, targets, onWeights, offWeights, rowScale, losses, gradients) => {
      const [z, q] = [view(logits, numRows * numClasses), view(targets, numRows * numClasses)]
      const [on, off] = [view(onWeights, numClasses), view(offWeights, numClasses)]
      const gradient = gradients === 0 ? undefined : view(gradients, numRows * numClasses)
      const [loss, scales] = [f64(losses, numRows), f64(rowScale, numRows)]
      for (let n = 0, i = 0; n < numRows; n++) {
        const row = z.subarray(i, i + numClasses)
        const isSound = row.every((score) => score < Number.POSITIVE_INFINITY)
        if (!isSound || row.every((score) => score === Number.NEGATIVE_INFINITY)) return n
        loss[n] = 0
        for (let k = 0; k < numClasses; k++, i++) {
          const power = Math.exp(-Math.abs(z[i]!))
          const log = Math.log1p(power)
          const [most, least] = [1 / (1 + power), power / (1 + power)]
          const above = on[k]! * q[i]!
          const below = off[k]! * (1 - q[i]!)
          loss[n]! += (above === 0 ? 0 : above * (Math.max(-z[i]!, 0) + log)) + below * (Math.max(z[i]!, 0) + log)
          const slope = z[i]! < 0 ? below * least - above * most : below * most - above * least
          if (!gradient) continue
          gradient[i] = scales[n]! * slope
          // After rounding, which makes -0 of a number next to it; so in all of them.
          gradient[i] = gradient[i]! + 0
        }
      }
      return -1
    }

  const focusOf =
    (view: View): ElementKernels['focusF32'] =>
    (on, off, logOn, logOff, labels, weights, k, gammaOn, gammaOff, clip, alphaOn, alphaOff, scale, gradients) => {
      const [p, n, logP, logN] = [f64(on, k), f64(off, k), f64(logOn, k), f64(logOff, k)]
      const [label, weight] = [f64(labels, k), f64(weights, k)]
      const gradient = gradients === 0 ? undefined : view(gradients, k)
      let loss = 0
      for (let i = 0; i < k; i++) {
        const q = label[i]!
        const shifted = Math.max(p[i]! - clip, 0)
        const rest = q * n[i]! + (1 - q) * shifted
        const gamma = gammaOn * q + gammaOff * (1 - q)
        const share = weight[i]! * (alphaOn * q + alphaOff * (1 - q)) * rest ** gamma
        if (gradient) gradient[i] = 0
        if (share === 0) continue
        const logOfOff = clip === 0 ? logN[i]! : Math.log(Math.min(n[i]! + clip, 1))
        const entropy = (q === 0 ? 0 : -q * logP[i]!) - (1 - q) * logOfOff
        loss += share * entropy
        const variance = p[i]! * n[i]!
        const passing = p[i]! >= clip ? 1 - q : 0
        const direct = clip === 0 ? passing * p[i]! : (passing * variance) / (1 - shifted)
        // At p = 0 an infinite entropy has no share in the slope, p log p being 0; nor has one of 0 where rest is 0 too.
        const turn = variance > 0 && rest > 0 ? gamma * entropy * (passing - q) * (variance / rest) : 0
        if (!gradient) continue
        gradient[i] = scale * share * (direct - q * n[i]! + turn)
        gradient[i] = gradient[i]! + 0
      }
      return loss
    }

  const marginsOf =
    (view: View): ElementKernels['marginsF32'] =>
    (logits, numRows, numClasses, labels, margin, isSquared, factors, losses, gradients) => {
      const z = view(logits, numRows * numClasses)
      const gradient = gradients === 0 ? undefined : view(gradients, numRows * numClasses)
      const label = i32(labels, numRows)
      const [loss, factor] = [f64(losses, numRows), f64(factors, numRows)]
      for (let n = 0; n < numRows; n++) {
        const start = n * numClasses
        const own = start + label[n]!
        let slopes = 0
        loss[n] = 0
        for (let i = start; i < start + numClasses; i++) {
          const excess = z[i]! - z[own]! + margin
          const counts = excess > 0 && i !== own
          const each = counts ? (isSquared ? excess : 1) : 0
          if (counts) loss[n]! += each * excess
          slopes += each
          if (gradient) gradient[i] = counts ? factor[n]! * each : 0
        }
        if (!gradient) continue
        gradient[own] = -factor[n]! * slopes
        gradient[own] = gradient[own]! + 0
      }
    }

  const logSoftmaxOf =
    (view: View): ElementKernels['logSoftmaxF32'] =>
    (logits, numRows, numClasses, rowMax, logSum, out) => {
      const [z, log] = [view(logits, numRows * numClasses), view(out, numRows * numClasses)]
      const [max, rest] = [f64(rowMax, numRows), f64(logSum, numRows)]
      for (let n = 0, i = 0; n < numRows; n++)
        for (let k = 0; k < numClasses; k++, i++) log[i] = z[i]! - max[n]! - rest[n]!
    }

  const divergenceOf =
    (view: View): ElementKernels['divergenceF32'] =>
    (p, logP, logits, numRows, numClasses, rowMax, logSum, factors, losses, q) => {
      const size = numRows * numClasses
      const [share, log, z, out] = [view(p, size), view(logP, size), view(logits, size), view(q, size)]
      const [max, rest] = [f64(rowMax, numRows), f64(logSum, numRows)]
      const [factor, loss] = [f64(factors, numRows), f64(losses, numRows)]
      for (let n = 0, i = 0; n < numRows; n++) {
        loss[n] = 0
        for (let k = 0; k < numClasses; k++, i++) {
          if (share[i]! > 0) loss[n]! += share[i]! * (log[i]! - (z[i]! - max[n]! - rest[n]!))
          out[i] = factor[n]! * (out[i]! - share[i]!)
          out[i] = out[i]! + 0
        }
      }
    }

  const towardsOf =
    (view: View): ElementKernels['towardsF32'] =>
    (logits, numClasses, rowMax, logSum, logTarget, weight, factor, q) => {
      const [z, share, target] = [view(logits, numClasses), view(q, numClasses), f64(logTarget, numClasses)]
      const slopes = new Float64Array(numClasses)
      let divergence = 0
      let drift = 0
      for (let k = 0; k < numClasses; k++) {
        if (share[k] === 0) continue
        const ratio = z[k]! - rowMax - logSum - target[k]!
        divergence += share[k]! * ratio
        if (ratio < Number.POSITIVE_INFINITY) slopes[k] = weight * ratio
        drift += share[k]! * slopes[k]!
      }
      for (let k = 0; k < numClasses; k++) {
        share[k] = factor * (share[k]! * (slopes[k]! - drift))
        share[k] = share[k]! + 0
      }
      return divergence
    }

  const awayOf =
    (view: View): ElementKernels['awayF32'] =>
    (p, logP, count, logTarget) => {
      const [share, log, target] = [view(p, count), view(logP, count), f64(logTarget, count)]
      let sum = 0
      for (let k = 0; k < count; k++) if (share[k]! > 0) sum += share[k]! * (log[k]! - target[k]!)
      return sum
    }

  const temperOf =
    (view: View): ElementKernels['temperF32'] =>
    (logits, numRows, numClasses, temperature, out) => {
      const [z, to] = [view(logits, numRows * numClasses), view(out, numRows * numClasses)]
      for (let start = 0; start < z.length; start += numClasses) {
        let max = Number.NEGATIVE_INFINITY
        for (let i = start; i < start + numClasses; i++) max = Math.max(max, z[i]!)
        for (let i = start; i < start + numClasses; i++) to[i] = (z[i]! - max) / temperature
      }
    }

  const addScaledOf =
    (view: View): ElementKernels['addScaledF32'] =>
    (values, count, factor, to) => {
      const [from, sum] = [view(values, count), f64(to, count)]
      for (let i = 0; i < count; i++) sum[i]! += factor * from[i]!
    }

  return {
    logarithms(values, count) {
      const view = f64(values, count)
      for (let i = 0; i < count; i++) view[i] = Math.log(Math.max(view[i]!, LEAST))
    },
    binaryCrossEntropyF32: binaryCrossEntropyOf(f32),
    binaryCrossEntropyF64: binaryCrossEntropyOf(f64),
    focusF32: focusOf(f32),
    focusF64: focusOf(f64),
    marginsF32: marginsOf(f32),
    marginsF64: marginsOf(f64),
    logSoftmaxF32: logSoftmaxOf(f32),
    logSoftmaxF64: logSoftmaxOf(f64),
    divergenceF32: divergenceOf(f32),
    divergenceF64: divergenceOf(f64),
    towardsF32: towardsOf(f32),
    towardsF64: towardsOf(f64),
    awayF32: awayOf(f32),
    awayF64: awayOf(f64),
    temperF32: temperOf(f32),
    temperF64: temperOf(f64),
    addScaledF32: addScaledOf(f32),
    addScaledF64: addScaledOf(f64),
  }
}
