/** How far each class comes within a margin of that of the label: what src/kernels/element-contract.ts says. */
import { loadPart, storePart, sumF64 } from './lanes'

/** Sums over a stretch of a row: of the powers of the excesses, and of their derivatives but for the factor p. */
let total: f64 = 0
let slopes: f64 = 0

export function marginsF32(
  logits: usize, numRows: usize, numClasses: usize,
  labels: usize, margin: f64, isSquared: u32,
  factors: usize, losses: usize, gradients: usize,
): void {
  for (let n: usize = 0; n < numRows; n++) {
    const y = <usize>load<u32>(labels + n * 4)
    const own = load<f32>(logits + y * 4)
    const factor = load<f64>(factors + n * 8)
    total = 0
    slopes = 0
    segmentF32(logits, y, own, <f32>margin, isSquared, <f32>factor, gradients)
    const behind = (y + 1) * 4
    segmentF32(logits + behind, numClasses - y - 1, own, <f32>margin, isSquared, <f32>factor, gradients ? gradients + behind : 0)
    store<f64>(losses + n * 8, total)
    if (gradients) {
      store<f32>(gradients + y * 4, <f32>(-factor * slopes) + <f32>0)
      gradients += numClasses * 4
    }
    logits += numClasses * 4
  }
}

export function marginsF64(
  logits: usize, numRows: usize, numClasses: usize,
  labels: usize, margin: f64, isSquared: u32,
  factors: usize, losses: usize, gradients: usize,
): void {
  for (let n: usize = 0; n < numRows; n++) {
    const y = <usize>load<u32>(labels + n * 4)
    const own = load<f64>(logits + y * 8)
    const factor = load<f64>(factors + n * 8)
    total = 0
    slopes = 0
    for (let k: usize = 0; k < numClasses; k++) {
      const excess = load<f64>(logits + k * 8) - own + margin
      const counts = excess > 0 && k != y
      const each: f64 = counts ? (isSquared ? excess : 1) : 0
      if (counts) total += each * excess
      slopes += each
      if (gradients) store<f64>(gradients + k * 8, counts ? factor * each : 0)
    }
    store<f64>(losses + n * 8, total)
    if (gradients) {
      store<f64>(gradients + y * 8, -factor * slopes + 0)
      gradients += numClasses * 8
    }
    logits += numClasses * 8
  }
}

function segmentF32(from: usize, count: usize, own: f32, margin: f32, isSquared: u32, factor: f32, to: usize): void {
  const vOwn = f32x4.splat(own)
  const vMargin = f32x4.splat(margin)
  const vFactor = f32x4.splat(factor)
  let sum = f64x2.splat(0)
  let derivative = f64x2.splat(0)
  for (const end = from + (count & ~3) * 4; from < end; from += 16) {
    const excess = f32x4.add(f32x4.sub(v128.load(from), vOwn), vMargin)
    const counts = f32x4.gt(excess, i32x4.splat(0))
    const value = v128.and(excess, counts)
    const low = f64x2.promote_low_f32x4(value)
    const high = f64x2.promote_low_f32x4(v128.shuffle<f64>(value, value, 1, 1))
    let each = value
    if (isSquared) {
      sum = f64x2.add(sum, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)))
      derivative = f64x2.add(derivative, f64x2.add(low, high))
    } else {
      each = v128.and(f32x4.splat(1), counts)
      sum = f64x2.add(sum, f64x2.add(low, high))
      derivative = f64x2.add(derivative, f64x2.promote_low_f32x4(f32x4.add(each, v128.shuffle<f64>(each, each, 1, 1))))
    }
    if (to) {
      v128.store(to, v128.and(f32x4.mul(vFactor, each), counts))
      to += 16
    }
  }
  total += sumF64(sum)
  slopes += sumF64(derivative)
  const rest = count & 3
  if (!rest) return
  const excess = f32x4.add(f32x4.sub(loadPart(from, rest, -Infinity), vOwn), vMargin)
  const counts = f32x4.gt(excess, i32x4.splat(0))
  const each = isSquared ? v128.and(excess, counts) : v128.and(f32x4.splat(1), counts)
  if (to) storePart(to, rest, v128.and(f32x4.mul(vFactor, each), counts))
  const value = v128.and(excess, counts)
  const low = f64x2.promote_low_f32x4(value)
  const high = f64x2.promote_low_f32x4(v128.shuffle<f64>(value, value, 1, 1))
  const powers = isSquared ? f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)) : f64x2.add(low, high)
  total += sumF64(powers)
  slopes += sumF64(f64x2.promote_low_f32x4(f32x4.add(each, v128.shuffle<f64>(each, each, 1, 1))))
}
