/**
 * Sigmoid of each logit, of its negative, and their logs, to every digit at both ends:
 *
 *   u = exp(-|z|),  sigmoid(|z|) = 1 / (1 + u),  sigmoid(-|z|) = u / (1 + u),  log sigmoid(z) = min(z, 0) - log1p(u)
 *
 * log1p(u) = 2 atanh(s) with s = u / (2 + u) <= 1/3, an odd function of s: 2 s (1 + t P(t)), t = s^2. P is minimax in relative error
 * of the whole, 4.5e-9 for float32 and 4.9e-17 for float64.
 *
 * Float32 logits are evaluated in float32 but for the last subtraction. Below 2^-126 (float32) and e^-709 (float64) a probability is 0.
 */
import { expF32, expF64 } from './exp'

const F32: usize = memory.data<f32>([
  1, 1, 1, 1,
  2, 2, 2, 2,
  -88.17, -88.17, -88.17, -88.17, // rounds to n = -127, whose factor is 0
  12583039, 12583039, 12583039, 12583039, // ROUND_F32
  0.3333320915699005, 0.3333320915699005, 0.3333320915699005, 0.3333320915699005, // 0x1.555502p-2
  0.2001076340675354, 0.2001076340675354, 0.2001076340675354, 0.2001076340675354, // 0x1.99d208p-3
  0.14000903069972992, 0.14000903069972992, 0.14000903069972992, 0.14000903069972992, // 0x1.1ebd0ep-3
  0.1400599479675293, 0.1400599479675293, 0.1400599479675293, 0.1400599479675293, // 0x1.1ed7c0p-3
], 16)

const enum F32Constant { ONE, TWO, LOW, ROUND, C0, C1, C2, C3 }

const F64: usize = memory.data<f64>([
  1,
  2,
  -709.2, // CUTOFF_F64
  0.3333333333333885, // 0x1.5555555555937p-2
  0.1999999999802485, // 0x1.99999998ebdd3p-3
  0.14285714528999396, // 0x1.2492497829dedp-3
  0.11111096452272827, // 0x1.c71c4a6da2577p-4
  0.09091407038001471, // 0x1.74624ff074595p-4
  0.07682147731549337, // 0x1.3aa9284b350afp-4
  0.06793157427905919, // 0x1.163f6b1e4f462p-4
  0.04951408937429585, // 0x1.959e9251b8e87p-5
  0.08869882661759625, // 0x1.6b4f75f84226bp-4
], 16)

const enum F64Constant { ONE, TWO, CUTOFF, C0, C1, C2, C3, C4, C5, C6, C7, C8 }

/** Four results of four float64 each, for the end of a row. */
const LAST: usize = memory.data(128, 16)

/** A row in float32 goes in parts of this many elements, each in three passes: one pass is a chain of steps longer than the machine looks ahead. */
const PART: usize = 256
/** u of a part. */
const POWERS: usize = memory.data(1024, 16)

// @ts-ignore: decorator
@inline
function constantF32(index: usize): v128 {
  return v128.load(F32 + index * 16)
}

// @ts-ignore: decorator
@inline
function constantF64(index: usize): v128 {
  return v128.load_splat<u64>(F64 + index * 8)
}

export function sigmoidF32(
  logits: usize, numRows: usize, numClasses: usize,
  on: usize, off: usize, logOn: usize, logOff: usize,
): i32 {
  let faulty: i32 = -1
  for (let n: usize = 0; n < numRows; n++) {
    let unsound = f32x4.splat(0)
    let alive = unsound
    const infinity = f32x4.splat(Infinity)
    let left = numClasses
    while (left >= 4) {
      const count = min(left & ~3, PART)
      left -= count
      const end = count * 4
      for (let i: usize = 0; i < end; i += 16) {
        const z = v128.load(logits + i)
        unsound = v128.or(unsound, v128.not(f32x4.lt(z, infinity)))
        alive = v128.or(alive, f32x4.gt(z, f32x4.neg(infinity)))
        v128.store(POWERS + i, power(z))
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
      let z = f32x4.splat(-Infinity)
      z = v128.load_lane<f32>(logits, z, 0)
      if (left > 1) z = v128.load_lane<f32>(logits + 4, z, 1)
      if (left > 2) z = v128.load_lane<f32>(logits + 8, z, 2)
      unsound = v128.or(unsound, v128.not(f32x4.lt(z, infinity)))
      alive = v128.or(alive, f32x4.gt(z, f32x4.neg(infinity)))
      const u = power(z)
      shares(z, u, LAST, LAST + 32)
      logs(z, u, LAST + 64, LAST + 96)
      for (let i: usize = 0; i < left; i++, logits += 4, on += 8, off += 8, logOn += 8, logOff += 8) {
        store<f64>(on, load<f64>(LAST + i * 8))
        store<f64>(off, load<f64>(LAST + i * 8, 32))
        store<f64>(logOn, load<f64>(LAST + i * 8, 64))
        store<f64>(logOff, load<f64>(LAST + i * 8, 96))
      }
    }
    if (faulty < 0 && (v128.any_true(unsound) || !v128.any_true(alive))) faulty = <i32>n
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
    const infinity = f64x2.splat(Infinity)
    let left = numClasses
    for (; left >= 2; left -= 2, logits += 16, on += 16, off += 16, logOn += 16, logOff += 16) {
      const z = v128.load(logits)
      unsound = v128.or(unsound, v128.not(f64x2.lt(z, infinity)))
      alive = v128.or(alive, f64x2.gt(z, f64x2.neg(infinity)))
      two(z, on, off, logOn, logOff)
    }
    if (left) {
      const z = v128.load_splat<u64>(logits)
      unsound = v128.or(unsound, v128.not(f64x2.lt(z, infinity)))
      alive = v128.or(alive, f64x2.gt(z, f64x2.neg(infinity)))
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
    if (faulty < 0 && (v128.any_true(unsound) || !v128.any_true(alive))) faulty = <i32>n
  }
  return faulty
}

// @ts-ignore: decorator
@inline
function power(z: v128): v128 {
  // pmax and pmin with the number first let NaN through.
  const distance = f32x4.pmin(z, f32x4.sub(i32x4.splat(0), z))
  return expF32(f32x4.pmax(distance, constantF32(F32Constant.LOW)), constantF32(F32Constant.ROUND))
}

// @ts-ignore: decorator
@inline
function shares(z: v128, u: v128, on: usize, off: usize): void {
  const one = constantF32(F32Constant.ONE)
  const most = f32x4.div(one, f32x4.add(one, u))
  const least = f32x4.mul(u, most)
  const isNegative = f32x4.lt(z, i32x4.splat(0))
  wideFour(v128.bitselect(least, most, isNegative), on)
  wideFour(v128.bitselect(most, least, isNegative), off)
}

// @ts-ignore: decorator
@inline
function logs(z: v128, u: v128, logOn: usize, logOff: usize): void {
  const s = f32x4.div(u, f32x4.add(constantF32(F32Constant.TWO), u))
  const t = f32x4.mul(s, s)
  const c23 = f32x4.add(f32x4.mul(t, constantF32(F32Constant.C3)), constantF32(F32Constant.C2))
  const c01 = f32x4.add(f32x4.mul(t, constantF32(F32Constant.C1)), constantF32(F32Constant.C0))
  const series = f32x4.add(f32x4.mul(f32x4.mul(t, t), c23), c01)
  const twice = f32x4.add(s, s)
  const log = f32x4.add(f32x4.mul(f32x4.mul(twice, t), series), twice)
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
  const one = constantF64(F64Constant.ONE)
  const zero = i64x2.splat(0)
  const minus = f64x2.sub(zero, z)
  const u = expF64(f64x2.pmax(f64x2.pmin(z, minus), constantF64(F64Constant.CUTOFF)))
  const most = f64x2.div(one, f64x2.add(one, u))
  const least = f64x2.mul(u, most)
  const isNegative = f64x2.lt(z, zero)
  v128.store(on, v128.bitselect(least, most, isNegative))
  v128.store(off, v128.bitselect(most, least, isNegative))

  const s = f64x2.div(u, f64x2.add(constantF64(F64Constant.TWO), u))
  const t = f64x2.mul(s, s)
  const t2 = f64x2.mul(t, t)
  const t4 = f64x2.mul(t2, t2)
  const c01 = f64x2.add(f64x2.mul(t, constantF64(F64Constant.C1)), constantF64(F64Constant.C0))
  const c23 = f64x2.add(f64x2.mul(t, constantF64(F64Constant.C3)), constantF64(F64Constant.C2))
  const c45 = f64x2.add(f64x2.mul(t, constantF64(F64Constant.C5)), constantF64(F64Constant.C4))
  const c67 = f64x2.add(f64x2.mul(t, constantF64(F64Constant.C7)), constantF64(F64Constant.C6))
  const c0to3 = f64x2.add(f64x2.mul(t2, c23), c01)
  const c4to7 = f64x2.add(f64x2.mul(t2, c67), c45)
  const c4to8 = f64x2.add(f64x2.mul(t4, constantF64(F64Constant.C8)), c4to7)
  const series = f64x2.add(f64x2.mul(t4, c4to8), c0to3)
  const twice = f64x2.add(s, s)
  const log = f64x2.add(f64x2.mul(f64x2.mul(twice, t), series), twice)
  v128.store(logOn, f64x2.sub(f64x2.pmin(z, zero), log))
  v128.store(logOff, f64x2.sub(f64x2.pmin(minus, zero), log))
}
