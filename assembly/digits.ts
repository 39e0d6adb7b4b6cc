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
