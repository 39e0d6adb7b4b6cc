/**
 * The loss kernels: what src/kernels/contract.ts says, row by row. Pointers are aligned to their element size and no more;
 * nothing is checked but the logits of a row. A row's result depends on nothing outside that row, to the last bit.
 *
 * Row n:  m = max z,  R = sum of exp(z - m) but one maximum,  p = exp(z - m) / (1 + R),  logSum = log1p(R).
 * The loss is a sum of terms >= 0, the gradient is made in place from the stored exponentials. At the maximum the gradient
 * is (S - target) - S R / (1 + R), which keeps its digits where S p - target would cancel.
 */
export { argmaxF32, argmaxF64 } from './argmax'
import { distance, mass, sumAgainst } from './distance'
import { scale, scaleMinus, scaleMinusWeighted } from './gradient'
import { maximum, position } from './maximum'
import { factor, others, sumExponentials, uniformDistance } from './sums'

export function softmaxF32(logits: usize, numRows: u32, numClasses: u32, probabilities: usize, rowMax: usize, logSum: usize): i32 {
  return softmax<f32>(logits, numRows, numClasses, probabilities, rowMax, logSum)
}

export function softmaxF64(logits: usize, numRows: u32, numClasses: u32, probabilities: usize, rowMax: usize, logSum: usize): i32 {
  return softmax<f64>(logits, numRows, numClasses, probabilities, rowMax, logSum)
}

export function crossEntropySparseF32(
  logits: usize, numRows: u32, numClasses: u32,
  labels: usize, coefficients: usize, entries: u32,
  base: usize, baseValue: f64, baseSum: f64,
  rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return crossEntropySparse<f32>(
    logits, numRows, numClasses, labels, coefficients, entries, base, baseValue, baseSum, rowScale, losses, gradients,
  )
}

export function crossEntropySparseF64(
  logits: usize, numRows: u32, numClasses: u32,
  labels: usize, coefficients: usize, entries: u32,
  base: usize, baseValue: f64, baseSum: f64,
  rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return crossEntropySparse<f64>(
    logits, numRows, numClasses, labels, coefficients, entries, base, baseValue, baseSum, rowScale, losses, gradients,
  )
}

export function crossEntropyDenseF32(
  logits: usize, numRows: u32, numClasses: u32,
  targets: usize, classWeights: usize,
  rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return crossEntropyDense<f32>(logits, numRows, numClasses, targets, classWeights, rowScale, losses, gradients)
}

export function crossEntropyDenseF64(
  logits: usize, numRows: u32, numClasses: u32,
  targets: usize, classWeights: usize,
  rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return crossEntropyDense<f64>(logits, numRows, numClasses, targets, classWeights, rowScale, losses, gradients)
}

function softmax<T extends number>(
  logits: usize, numRows: usize, numClasses: usize,
  probabilities: usize, rowMax: usize, logSum: usize,
): i32 {
  const bytes = numClasses * sizeof<T>()
  for (let n: usize = 0; n < numRows; n++, logits += bytes) {
    if (!sumExponentials<T>(logits, numClasses, probabilities)) return <i32>n
    store<f64>(rowMax + n * 8, maximum)
    store<f64>(logSum + n * 8, Math.log1p(others))
    if (probabilities) {
      scale<T>(probabilities, numClasses, <T>(factor / (1 + others)), <T>0)
      store<T>(probabilities + position * sizeof<T>(), <T>(1 / (1 + others)))
      probabilities += bytes
    }
  }
  return -1
}

function crossEntropySparse<T extends number>(
  logits: usize, numRows: usize, numClasses: usize,
  labels: usize, coefficients: usize, entries: usize,
  base: usize, baseValue: f64, baseSum: f64,
  rowScale: usize, losses: usize, gradients: usize,
): i32 {
  const bytes = numClasses * sizeof<T>()
  for (let n: usize = 0; n < numRows; n++, logits += bytes) {
    if (!sumExponentials<T>(logits, numClasses, gradients, !base && baseValue != 0)) return <i32>n
    let total = baseSum
    let loss: f64 = 0
    if (base) {
      sumAgainst<T>(logits, numClasses, maximum, base, 0)
      loss = distance
    } else if (baseValue != 0) {
      loss = baseValue * uniformDistance<T>(logits, numClasses)
    }
    for (let j: usize = 0; j < entries; j++) {
      const coefficient = load<f64>(coefficients + j * 8)
      total += coefficient
      if (coefficient != 0) {
        loss += coefficient * (maximum - <f64>load<T>(logits + <usize>load<u32>(labels + j * 4) * sizeof<T>()))
      }
    }
    // + 0 turns -0 into 0.
    store<f64>(losses + n * 8, loss + total * Math.log1p(others) + 0)
    if (gradients) {
      const s = load<f64>(rowScale + n * 8)
      const probability = factor / (1 + others)
      const label0 = <usize>load<u32>(labels)
      const label1 = entries > 1 ? <usize>load<u32>(labels + 4) : label0
      const p0 = probability * <f64>load<T>(gradients + label0 * sizeof<T>())
      const p1 = probability * <f64>load<T>(gradients + label1 * sizeof<T>())
      const a = <T>(s * total * probability)
      if (base) scaleMinus<T>(gradients, numClasses, a, base, <T>s)
      else scale<T>(gradients, numClasses, a, <T>(s * baseValue))
      storeSparse<T>(gradients, label0, s, total, p0, labels, coefficients, entries, base, baseValue)
      storeSparse<T>(gradients, label1, s, total, p1, labels, coefficients, entries, base, baseValue)
      storeSparse<T>(gradients, position, s, total, 0, labels, coefficients, entries, base, baseValue)
      gradients += bytes
    }
    labels += entries * 4
    coefficients += entries * 8
  }
  return -1
}

/** The gradient of one class whose target is not the base alone, or which is the maximum. */
// @ts-ignore: decorator
@inline
function storeSparse<T extends number>(
  gradients: usize, k: usize, s: f64, total: f64, p: f64,
  labels: usize, coefficients: usize, entries: usize, base: usize, baseValue: f64,
): void {
  let target = base ? <f64>load<T>(base + k * sizeof<T>()) : baseValue
  for (let j: usize = 0; j < entries; j++) {
    if (<usize>load<u32>(labels + j * 4) == k) target += load<f64>(coefficients + j * 8)
  }
  const gradient = k == position ? total - target - total * (others / (1 + others)) : total * p - target
  store<T>(gradients + k * sizeof<T>(), <T>(s * gradient) + <T>0)
}

function crossEntropyDense<T extends number>(
  logits: usize, numRows: usize, numClasses: usize,
  targets: usize, classWeights: usize,
  rowScale: usize, losses: usize, gradients: usize,
): i32 {
  const bytes = numClasses * sizeof<T>()
  for (let n: usize = 0; n < numRows; n++, logits += bytes, targets += bytes) {
    if (!sumExponentials<T>(logits, numClasses, gradients)) return <i32>n
    sumAgainst<T>(logits, numClasses, maximum, targets, classWeights)
    store<f64>(losses + n * 8, distance + mass * Math.log1p(others) + 0)
    if (gradients) {
      const s = load<f64>(rowScale + n * 8)
      const a = <T>(s * mass * factor / (1 + others))
      if (classWeights) scaleMinusWeighted<T>(gradients, numClasses, a, targets, classWeights, <T>s)
      else scaleMinus<T>(gradients, numClasses, a, targets, <T>s)
      let target: f64 = load<T>(targets + position * sizeof<T>())
      if (classWeights) target *= load<T>(classWeights + position * sizeof<T>())
      const gradient = mass - target - mass * (others / (1 + others))
      store<T>(gradients + position * sizeof<T>(), <T>(s * gradient) + <T>0)
      gradients += bytes
    }
  }
  return -1
}
