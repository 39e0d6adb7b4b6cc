/**
 * The pieces of sigmoids, four float32 or two float64 at a time, to every digit at both ends:
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

/** u = exp(-|z|); pmax and pmin with the number first let NaN through. */
// @ts-ignore: decorator
@inline
export function powerF32(z: v128): v128 {
  const distance = f32x4.pmin(z, f32x4.sub(i32x4.splat(0), z))
  return expF32(f32x4.pmax(distance, constantF32(F32Constant.LOW)), constantF32(F32Constant.ROUND))
}

// @ts-ignore: decorator
@inline
export function powerF64(z: v128): v128 {
  const distance = f64x2.pmin(z, f64x2.sub(i64x2.splat(0), z))
  return expF64(f64x2.pmax(distance, constantF64(F64Constant.CUTOFF)))
}

/** 1 / (1 + u) = sigmoid(|z|) */
// @ts-ignore: decorator
@inline
export function mostF32(u: v128): v128 {
  const one = constantF32(F32Constant.ONE)
  return f32x4.div(one, f32x4.add(one, u))
}

// @ts-ignore: decorator
@inline
export function mostF64(u: v128): v128 {
  const one = constantF64(F64Constant.ONE)
  return f64x2.div(one, f64x2.add(one, u))
}

/** log1p(u) */
// @ts-ignore: decorator
@inline
export function logF32(u: v128): v128 {
  const s = f32x4.div(u, f32x4.add(constantF32(F32Constant.TWO), u))
  const t = f32x4.mul(s, s)
  const c23 = f32x4.add(f32x4.mul(t, constantF32(F32Constant.C3)), constantF32(F32Constant.C2))
  const c01 = f32x4.add(f32x4.mul(t, constantF32(F32Constant.C1)), constantF32(F32Constant.C0))
  const series = f32x4.add(f32x4.mul(f32x4.mul(t, t), c23), c01)
  const twice = f32x4.add(s, s)
  return f32x4.add(f32x4.mul(f32x4.mul(twice, t), series), twice)
}

// @ts-ignore: decorator
@inline
export function logF64(u: v128): v128 {
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
  return f64x2.add(f64x2.mul(f64x2.mul(twice, t), series), twice)
}

/** Whether a row is sound: `unsound` has a lane set by a NaN or +Infinity, `alive` by what is above -Infinity. */
// @ts-ignore: decorator
@inline
export function isSound(unsound: v128, alive: v128): bool {
  return !v128.any_true(unsound) && v128.any_true(alive)
}

// @ts-ignore: decorator
@inline
export function unsoundF32(z: v128): v128 {
  return v128.not(f32x4.lt(z, f32x4.splat(Infinity)))
}

// @ts-ignore: decorator
@inline
export function aliveF32(z: v128): v128 {
  return f32x4.gt(z, f32x4.splat(-Infinity))
}

// @ts-ignore: decorator
@inline
export function unsoundF64(z: v128): v128 {
  return v128.not(f64x2.lt(z, f64x2.splat(Infinity)))
}

// @ts-ignore: decorator
@inline
export function aliveF64(z: v128): v128 {
  return f64x2.gt(z, f64x2.splat(-Infinity))
}
