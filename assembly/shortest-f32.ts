import { SCALES_F32 } from './tables'

/**
 * What shortest.ts finds, for two float32 at a time and in float64.
 *
 * With x = c * 2^q and k as there, v = x / 10^k has up to nine digits before its point, and half of x's rounding interval, here its
 * reach, is between half a unit and five. So the interval holds at most one multiple of ten: that is the decimal, its zeros at the end
 * left to the printer. Where it holds none, the integer closest to v is in it, the even one of two as close.
 *
 * One product with 10^-k, rounded up to float64, gives v to within 2^-25 of a unit. No float32 is so close to another answer without
 * being on the border (all 2^31 were compared with exact arithmetic), and those on it are these:
 *
 * - The ends of an interval belong to even c only. So the table has a reach that is a little more for even c and a little less for odd.
 *   That also holds for 7.038531e-26, the one decimal of up to 8 digits (but for its sign) that is no end and becomes one when it is read
 *   by way of float64, as JSON numbers are.
 * - The interval of a power of two is shorter below it than above. Its digits stand in the table: the factor is digits / x, and nothing
 *   is within its reach.
 */

/** log2 of the bytes of an entry of SCALES_F32: a factor and a reach, whose lowest 16 bits mean something else: see print-f32.ts. */
const ENTRY_BITS: i32 = 4
const KIND_BITS: i32 = 8

const FRACTION_BITS: i32 = 23
/** As float64, an integer added to it stands in the lowest bits. */
const INTEGER: f64 = 4503599627370496 // 2^52
const LOWEST_BYTE: i64 = 0xff
const MAGNITUDE: i32 = 0x7fffffff

/** Where the entries of four float32 are, by their bits: the even of all exponents, the odd, the powers of two. */
// @ts-ignore: decorator
@inline
export function entriesOf(bits: v128): v128 {
  const exponent = v128.and(i32x4.shr_u(bits, FRACTION_BITS - ENTRY_BITS), i32x4.splat(0xff << ENTRY_BITS))
  const isOdd = v128.and(i32x4.shl(bits, KIND_BITS + ENTRY_BITS), i32x4.splat(1 << (KIND_BITS + ENTRY_BITS)))
  const isPower = i32x4.eq(i32x4.shl(bits, 32 - FRACTION_BITS), i32x4.splat(0))
  const kind = v128.or(isOdd, v128.and(isPower, i32x4.splat(2 << (KIND_BITS + ENTRY_BITS))))
  return i32x4.add(v128.or(exponent, kind), i32x4.splat(<i32>SCALES_F32))
}

// @ts-ignore: decorator
@inline
export function magnitudesOf(bits: v128): v128 {
  return v128.and(bits, i32x4.splat(MAGNITUDE))
}

/**
 * Of the float32 in the lower lanes: their digits but for the last, as float64 at `out`; the last ones in the lowest bytes of two
 * 64-bit words behind them, whose highest two bytes are the lowest two of the entries. Of what is not finite they mean nothing.
 */
// @ts-ignore: decorator
@inline
export function shortestOfTwo(magnitudes: v128, entry: usize, other: usize, out: usize): void {
  const low = v128.load(entry)
  const high = v128.load(other)
  const factor = v128.shuffle<u64>(low, high, 0, 2)
  const reach = v128.shuffle<u64>(low, high, 1, 3)
  const v = f64x2.mul(f64x2.promote_low_f32x4(magnitudes), factor)
  const tens = f64x2.floor(f64x2.mul(v, f64x2.splat(0.1)))
  const rest = f64x2.sub(v, f64x2.mul(tens, f64x2.splat(10)))
  const isNext = f64x2.lt(f64x2.sub(f64x2.splat(10), rest), reach)
  const isShort = v128.or(f64x2.lt(rest, reach), isNext)
  const closest = v128.and(f64x2.add(rest, f64x2.splat(INTEGER)), i64x2.splat(LOWEST_BYTE))
  v128.store(out, f64x2.add(tens, v128.and(isNext, f64x2.splat(1))))
  v128.store(out, v128.or(v128.andnot(closest, isShort), i64x2.shl(reach, 48)), 16)
}
