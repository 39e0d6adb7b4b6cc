/** Logarithm of two float64. */
const C: usize = memory.data<f64>([
  0.3333333333333367, // 0x1.5555555555592p-2
  0.1999999999970819, // 0x1.999999997feeap-3
  0.1428571437100702, // 0x1.24924941e0b6cp-3
  0.11111099305440114, // 0x1.c71c521650d6cp-4
  0.09091781200936484, // 0x1.74663c5343fc5p-4
  0.07657049444606946, // 0x1.39a1fb97c02d1p-4
  0.07397737415085702, // 0x1.2f02e629f33f7p-4
], 16)

const LN2_HIGH: f64 = 0.6931471803691238 // 0x1.62e42feep-1, 32 bits
const LN2_LOW: f64 = 1.9082149292705877e-10
/** 2^-1022 */
const LEAST: f64 = 2.2250738585072014e-308
/** What makes a float64 of small whole numbers in the low bits. */
const MAGIC: f64 = 4503599627370496.0 // 2^52
/** Bits of sqrt(1/2), and those of the exponent of 1. */
const ROOT: i64 = 0x3fe6a09e667f3bcd
const BIAS: i64 = 0x3ff

// @ts-ignore: decorator
@inline
function c(index: usize): v128 {
  return v128.load_splat<u64>(C + index * 8)
}

/**
 * x = 2^e m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1): 2 s (1 + t P(t)), t = s^2, P minimax in relative
 * error, 1.2e-18. So the logarithm of a number next to 1 keeps its digits.
 */
// @ts-ignore: decorator
@inline
export function log(given: v128): v128 {
  const x = f64x2.pmax(given, f64x2.splat(LEAST))
  const offset = i64x2.sub(x, i64x2.splat(ROOT))
  // The exponent, shifted to be no negative number: it goes through the low bits of a float64.
  const biased = i64x2.shr_u(i64x2.add(offset, i64x2.splat(BIAS << 52)), 52)
  const e = f64x2.sub(v128.or(biased, f64x2.splat(MAGIC)), f64x2.splat(MAGIC + <f64>BIAS))
  const m = i64x2.sub(x, i64x2.shl(i64x2.sub(biased, i64x2.splat(BIAS)), 52))
  const one = f64x2.splat(1)
  const s = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one))
  const t = f64x2.mul(s, s)
  const t2 = f64x2.mul(t, t)
  const c01 = f64x2.add(f64x2.mul(t, c(1)), c(0))
  const c23 = f64x2.add(f64x2.mul(t, c(3)), c(2))
  const c45 = f64x2.add(f64x2.mul(t, c(5)), c(4))
  const c4to6 = f64x2.add(f64x2.mul(t2, c(6)), c45)
  const c2to6 = f64x2.add(f64x2.mul(t2, c4to6), c23)
  const series = f64x2.add(f64x2.mul(t2, c2to6), c01)
  const twice = f64x2.add(s, s)
  const low = f64x2.add(f64x2.mul(f64x2.mul(twice, t), series), f64x2.mul(e, f64x2.splat(LN2_LOW)))
  return f64x2.add(f64x2.add(low, twice), f64x2.mul(e, f64x2.splat(LN2_HIGH)))
}
