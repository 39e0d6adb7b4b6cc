/**
 * Cross entropy of labels plus a part that is linear in their probabilities: what src/kernels/terms-contract.ts says. Its gradient is that
 * of a cross entropy whose labels weigh more the more probable they are, so one exponential and one affine pass make it.
 */
import { scale } from './gradient'
import { maximum, position } from './maximum'
import { factor, others, sumExponentials, uniformDistance } from './sums'

export function polyCrossEntropyF32(
  logits: usize, numRows: usize, numClasses: usize, labels: usize, coefficients: usize, missing: usize, entries: usize,
  baseValue: f64, rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return polyCrossEntropy<f32>(
    logits, numRows, numClasses, labels, coefficients, missing, entries, baseValue, rowScale, losses, gradients,
  )
}

export function polyCrossEntropyF64(
  logits: usize, numRows: usize, numClasses: usize, labels: usize, coefficients: usize, missing: usize, entries: usize,
  baseValue: f64, rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return polyCrossEntropy<f64>(
    logits, numRows, numClasses, labels, coefficients, missing, entries, baseValue, rowScale, losses, gradients,
  )
}

function polyCrossEntropy<T extends number>(
  logits: usize, numRows: usize, numClasses: usize, labels: usize, coefficients: usize, missing: usize, entries: usize,
  baseValue: f64, rowScale: usize, losses: usize, gradients: usize,
): i32 {
  const bytes = numClasses * sizeof<T>()
  const baseSum = baseValue * <f64>numClasses
  for (let n: usize = 0; n < numRows; n++, logits += bytes) {
    if (!sumExponentials<T>(logits, numClasses, gradients)) return <i32>n
    let loss = baseValue == 0 ? 0 : baseValue * uniformDistance<T>(logits, numClasses)
    // Of the logarithms, and of the gradient.
    let logs = baseSum
    let total = baseSum
    for (let j: usize = 0; j < entries; j++) {
      const coefficient = load<f64>(coefficients + j * 8)
      const weight = load<f64>(missing + j * 8)
      const label = <usize>load<u32>(labels + j * 4)
      if (coefficient != 0) loss += coefficient * (maximum - <f64>load<T>(logits + label * sizeof<T>()))
      logs += coefficient
      total += coefficient
      if (weight != 0) {
        const p = probabilityOf<T>(logits, label)
        // 1 - p of the largest is what the others have.
        loss += weight * (label == position ? others / (1 + others) : 1 - p)
        total += weight * p
      }
    }
    store<f64>(losses + n * 8, loss + logs * Math.log1p(others) + 0)
    if (gradients) {
      const s = load<f64>(rowScale + n * 8)
      scale<T>(gradients, numClasses, <T>(s * total * (factor / (1 + others))), <T>(s * baseValue))
      for (let j: usize = 0; j < entries; j++) {
        storeLabel<T>(logits, gradients, <usize>load<u32>(labels + j * 4), s, total, labels, coefficients, missing, entries, baseValue)
      }
      storeLabel<T>(logits, gradients, position, s, total, labels, coefficients, missing, entries, baseValue)
      gradients += bytes
    }
    labels += entries * 4
    coefficients += entries * 8
    missing += entries * 8
  }
  return -1
}

// @ts-ignore: decorator
@inline
function probabilityOf<T extends number>(logits: usize, k: usize): f64 {
  return Math.exp(<f64>load<T>(logits + k * sizeof<T>()) - maximum) / (1 + others)
}

/** The gradient of one class whose target is not the base alone, or which is the maximum: there S p - target is (S - target) - S (1 - p). */
function storeLabel<T extends number>(
  logits: usize, gradients: usize, k: usize, s: f64, total: f64,
  labels: usize, coefficients: usize, missing: usize, entries: usize, baseValue: f64,
): void {
  const p = probabilityOf<T>(logits, k)
  let target = baseValue
  for (let j: usize = 0; j < entries; j++) {
    if (<usize>load<u32>(labels + j * 4) == k) target += load<f64>(coefficients + j * 8) + load<f64>(missing + j * 8) * p
  }
  const gradient = k == position ? total - target - total * (others / (1 + others)) : total * p - target
  store<T>(gradients + k * sizeof<T>(), <T>(s * gradient) + <T>0)
}
