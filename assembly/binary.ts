/**
 * Binary cross entropy of each element, summed over a row, and its gradient: what src/kernels/element-contract.ts says. One path in float32 and
 * one in float64, each in passes over a part of a row: one pass is a chain of steps longer than the machine looks ahead.
 */
import { loadPart, storePart, sumF64 } from './lanes'
import { aliveF32, aliveF64, isSound, logF32, logF64, mostF32, mostF64, powerF32, powerF64, unsoundF32, unsoundF64 } from './logistic'

/** Elements of a part; its exponentials. */
const PART: usize = 256
const POWERS: usize = memory.data(2048, 16)

export function binaryCrossEntropyF32(
  logits: usize, numRows: usize, numClasses: usize,
  targets: usize, onWeights: usize, offWeights: usize,
  rowScale: usize, losses: usize, gradients: usize,
): i32 {
  for (let n: usize = 0; n < numRows; n++) {
    let unsound = f32x4.splat(0)
    let alive = unsound
    const scale = f32x4.splat(<f32>load<f64>(rowScale + n * 8))
    let sum = f64x2.splat(0)
    let on = onWeights
    let off = offWeights
    let left = numClasses
    while (left >= 4) {
      const end = min(left & ~3, PART) * 4
      left -= end >> 2
      for (let i: usize = 0; i < end; i += 16) {
        const z = v128.load(logits + i)
        unsound = v128.or(unsound, unsoundF32(z))
        alive = v128.or(alive, aliveF32(z))
        v128.store(POWERS + i, powerF32(z))
      }
      for (let i: usize = 0; i < end; i += 16) {
        const cost = costF32(
          v128.load(logits + i), v128.load(POWERS + i), v128.load(targets + i), v128.load(on + i), v128.load(off + i),
        )
        sum = f64x2.add(sum, f64x2.promote_low_f32x4(cost))
        sum = f64x2.add(sum, f64x2.promote_low_f32x4(v128.shuffle<f64>(cost, cost, 1, 1)))
      }
      if (gradients) {
        for (let i: usize = 0; i < end; i += 16) {
          const slope = slopeF32(
            v128.load(logits + i), v128.load(POWERS + i), v128.load(targets + i), v128.load(on + i), v128.load(off + i),
          )
          v128.store(gradients + i, f32x4.add(f32x4.mul(scale, slope), i32x4.splat(0)))
        }
        gradients += end
      }
      logits += end
      targets += end
      on += end
      off += end
    }
    if (left) {
      const z = loadPart(logits, left, -Infinity)
      unsound = v128.or(unsound, unsoundF32(z))
      alive = v128.or(alive, aliveF32(z))
      const u = powerF32(z)
      const q = loadPart(targets, left, 0)
      const wOn = loadPart(on, left, 0)
      const wOff = loadPart(off, left, 0)
      const cost = costF32(z, u, q, wOn, wOff)
      sum = f64x2.add(sum, f64x2.promote_low_f32x4(cost))
      sum = f64x2.add(sum, f64x2.promote_low_f32x4(v128.shuffle<f64>(cost, cost, 1, 1)))
      if (gradients) {
        storePart(gradients, left, f32x4.add(f32x4.mul(scale, slopeF32(z, u, q, wOn, wOff)), i32x4.splat(0)))
        gradients += left * 4
      }
      logits += left * 4
      targets += left * 4
    }
    if (!isSound(unsound, alive)) return <i32>n
    store<f64>(losses + n * 8, sumF64(sum))
  }
  return -1
}

export function binaryCrossEntropyF64(
  logits: usize, numRows: usize, numClasses: usize,
  targets: usize, onWeights: usize, offWeights: usize,
  rowScale: usize, losses: usize, gradients: usize,
): i32 {
  for (let n: usize = 0; n < numRows; n++) {
    let unsound = f64x2.splat(0)
    let alive = unsound
    const scale = f64x2.splat(load<f64>(rowScale + n * 8))
    let sum = f64x2.splat(0)
    let on = onWeights
    let off = offWeights
    let left = numClasses
    while (left >= 2) {
      const end = min(left & ~1, PART) * 8
      left -= end >> 3
      for (let i: usize = 0; i < end; i += 16) {
        const z = v128.load(logits + i)
        unsound = v128.or(unsound, unsoundF64(z))
        alive = v128.or(alive, aliveF64(z))
        v128.store(POWERS + i, powerF64(z))
      }
      for (let i: usize = 0; i < end; i += 16) {
        const cost = costF64(
          v128.load(logits + i), v128.load(POWERS + i), v128.load(targets + i), v128.load(on + i), v128.load(off + i),
        )
        sum = f64x2.add(sum, cost)
      }
      if (gradients) {
        for (let i: usize = 0; i < end; i += 16) {
          const slope = slopeF64(
            v128.load(logits + i), v128.load(POWERS + i), v128.load(targets + i), v128.load(on + i), v128.load(off + i),
          )
          v128.store(gradients + i, f64x2.add(f64x2.mul(scale, slope), i64x2.splat(0)))
        }
        gradients += end
      }
      logits += end
      targets += end
      on += end
      off += end
    }
    if (left) {
      const z = v128.load_lane<f64>(logits, f64x2.splat(-Infinity), 0)
      unsound = v128.or(unsound, unsoundF64(z))
      alive = v128.or(alive, aliveF64(z))
      const u = powerF64(z)
      const q = v128.load_zero<u64>(targets)
      const wOn = v128.load_zero<u64>(on)
      const wOff = v128.load_zero<u64>(off)
      sum = f64x2.add(sum, costF64(z, u, q, wOn, wOff))
      if (gradients) {
        v128.store_lane<f64>(gradients, f64x2.add(f64x2.mul(scale, slopeF64(z, u, q, wOn, wOff)), i64x2.splat(0)), 0)
        gradients += 8
      }
      logits += 8
      targets += 8
    }
    if (!isSound(unsound, alive)) return <i32>n
    store<f64>(losses + n * 8, sumF64(sum))
  }
  return -1
}

/** A label that is off costs nothing at -Infinity. */
// @ts-ignore: decorator
@inline
function costF32(z: v128, u: v128, q: v128, onWeight: v128, offWeight: v128): v128 {
  const zero = i32x4.splat(0)
  const log = logF32(u)
  const above = f32x4.mul(onWeight, q)
  const below = f32x4.mul(offWeight, f32x4.sub(f32x4.splat(1), q))
  const costOn = f32x4.mul(above, f32x4.add(f32x4.pmax(f32x4.sub(zero, z), zero), log))
  const costOff = f32x4.mul(below, f32x4.add(f32x4.pmax(z, zero), log))
  return f32x4.add(v128.andnot(costOn, f32x4.eq(above, zero)), costOff)
}

// @ts-ignore: decorator
@inline
function slopeF32(z: v128, u: v128, q: v128, onWeight: v128, offWeight: v128): v128 {
  const most = mostF32(u)
  const least = f32x4.mul(u, most)
  const isNegative = f32x4.lt(z, i32x4.splat(0))
  const above = f32x4.mul(onWeight, q)
  const below = f32x4.mul(offWeight, f32x4.sub(f32x4.splat(1), q))
  return f32x4.sub(
    f32x4.mul(below, v128.bitselect(least, most, isNegative)),
    f32x4.mul(above, v128.bitselect(most, least, isNegative)),
  )
}

// @ts-ignore: decorator
@inline
function costF64(z: v128, u: v128, q: v128, onWeight: v128, offWeight: v128): v128 {
  const zero = i64x2.splat(0)
  const log = logF64(u)
  const above = f64x2.mul(onWeight, q)
  const below = f64x2.mul(offWeight, f64x2.sub(f64x2.splat(1), q))
  const costOn = f64x2.mul(above, f64x2.add(f64x2.pmax(f64x2.sub(zero, z), zero), log))
  const costOff = f64x2.mul(below, f64x2.add(f64x2.pmax(z, zero), log))
  return f64x2.add(v128.andnot(costOn, f64x2.eq(above, zero)), costOff)
}

// @ts-ignore: decorator
@inline
function slopeF64(z: v128, u: v128, q: v128, onWeight: v128, offWeight: v128): v128 {
  const most = mostF64(u)
  const least = f64x2.mul(u, most)
  const isNegative = f64x2.lt(z, i64x2.splat(0))
  const above = f64x2.mul(onWeight, q)
  const below = f64x2.mul(offWeight, f64x2.sub(f64x2.splat(1), q))
  return f64x2.sub(
    f64x2.mul(below, v128.bitselect(least, most, isNegative)),
    f64x2.mul(above, v128.bitselect(most, least, isNegative)),
  )
}
