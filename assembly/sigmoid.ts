/** Sigmoid of each logit, of its negative, and their logs: what src/kernels/contract.ts says. */
import { loadPart } from './lanes'
import { aliveF32, aliveF64, isSound, logF32, logF64, mostF32, mostF64, powerF32, powerF64, unsoundF32, unsoundF64 } from './logistic'

/** Four results of four float64 each, for the end of a row. */
const LAST: usize = memory.data(128, 16)

/** A row in float32 goes in parts of this many elements, each in three passes: one pass is a chain of steps longer than the machine looks ahead. */
const PART: usize = 256
/** u of a part. */
const POWERS: usize = memory.data(1024, 16)

export function sigmoidF32(
  logits: usize, numRows: usize, numClasses: usize,
  on: usize, off: usize, logOn: usize, logOff: usize,
): i32 {
  let faulty: i32 = -1
  for (let n: usize = 0; n < numRows; n++) {
    let unsound = f32x4.splat(0)
    let alive = unsound
    let left = numClasses
    while (left >= 4) {
      const count = min(left & ~3, PART)
      left -= count
      const end = count * 4
      for (let i: usize = 0; i < end; i += 16) {
        const z = v128.load(logits + i)
        unsound = v128.or(unsound, unsoundF32(z))
        alive = v128.or(alive, aliveF32(z))
        v128.store(POWERS + i, powerF32(z))
      }
      for (let i: usize = 0; i < end; i += 16) shares(v128.load(logits + i), v128.load(POWERS + i), on + 2 * i, off + 2 * i)
      for (let i: usize = 0; i < end; i += 16) logs(v128.load(logits + i), v128.load(POWERS + i), logOn + 2 * i, logOff + 2 * i)
      logits += end
      on += 2 * end
      off += 2 * end
      logOn += 2 * end
      logOff += 2 * end
    }
    if (left) {
      const z = loadPart(logits, left, -Infinity)
      unsound = v128.or(unsound, unsoundF32(z))
      alive = v128.or(alive, aliveF32(z))
      const u = powerF32(z)
      shares(z, u, LAST, LAST + 32)
      logs(z, u, LAST + 64, LAST + 96)
      for (let i: usize = 0; i < left; i++, logits += 4, on += 8, off += 8, logOn += 8, logOff += 8) {
        store<f64>(on, load<f64>(LAST + i * 8))
        store<f64>(off, load<f64>(LAST + i * 8, 32))
        store<f64>(logOn, load<f64>(LAST + i * 8, 64))
        store<f64>(logOff, load<f64>(LAST + i * 8, 96))
      }
    }
    if (faulty < 0 && !isSound(unsound, alive)) faulty = <i32>n
  }
  return faulty
}

export function sigmoidF64(
  logits: usize, numRows: usize, numClasses: usize,
  on: usize, off: usize, logOn: usize, logOff: usize,
): i32 {
  let faulty: i32 = -1
  for (let n: usize = 0; n < numRows; n++) {
    let unsound = f64x2.splat(0)
    let alive = unsound
    let left = numClasses
    for (; left >= 2; left -= 2, logits += 16, on += 16, off += 16, logOn += 16, logOff += 16) {
      const z = v128.load(logits)
      unsound = v128.or(unsound, unsoundF64(z))
      alive = v128.or(alive, aliveF64(z))
      two(z, on, off, logOn, logOff)
    }
    if (left) {
      const z = v128.load_splat<u64>(logits)
      unsound = v128.or(unsound, unsoundF64(z))
      alive = v128.or(alive, aliveF64(z))
      two(z, LAST, LAST + 32, LAST + 64, LAST + 96)
      store<f64>(on, load<f64>(LAST))
      store<f64>(off, load<f64>(LAST, 32))
      store<f64>(logOn, load<f64>(LAST, 64))
      store<f64>(logOff, load<f64>(LAST, 96))
      logits += 8
      on += 8
      off += 8
      logOn += 8
      logOff += 8
    }
    if (faulty < 0 && !isSound(unsound, alive)) faulty = <i32>n
  }
  return faulty
}

// @ts-ignore: decorator
@inline
function shares(z: v128, u: v128, on: usize, off: usize): void {
  const most = mostF32(u)
  const least = f32x4.mul(u, most)
  const isNegative = f32x4.lt(z, i32x4.splat(0))
  wideFour(v128.bitselect(least, most, isNegative), on)
  wideFour(v128.bitselect(most, least, isNegative), off)
}

// @ts-ignore: decorator
@inline
function logs(z: v128, u: v128, logOn: usize, logOff: usize): void {
  const log = logF32(u)
  const low = f64x2.promote_low_f32x4(log)
  const high = f64x2.promote_low_f32x4(v128.shuffle<f64>(log, log, 1, 1))
  const zero = i32x4.splat(0)
  const below = f32x4.pmin(z, zero)
  const above = f32x4.pmin(f32x4.sub(zero, z), zero)
  v128.store(logOn, f64x2.sub(f64x2.promote_low_f32x4(below), low))
  v128.store(logOn, f64x2.sub(f64x2.promote_low_f32x4(v128.shuffle<f64>(below, below, 1, 1)), high), 16)
  v128.store(logOff, f64x2.sub(f64x2.promote_low_f32x4(above), low))
  v128.store(logOff, f64x2.sub(f64x2.promote_low_f32x4(v128.shuffle<f64>(above, above, 1, 1)), high), 16)
}

// @ts-ignore: decorator
@inline
function wideFour(x: v128, to: usize): void {
  v128.store(to, f64x2.promote_low_f32x4(x))
  v128.store(to, f64x2.promote_low_f32x4(v128.shuffle<f64>(x, x, 1, 1)), 16)
}

// @ts-ignore: decorator
@inline
function two(z: v128, on: usize, off: usize, logOn: usize, logOff: usize): void {
  const u = powerF64(z)
  const most = mostF64(u)
  const least = f64x2.mul(u, most)
  const zero = i64x2.splat(0)
  const isNegative = f64x2.lt(z, zero)
  v128.store(on, v128.bitselect(least, most, isNegative))
  v128.store(off, v128.bitselect(most, least, isNegative))
  const log = logF64(u)
  v128.store(logOn, f64x2.sub(f64x2.pmin(z, zero), log))
  v128.store(logOff, f64x2.sub(f64x2.pmin(f64x2.sub(zero, z), zero), log))
}
