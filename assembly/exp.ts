/**
 * exp without branches, four float32 or two float64 at a time.
 *
 * x = n ln2 + r with |r| <= ln2 / 2. Adding 1.5 * 2^(mantissa bits) rounds to the integer n and leaves n plus the exponent bias in
 * the low bits, so one shift makes the factor 2^n. It is multiplied in, not added to the exponent field: so a NaN stays NaN.
 * ln2 is split in two such that n * LN2_HIGH is exact. The polynomial for e^r is minimax in relative error with 1 + r exact
 * (exp(0) is exactly 1), in Estrin's order to keep the dependency chain short.
 *
 * Constants are loaded, not written as literals: a literal vector is built anew at each use inside a loop, in three instructions
 * (V8 13), and there are more of them than registers.
 */

export const LN2: f64 = 0.6931471805599453 // 0x1.62e42fefa39efp-1
export const LOG2_E: f64 = 1.4426950408889634 // 0x1.71547652b82fep+0
/** 1.5 * 2^23 + 127 */
export const ROUND_F32: f32 = 12583039.0
/** Least argument of expF64: n = -1023, whose factor is 0. */
export const CUTOFF_F64: f64 = -709.2

const F32: usize = memory.data<f32>([
  1.4426950216293335, 1.4426950216293335, 1.4426950216293335, 1.4426950216293335, // 0x1.715476p+0
  0.693115234375, 0.693115234375, 0.693115234375, 0.693115234375, // 0x1.62ep-1, 12 bits
  3.194618329871446e-05, 3.194618329871446e-05, 3.194618329871446e-05, 3.194618329871446e-05, // 0x1.0bfbe80p-15
  0.499992311000824, 0.499992311000824, 0.499992311000824, 0.499992311000824, // 0x1.fffdfcp-2
  0.16667115688323975, 0.16667115688323975, 0.16667115688323975, 0.16667115688323975, // 0x1.5557bp-3
  0.041890330612659454, 0.041890330612659454, 0.041890330612659454, 0.041890330612659454, // 0x1.572a64p-5
  0.008312501013278961, 0.008312501013278961, 0.008312501013278961, 0.008312501013278961, // 0x1.10625p-7
  1, 1, 1, 1,
], 16)

/** Constants of the float32 exponential. Degree 5: error 1.05e-7, 0.9 * 2^-23. */
export const enum F32Constant { LOG2_E, LN2_HIGH, LN2_LOW, C2, C3, C4, C5, ONE }

// @ts-ignore: decorator
@inline
export function constantF32(index: usize): v128 {
  return v128.load(F32 + index * 16)
}

const F64: usize = memory.data<f64>([
  1.4426950408889634, // 0x1.71547652b82fep+0
  6755399441056767.0, // 1.5 * 2^52 + 1023
  0.6931471803691238, // 0x1.62e42feep-1, 32 bits
  1.9082149292705877e-10, // 0x1.a39ef35793c76p-33
  0.5000000000000001, // 0x1.0000000000001p-1
  0.16666666666666669, // 0x1.5555555555556p-3
  0.04166666666662413, // 0x1.5555555553d63p-5
  0.008333333333330062, // 0x1.11111111109b3p-7
  0.0013888888917213717, // 0x1.6c16c1788bd90p-10
  0.00019841269863053618, // 0x1.a01a01a7c41d5p-13
  2.4801521295954376e-5, // 0x1.a019b90d2ae7ap-16
  2.7557268459997064e-6, // 0x1.71de0dae63bb3p-19
  2.7620088445409746e-7, // 0x1.289185613a3d6p-22
  2.510038549551032e-8, // 0x1.af38a9b0ec855p-26
  1,
], 16)

/** Constants of the float64 exponential. Degree 11: error 1.6e-17, 0.07 * 2^-52. */
const enum F64Constant { LOG2_E, ROUND, LN2_HIGH, LN2_LOW, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, ONE }

// @ts-ignore: decorator
@inline
function constantF64(index: usize): v128 {
  return v128.load_splat<u64>(F64 + index * 8)
}

/**
 * exp(z) / 2^N, within 1.6 * 2^-23 of it for |z| < 2800; `round` is ROUND_F32 - N in every lane.
 * Dividing by a power of two where softmax would divide by exp(m) spares the subtraction z - m, whose rounding would count:
 * 2^-21 at distance 8..16 is 4 ulp of the result. Here n * LN2_HIGH is exact for |n| < 4096, and z is reduced exactly or
 * rounds by 2^-26.
 */
// @ts-ignore: decorator
@inline
export function expF32(z: v128, round: v128): v128 {
  const rounded = f32x4.add(f32x4.mul(z, constantF32(F32Constant.LOG2_E)), round)
  const n = f32x4.sub(rounded, round)
  const r = f32x4.sub(
    f32x4.sub(z, f32x4.mul(n, constantF32(F32Constant.LN2_HIGH))),
    f32x4.mul(n, constantF32(F32Constant.LN2_LOW)),
  )
  const r2 = f32x4.mul(r, r)
  const c45 = f32x4.add(f32x4.mul(r, constantF32(F32Constant.C5)), constantF32(F32Constant.C4))
  const c23 = f32x4.add(f32x4.mul(r, constantF32(F32Constant.C3)), constantF32(F32Constant.C2))
  const c2to5 = f32x4.add(f32x4.mul(r2, c45), c23)
  const power = f32x4.add(f32x4.add(f32x4.mul(r2, c2to5), r), constantF32(F32Constant.ONE))
  return f32x4.mul(power, i32x4.shl(rounded, 23))
}

/** exp(x), within 2 * 2^-52 of it; CUTOFF_F64 <= x <= 709. */
// @ts-ignore: decorator
@inline
export function expF64(x: v128): v128 {
  const round = constantF64(F64Constant.ROUND)
  const rounded = f64x2.add(f64x2.mul(x, constantF64(F64Constant.LOG2_E)), round)
  const n = f64x2.sub(rounded, round)
  const r = f64x2.sub(
    f64x2.sub(x, f64x2.mul(n, constantF64(F64Constant.LN2_HIGH))),
    f64x2.mul(n, constantF64(F64Constant.LN2_LOW)),
  )
  const r2 = f64x2.mul(r, r)
  const r4 = f64x2.mul(r2, r2)
  const c23 = f64x2.add(f64x2.mul(r, constantF64(F64Constant.C3)), constantF64(F64Constant.C2))
  const c45 = f64x2.add(f64x2.mul(r, constantF64(F64Constant.C5)), constantF64(F64Constant.C4))
  const c67 = f64x2.add(f64x2.mul(r, constantF64(F64Constant.C7)), constantF64(F64Constant.C6))
  const c89 = f64x2.add(f64x2.mul(r, constantF64(F64Constant.C9)), constantF64(F64Constant.C8))
  const c1011 = f64x2.add(f64x2.mul(r, constantF64(F64Constant.C11)), constantF64(F64Constant.C10))
  const c2to5 = f64x2.add(f64x2.mul(r2, c45), c23)
  const c6to9 = f64x2.add(f64x2.mul(r2, c89), c67)
  const c6to11 = f64x2.add(f64x2.mul(r4, c1011), c6to9)
  const c2to11 = f64x2.add(f64x2.mul(r4, c6to11), c2to5)
  const power = f64x2.add(f64x2.add(f64x2.mul(r2, c2to11), r), constantF64(F64Constant.ONE))
  return f64x2.mul(power, i64x2.shl(rounded, 52))
}
