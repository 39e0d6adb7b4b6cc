/**
 * Negative log-likelihood of rows that are log-probabilities already: what src/kernels/likelihood-contract.ts says. Each row is read once, and
 * looked at while it is summed: a sum that is finite has nothing in it that is not.
 */
import { distance, sumAgainst } from './distance'
import { foldF32, loadPair, SINK, sumF64 } from './lanes'
import { findMaximum, maximum } from './maximum'
import { PARTIAL } from './partial'

export function nllSparseF32(
  logP: usize, numRows: usize, numClasses: usize, labels: usize, coefficients: usize, entries: usize,
  base: usize, baseValue: f64, rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return nllSparse<f32>(logP, numRows, numClasses, labels, coefficients, entries, base, baseValue, rowScale, losses, gradients)
}

export function nllSparseF64(
  logP: usize, numRows: usize, numClasses: usize, labels: usize, coefficients: usize, entries: usize,
  base: usize, baseValue: f64, rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return nllSparse<f64>(logP, numRows, numClasses, labels, coefficients, entries, base, baseValue, rowScale, losses, gradients)
}

export function nllDenseF32(
  logP: usize, numRows: usize, numClasses: usize, targets: usize, classWeights: usize, rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return nllDense<f32>(logP, numRows, numClasses, targets, classWeights, rowScale, losses, gradients)
}

export function nllDenseF64(
  logP: usize, numRows: usize, numClasses: usize, targets: usize, classWeights: usize, rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return nllDense<f64>(logP, numRows, numClasses, targets, classWeights, rowScale, losses, gradients)
}

function nllSparse<T extends number>(
  logP: usize, numRows: usize, numClasses: usize, labels: usize, coefficients: usize, entries: usize,
  base: usize, baseValue: f64, rowScale: usize, losses: usize, gradients: usize,
): i32 {
  const bytes = numClasses * sizeof<T>()
  for (let n: usize = 0; n < numRows; n++, logP += bytes) {
    const s = load<f64>(rowScale + n * 8)
    let loss: f64 = 0
    if (base) {
      if (!isSound<T>(logP, numClasses, sumWhileFilling<T>(logP, numClasses, 0, 0))) return <i32>n
      sumAgainst<T>(logP, numClasses, 0, base, 0)
      loss = distance
      if (gradients) storeScaled<T>(gradients, numClasses, base, 0, <T>-s)
    } else if (baseValue == 0) {
      if (!isSound<T>(logP, numClasses, sumWhileFilling<T>(logP, numClasses, gradients, 0))) return <i32>n
    } else {
      loss = -scaledWhileFilling<T>(logP, numClasses, baseValue, gradients, <T>(-baseValue * s) + <T>0)
      if (!isSound<T>(logP, numClasses, loss)) return <i32>n
    }
    for (let j: usize = 0; j < entries; j++) {
      const coefficient = load<f64>(coefficients + j * 8)
      if (coefficient == 0) continue
      const label = <usize>load<u32>(labels + j * 4)
      loss -= coefficient * <f64>load<T>(logP + label * sizeof<T>())
      if (gradients) {
        let target = base ? <f64>load<T>(base + label * sizeof<T>()) : baseValue
        for (let i: usize = 0; i < entries; i++) {
          if (<usize>load<u32>(labels + i * 4) == label) target += load<f64>(coefficients + i * 8)
        }
        store<T>(gradients + label * sizeof<T>(), <T>(-target * s) + <T>0)
      }
    }
    store<f64>(losses + n * 8, loss + 0)
    if (gradients) gradients += bytes
    labels += entries * 4
    coefficients += entries * 8
  }
  return -1
}

function nllDense<T extends number>(
  logP: usize, numRows: usize, numClasses: usize, targets: usize, classWeights: usize, rowScale: usize, losses: usize, gradients: usize,
): i32 {
  const bytes = numClasses * sizeof<T>()
  for (let n: usize = 0; n < numRows; n++, logP += bytes, targets += bytes) {
    if (!isSound<T>(logP, numClasses, sumWhileFilling<T>(logP, numClasses, 0, 0))) return <i32>n
    sumAgainst<T>(logP, numClasses, 0, targets, classWeights)
    store<f64>(losses + n * 8, distance + 0)
    if (gradients) {
      storeScaled<T>(gradients, numClasses, targets, classWeights, <T>-load<f64>(rowScale + n * 8))
      gradients += bytes
    }
  }
  return -1
}

/** Whether a row holds neither NaN nor +Infinity and not only -Infinity, given a sum of it that only looks settle where it is not finite. */
// @ts-ignore: decorator
@inline
function isSound<T extends number>(row: usize, count: usize, sum: f64): bool {
  return abs(sum) < Infinity || isDistribution<T>(row, count)
}

function isDistribution<T extends number>(row: usize, count: usize): bool {
  for (let k: usize = 0; k < count; k++) if (!(load<T>(row + k * sizeof<T>()) < <T>Infinity)) return false
  findMaximum<T>(row, count)
  return maximum > -Infinity
}

/**
 * Sum of a row in its own type: finite only if all of the row is. Reading and writing behind each other would wait for memory twice.
 *
 * @param out [count], written: `value`; 0 = not wanted
 */
function sumWhileFilling<T extends number>(row: usize, count: usize, out: usize, value: T): f64 {
  const lanes: usize = 16 / sizeof<T>()
  const vector = v128.splat<T>(value)
  const to = out ? out : SINK
  const step: usize = out ? 64 : 0
  let sum0 = v128.splat<T>(<T>0)
  let sum1 = sum0
  let sum2 = sum0
  let sum3 = sum0
  out = to
  for (const end = row + (count & ~(4 * lanes - 1)) * sizeof<T>(); row < end; row += 64, out += step) {
    sum0 = v128.add<T>(sum0, v128.load(row))
    sum1 = v128.add<T>(sum1, v128.load(row, 16))
    sum2 = v128.add<T>(sum2, v128.load(row, 32))
    sum3 = v128.add<T>(sum3, v128.load(row, 48))
    v128.store(out, vector)
    v128.store(out, vector, 16)
    v128.store(out, vector, 32)
    v128.store(out, vector, 48)
  }
  sum0 = v128.add<T>(v128.add<T>(sum0, sum1), v128.add<T>(sum2, sum3))
  let rest = sumF64(sizeof<T>() == 4 ? foldF32(sum0) : sum0)
  const elementStep: usize = step ? sizeof<T>() : 0
  for (let left = count & (4 * lanes - 1); left; left--, row += sizeof<T>(), out += elementStep) {
    rest += <f64>load<T>(row)
    store<T>(out, value)
  }
  return rest
}

/** The same of factor * z in float64, where factor is not 0. */
function scaledWhileFilling<T extends number>(row: usize, count: usize, factor: f64, out: usize, value: T): f64 {
  const pair: usize = 2 * sizeof<T>()
  const by = f64x2.splat(factor)
  const vector = v128.splat<T>(value)
  const to = out ? out : SINK
  const step: usize = out ? sizeof<T>() : 0
  let total: f64 = 0
  out = to
  while (count) {
    const length = min(count, PARTIAL)
    count -= length
    let sum0 = f64x2.splat(0)
    let sum1 = f64x2.splat(0)
    let left = length
    for (; left >= 4; left -= 4, row += 2 * pair, out += 4 * step) {
      sum0 = f64x2.add(sum0, f64x2.mul(by, loadPair<T>(row)))
      sum1 = f64x2.add(sum1, f64x2.mul(by, loadPair<T>(row + pair)))
      v128.store(out, vector)
      if (sizeof<T>() == 8) v128.store(out, vector, 16)
    }
    total += sumF64(f64x2.add(sum0, sum1))
    for (; left; left--, row += sizeof<T>(), out += step) {
      total += factor * <f64>load<T>(row)
      store<T>(out, value)
    }
  }
  return total
}

/** out = targets * weights * scale, never -0 */
function storeScaled<T extends number>(out: usize, count: usize, targets: usize, weights: usize, scale: T): void {
  const zero = v128.splat<T>(<T>0)
  const by = v128.splat<T>(scale)
  const end = out + count * sizeof<T>()
  for (; out + 16 <= end; out += 16, targets += 16) {
    let target = v128.load(targets)
    if (weights) {
      target = v128.mul<T>(target, v128.load(weights))
      weights += 16
    }
    v128.store(out, v128.add<T>(v128.mul<T>(target, by), zero))
  }
  for (; out < end; out += sizeof<T>(), targets += sizeof<T>()) {
    let target = load<T>(targets)
    if (weights) {
      target *= load<T>(weights)
      weights += sizeof<T>()
    }
    store<T>(out, target * scale + <T>0)
  }
}
