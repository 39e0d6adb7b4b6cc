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

/** To be loaded before a loop: as literals they would be built anew at each step (V8 11), in three instructions each. */
const CONSTANTS: usize = memory.data<u64>([
  0x3f1a36e2eb1c432d, 0x3f1a36e2eb1c432d, // 1e-4
  0x40c3880000000000, 0x40c3880000000000, // 1e4
  0x41f0000000000000, 0x41f0000000000000, // 2^32
  0x4330000000000000, 0x4330000000000000, // 2^52
  0x0000147b0000147b, 0x0000147b0000147b, // 2^19 / 100, rounded up
  0x0063ffff0063ffff, 0x0063ffff0063ffff, // 100 * 2^16 - 1
  0x0067006700670067, 0x0067006700670067, // 2^10 / 10, rounded up
  0x09ff09ff09ff09ff, 0x09ff09ff09ff09ff, // 10 * 2^8 - 1
], 16)

/** What `digitsOfTwo` takes, in its order. */
export const enum DigitConstant { PER_FOUR, FOUR, UPPER_HALF, INTEGER, PER_HUNDRED, PAIRS, PER_TEN, SINGLES }

// @ts-ignore: decorator
@inline
export function digitConstant(index: usize): v128 {
  return v128.load(CONSTANTS + index * 16)
}

/** Eight digits of each of two integers below 10^8, given as float64: 0 to 9 a byte, the most significant first; by fours, pairs, singles. */
// @ts-ignore: decorator
@inline
export function digitsOfTwo(
  values: v128, perFour: v128, four: v128, upperHalf: v128, integer: v128, perHundred: v128, pairs: v128, perTen: v128, singles: v128,
): v128 {
  const upper = f64x2.floor(f64x2.mul(values, perFour))
  const lower = f64x2.sub(values, f64x2.mul(upper, four))
  // Two integers in one float64: its lower half, and the lower half of its upper half.
  const fours = f64x2.add(f64x2.mul(lower, upperHalf), f64x2.add(upper, integer))
  const hundreds = i32x4.shr_u(i32x4.dot_i16x8_s(fours, perHundred), 19)
  const twos = i32x4.sub(i32x4.shl(fours, 16), i32x4.mul(hundreds, pairs))
  const tens = i16x8.shr_u(i16x8.mul(twos, perTen), 10)
  return i16x8.sub(i16x8.shl(twos, 8), i16x8.mul(tens, singles))
}
