/**
 * Decimal digits, one a byte, from and to integers, and the masks that put them into their lanes.
 */

/** A window of 16 lanes that starts n lanes before the middle has 0 in the first n and 0xff in the others. */
const WINDOW: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
])

/** Of the last 16 of 32 lanes, those from lane 32 - count on; 0 <= count <= 32. */
// @ts-ignore: decorator
@inline
export function lastLanes(count: i32): v128 {
  return v128.load(WINDOW + 16 + count)
}

/** The same of the first 16 of 32 lanes. */
// @ts-ignore: decorator
@inline
export function lastLanesOfUpper(count: i32): v128 {
  return v128.load(WINDOW + count)
}

/** Digits 0 to 9, the most significant in lane 0, by pairs, fours and eights. */
// @ts-ignore: decorator
@inline
export function toInteger(digits: v128): u64 {
  // A pair (a, b) times 2561 has 10 a + b in its high byte.
  const pairs = i16x8.shr_u(i16x8.mul(digits, i16x8.splat(2561)), 8)
  const fours = i32x4.dot_i16x8_s(pairs, i32x4.splat(100 | (1 << 16)))
  const eights = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_u(fours, fours), i32x4.splat(10000 | (1 << 16)))
  const both = i64x2.extract_lane(eights, 0)
  return (both & 0xffffffff) * 100000000 + (both >> 32)
}

/** The eight digits of a number below 10^8, 0 to 9 a byte, the most significant in the lowest byte; by fours, pairs and singles. */
// @ts-ignore: decorator
@inline
export function toDigits(value: u32): u64 {
  const fours = <u64>(value / 10000) | (<u64>(value % 10000) << 32)
  const hundreds = ((fours * 5243) >> 19) & 0x0000007f0000007f
  const pairs = hundreds | ((fours - hundreds * 100) << 16)
  const tens = ((pairs * 103) >> 10) & 0x000f000f000f000f
  return tens | ((pairs - tens * 10) << 8)
}

/** How many of these digits there are without the zeros at the end. */
// @ts-ignore: decorator
@inline
export function significant(digits: u64): i32 {
  return 8 - (<i32>clz(digits) >> 3)
}
