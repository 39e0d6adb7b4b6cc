/**
 * exp(x) for x <= 0, four float32 or two float64 at a time, without branches.
 *
 * x = n ln2 + r with |r| <= ln2 / 2. Adding 1.5 * 2^(mantissa bits) rounds to the integer n and leaves n plus the exponent bias in
 * the low bits, so one shift makes the factor 2^n. It is multiplied in, not added to the exponent field: so a NaN stays NaN.
 * ln2 is split in two such that n * LN2_HIGH is exact. The polynomial for e^r is minimax in relative error with 1 + r exact
 * (exp(0) is exactly 1), in Estrin's order to keep the dependency chain short.
 */

/** What arguments are to be clamped to: n = -127, whose factor is 0. The least nonzero result is 2^-126.5. */
export const CUTOFF_F32: f32 = -88.2
/** The same for float64: n = -1023. */
export const CUTOFF_F64: f64 = -709.2

const LOG2_E_F32: f32 = 1.4426950216293335 // 0x1.715476p+0
const ROUND_F32: f32 = 12583039.0 // 1.5 * 2^23 + 127
const LN2_HIGH_F32: f32 = 0.693145751953125 // 0x1.62e4p-1, 16 bits
const LN2_LOW_F32: f32 = 1.428606765330187e-6 // 0x1.7f7d1cp-20
// Degree 5: error 1.05e-7, 0.9 * 2^-23.
const C2_F32: f32 = 0.499992311000824 // 0x1.fffdfcp-2
const C3_F32: f32 = 0.16667115688323975 // 0x1.5557bp-3
const C4_F32: f32 = 0.041890330612659454 // 0x1.572a64p-5
const C5_F32: f32 = 0.008312501013278961 // 0x1.10625p-7

const LOG2_E_F64: f64 = 1.4426950408889634 // 0x1.71547652b82fep+0
const ROUND_F64: f64 = 6755399441056767.0 // 1.5 * 2^52 + 1023
const LN2_HIGH_F64: f64 = 0.6931471803691238 // 0x1.62e42feep-1, 32 bits
const LN2_LOW_F64: f64 = 1.9082149292705877e-10 // 0x1.a39ef35793c76p-33
// Degree 11: error 1.6e-17, 0.07 * 2^-52.
const C2_F64: f64 = 0.5000000000000001 // 0x1.0000000000001p-1
const C3_F64: f64 = 0.16666666666666669 // 0x1.5555555555556p-3
const C4_F64: f64 = 0.04166666666662413 // 0x1.5555555553d63p-5
const C5_F64: f64 = 0.008333333333330062 // 0x1.11111111109b3p-7
const C6_F64: f64 = 0.0013888888917213717 // 0x1.6c16c1788bd90p-10
const C7_F64: f64 = 0.00019841269863053618 // 0x1.a01a01a7c41d5p-13
const C8_F64: f64 = 2.4801521295954376e-5 // 0x1.a019b90d2ae7ap-16
const C9_F64: f64 = 2.7557268459997064e-6 // 0x1.71de0dae63bb3p-19
const C10_F64: f64 = 2.7620088445409746e-7 // 0x1.289185613a3d6p-22
const C11_F64: f64 = 2.510038549551032e-8 // 0x1.af38a9b0ec855p-26

/** exp(x + tail), within 1.4 * 2^-23 of it; CUTOFF_F32 <= x, |tail| much smaller than ln2. */
// @ts-ignore: decorator
@inline
export function expF32(x: v128, tail: v128): v128 {
  const rounded = f32x4.add(f32x4.mul(x, f32x4.splat(LOG2_E_F32)), f32x4.splat(ROUND_F32))
  const n = f32x4.sub(rounded, f32x4.splat(ROUND_F32))
  const r = f32x4.add(
    f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_HIGH_F32))),
    f32x4.sub(tail, f32x4.mul(n, f32x4.splat(LN2_LOW_F32))),
  )
  const r2 = f32x4.mul(r, r)
  const c23 = f32x4.add(f32x4.mul(r, f32x4.splat(C3_F32)), f32x4.splat(C2_F32))
  const c45 = f32x4.add(f32x4.mul(r, f32x4.splat(C5_F32)), f32x4.splat(C4_F32))
  const c2345 = f32x4.add(f32x4.mul(r2, c45), c23)
  const power = f32x4.add(f32x4.add(f32x4.mul(r2, c2345), r), f32x4.splat(1))
  return f32x4.mul(power, i32x4.shl(rounded, 23))
}

/** exp(x), within 1.1 * 2^-53 of it; CUTOFF_F64 <= x. */
// @ts-ignore: decorator
@inline
export function expF64(x: v128): v128 {
  const rounded = f64x2.add(f64x2.mul(x, f64x2.splat(LOG2_E_F64)), f64x2.splat(ROUND_F64))
  const n = f64x2.sub(rounded, f64x2.splat(ROUND_F64))
  const r = f64x2.sub(
    f64x2.sub(x, f64x2.mul(n, f64x2.splat(LN2_HIGH_F64))),
    f64x2.mul(n, f64x2.splat(LN2_LOW_F64)),
  )
  const r2 = f64x2.mul(r, r)
  const r4 = f64x2.mul(r2, r2)
  const c23 = f64x2.add(f64x2.mul(r, f64x2.splat(C3_F64)), f64x2.splat(C2_F64))
  const c45 = f64x2.add(f64x2.mul(r, f64x2.splat(C5_F64)), f64x2.splat(C4_F64))
  const c67 = f64x2.add(f64x2.mul(r, f64x2.splat(C7_F64)), f64x2.splat(C6_F64))
  const c89 = f64x2.add(f64x2.mul(r, f64x2.splat(C9_F64)), f64x2.splat(C8_F64))
  const c1011 = f64x2.add(f64x2.mul(r, f64x2.splat(C11_F64)), f64x2.splat(C10_F64))
  const c2to5 = f64x2.add(f64x2.mul(r2, c45), c23)
  const c6to9 = f64x2.add(f64x2.mul(r2, c89), c67)
  const c6to11 = f64x2.add(f64x2.mul(r4, c1011), c6to9)
  const c2to11 = f64x2.add(f64x2.mul(r4, c6to11), c2to5)
  const power = f64x2.add(f64x2.add(f64x2.mul(r2, c2to11), r), f64x2.splat(1))
  return f64x2.mul(power, i64x2.shl(rounded, 52))
}
