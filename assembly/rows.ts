/** What losses made of probabilities do with whole rows: widen them, make gradients of slopes, scale and add. All of it float64 but the end. */
import { loadPair, storeSum, sumF64 } from './lanes'

export function widenSoftmaxF32(
  logits: usize, probabilities: usize, numRows: usize, numClasses: usize,
  rowMax: usize, logSum: usize, p: usize, logP: usize,
): void {
  widenSoftmax<f32>(logits, probabilities, numRows, numClasses, rowMax, logSum, p, logP)
}

export function widenSoftmaxF64(
  logits: usize, probabilities: usize, numRows: usize, numClasses: usize,
  rowMax: usize, logSum: usize, p: usize, logP: usize,
): void {
  widenSoftmax<f64>(logits, probabilities, numRows, numClasses, rowMax, logSum, p, logP)
}

export function slopesToGradientsF32(
  slopes: usize, p: usize, logP: usize, numRows: usize, numClasses: usize, rowScale: usize, gradients: usize,
): void {
  slopesToGradients<f32>(slopes, p, logP, numRows, numClasses, rowScale, gradients)
}

export function slopesToGradientsF64(
  slopes: usize, p: usize, logP: usize, numRows: usize, numClasses: usize, rowScale: usize, gradients: usize,
): void {
  slopesToGradients<f64>(slopes, p, logP, numRows, numClasses, rowScale, gradients)
}

export function scaleRowsF32(values: usize, numRows: usize, numClasses: usize, factors: usize): void {
  scaleRows<f32>(values, numRows, numClasses, factors)
}

export function scaleRowsF64(values: usize, numRows: usize, numClasses: usize, factors: usize): void {
  scaleRows<f64>(values, numRows, numClasses, factors)
}

export function addF32(sum: usize, addend: usize, count: usize): void {
  add<f32>(sum, addend, count)
}

export function addF64(sum: usize, addend: usize, count: usize): void {
  add<f64>(sum, addend, count)
}

function widenSoftmax<T extends number>(
  logits: usize, probabilities: usize, numRows: usize, numClasses: usize,
  rowMax: usize, logSum: usize, p: usize, logP: usize,
): void {
  for (let n: usize = 0; n < numRows; n++) {
    const m = load<f64>(rowMax + n * 8)
    const l = load<f64>(logSum + n * 8)
    const max = f64x2.splat(m)
    const sum = f64x2.splat(l)
    let left = numClasses
    for (; left >= 2; left -= 2) {
      v128.store(p, loadPair<T>(probabilities))
      v128.store(logP, f64x2.sub(f64x2.sub(loadPair<T>(logits), max), sum))
      p += 16
      logP += 16
      logits += 2 * sizeof<T>()
      probabilities += 2 * sizeof<T>()
    }
    if (left) {
      store<f64>(p, <f64>load<T>(probabilities))
      store<f64>(logP, <f64>load<T>(logits) - m - l)
      p += 8
      logP += 8
      logits += sizeof<T>()
      probabilities += sizeof<T>()
    }
  }
}

/**
 * Where one class has more than half of the probability, its 1 - p is what the others have, which is lost in h - p sum h:
 * h (1 - p) - p (sum of the others' h) keeps the digits of a confident row. No second class has so much.
 */
function slopesToGradients<T extends number>(
  slopes: usize, p: usize, logP: usize, numRows: usize, numClasses: usize, rowScale: usize, gradients: usize,
): void {
  const bytes = numClasses * 8
  const half = f64x2.splat(0.5)
  const zero = f64x2.splat(0)
  for (let n: usize = 0; n < numRows; n++, slopes += bytes, p += bytes, logP += bytes, gradients += numClasses * sizeof<T>()) {
    const pairs = bytes & ~15
    let top: usize = usize.MAX_VALUE
    let sums = zero
    for (let i: usize = 0; i < pairs; i += 16) {
      const isTop = f64x2.gt(v128.load(p + i), half)
      if (v128.any_true(isTop)) top = i + (i64x2.bitmask(isTop) & 2) * 4
      sums = f64x2.add(sums, v128.andnot(v128.load(slopes + i), isTop))
    }
    let others = sumF64(sums)
    if (pairs < bytes) {
      if (load<f64>(p + pairs) > 0.5) top = pairs
      else others += load<f64>(slopes + pairs)
    }
    const slope = top == usize.MAX_VALUE ? 0 : load<f64>(slopes + top)
    const total = f64x2.splat(others + slope)
    const s = load<f64>(rowScale + n * 8)
    const scale = f64x2.splat(s)
    for (let i: usize = 0; i < pairs; i += 16) {
      const difference = f64x2.sub(v128.load(slopes + i), f64x2.mul(v128.load(p + i), total))
      storeSum<T>(gradients + (i >> 3) * sizeof<T>(), f64x2.mul(scale, difference))
    }
    if (pairs < bytes) {
      const difference = load<f64>(slopes + pairs) - load<f64>(p + pairs) * (others + slope)
      store<T>(gradients + (pairs >> 3) * sizeof<T>(), <T>(s * difference) + <T>0)
    }
    if (top != usize.MAX_VALUE) {
      const difference = slope * -Math.expm1(load<f64>(logP + top)) - load<f64>(p + top) * others
      store<T>(gradients + (top >> 3) * sizeof<T>(), <T>(s * difference) + <T>0)
    }
  }
}

function scaleRows<T extends number>(values: usize, numRows: usize, numClasses: usize, factors: usize): void {
  const zero = v128.splat<T>(<T>0)
  for (let n: usize = 0; n < numRows; n++) {
    const factor = <T>load<f64>(factors + n * 8)
    const vector = v128.splat<T>(factor)
    const end = values + numClasses * sizeof<T>()
    for (; values + 32 <= end; values += 32) {
      v128.store(values, v128.add<T>(v128.mul<T>(v128.load(values), vector), zero))
      v128.store(values, v128.add<T>(v128.mul<T>(v128.load(values, 16), vector), zero), 16)
    }
    for (; values < end; values += sizeof<T>()) store<T>(values, load<T>(values) * factor + <T>0)
  }
}

function add<T extends number>(sum: usize, addend: usize, count: usize): void {
  const end = sum + count * sizeof<T>()
  for (; sum + 16 <= end; sum += 16, addend += 16) v128.store(sum, v128.add<T>(v128.load(sum), v128.load(addend)))
  for (; sum < end; sum += sizeof<T>(), addend += sizeof<T>()) store<T>(sum, load<T>(sum) + load<T>(addend))
}
