import { Byte } from './bytes'
import { CHUNK } from './chunk'
import { loadPart } from './lanes'
import { entriesOf, magnitudesOf, shortestOfTwo } from './shortest-f32'
import { LAYOUTS_F32 } from './tables'

/**
 * Finite float32 as text, a chunk at a time. Each has a slot of 16 bytes: its nine digits, of which the first may be zeros; in byte 14 a
 * 1 where the number is zero, so that there is a digit to be found; and in byte 15 the row of LAYOUTS_F32 for the decimal exponent of the
 * digit in byte 0, plus 128, which as a signed byte is no digit.
 *
 * The row for the exponent of the first digit lays the digits out, so that neither their number nor the form decides a branch:
 *
 *   digits        1 2 3 4 5 0 0 0 0 ..
 *   permutation   . . . 1 2 3 4 5 ..       1 2 . 3 4 5 ..       1 . 2 3 4 5 ..     where . gives 0
 *   addend        0 . 0 0 0 0 0 0 ..       0 0 . 0 0 0 ..       0 . 0 0 0 0 ..
 *   sum           0 . 0 1 2 3 4 5          1 2 . 3 4 5          1 . 2 3 4 5
 *   suffix        ,                        ,                    e - 9 ,
 */

export const SLOT_F32: usize = 16
/** There is room behind the last one for a load that begins with its last digit. */
export const SLOTS_F32: usize = memory.data((CHUNK << 4) + 16, 16)
/** Where the entries of the numbers are, u32. */
const ENTRIES: usize = memory.data(CHUNK << 2, 16)

/** A row: permutation (16), addend (16), suffix (8), its length (8), and the bytes before it by the number of digits (16). */
const ROW_BITS: usize = 6
const ADDEND: usize = 16
const SUFFIX: usize = 32
const SUFFIX_LENGTH: usize = 40
const LENGTHS: usize = 48
const ROW_OF_SLOT: usize = 15
const ROW_BIAS: usize = 128

/** Loaded before the loop: as literals they would be built anew at each step (V8 11), in three instructions each. */
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

const enum Constant { PER_FOUR, FOUR, UPPER_HALF, INTEGER, PER_HUNDRED, PAIRS, PER_TEN, SINGLES }

/** Fills the slots of up to CHUNK numbers. Three loops, because one has a chain too long for a processor to work on the next. */
export function prepareF32(values: usize, count: u32): void {
  const rest = count & 3
  const size = <usize>(count - rest) << 2
  for (let at: usize = 0; at < size; at += 16) v128.store(ENTRIES + at, entriesOf(v128.load(values + at)))
  for (let at: usize = 0; at < size; at += 16) shortestOfFour(v128.load(values + at), ENTRIES + at, SLOTS_F32 + (at << 2))
  if (rest) {
    const bits = loadPart(values + size, rest, 0)
    v128.store(ENTRIES + size, entriesOf(bits))
    shortestOfFour(bits, ENTRIES + size, SLOTS_F32 + (size << 2))
  }
  splitDigits(count)
}

/** Writes the finite number of a slot. @returns pointer behind its comma; up to 25 bytes behind `out` may be written */
// @ts-ignore: decorator
@inline
export function writeF32(isNegative: u32, slot: usize, out: usize): usize {
  const digits = i8x16.bitmask(i8x16.gt_s(v128.load(slot), i8x16.splat(0)))
  const first = <usize>ctz(digits)
  const layout = LAYOUTS_F32 + ((load<u8>(slot, ROW_OF_SLOT) - ROW_BIAS - first) << ROW_BITS)
  store<u8>(out, Byte.Minus)
  out += isNegative
  v128.store(out, i8x16.add(i8x16.swizzle(v128.load(slot + first), v128.load(layout)), v128.load(layout, ADDEND)))
  // 32 - clz - first is the number of digits.
  out += load<u8>(layout - (<usize>clz(digits) + first), LENGTHS + 32)
  store<u64>(out, load<u64>(layout, SUFFIX))
  return out + load<u8>(layout, SUFFIX_LENGTH)
}

// @ts-ignore: decorator
@inline
function shortestOfFour(bits: v128, entries: usize, slot: usize): void {
  const magnitudes = magnitudesOf(bits)
  shortestOfTwo(magnitudes, load<u32>(entries), load<u32>(entries, 4), slot)
  shortestOfTwo(v128.shuffle<u64>(magnitudes, magnitudes, 1, 1), load<u32>(entries, 8), load<u32>(entries, 12), slot + 2 * SLOT_F32)
}

/** Makes slots of what `shortestOfTwo` leaves. */
function splitDigits(count: u32): void {
  const perFour = constant(Constant.PER_FOUR)
  const four = constant(Constant.FOUR)
  const upperHalf = constant(Constant.UPPER_HALF)
  const integer = constant(Constant.INTEGER)
  const perHundred = constant(Constant.PER_HUNDRED)
  const pairs = constant(Constant.PAIRS)
  const perTen = constant(Constant.PER_TEN)
  const singles = constant(Constant.SINGLES)
  for (let slot = SLOTS_F32, end = SLOTS_F32 + <usize>count * SLOT_F32; slot < end; slot += 4 * SLOT_F32) {
    splitTwo(slot, perFour, four, upperHalf, integer, perHundred, pairs, perTen, singles)
    splitTwo(slot + 2 * SLOT_F32, perFour, four, upperHalf, integer, perHundred, pairs, perTen, singles)
  }
}

/** The first eight digits of two numbers, by fours, pairs and singles: toDigits of digits.ts. */
// @ts-ignore: decorator
@inline
function splitTwo(
  slot: usize, perFour: v128, four: v128, upperHalf: v128, integer: v128, perHundred: v128, pairs: v128, perTen: v128, singles: v128,
): void {
  const tens = v128.load(slot)
  const last = v128.load(slot, 16)
  const upper = f64x2.floor(f64x2.mul(tens, perFour))
  const lower = f64x2.sub(tens, f64x2.mul(upper, four))
  // Two integers in one float64: its lower half, and the lower half of its upper half.
  const fours = f64x2.add(f64x2.mul(lower, upperHalf), f64x2.add(upper, integer))
  const hundreds = i32x4.shr_u(i32x4.dot_i16x8_s(fours, perHundred), 19)
  const twos = i32x4.sub(i32x4.shl(fours, 16), i32x4.mul(hundreds, pairs))
  const tenths = i16x8.shr_u(i16x8.mul(twos, perTen), 10)
  const ones = i16x8.sub(i16x8.shl(twos, 8), i16x8.mul(tenths, singles))
  v128.store(slot, v128.shuffle<u64>(ones, last, 0, 2))
  v128.store(slot, v128.shuffle<u64>(ones, last, 1, 3), SLOT_F32)
}

// @ts-ignore: decorator
@inline
function constant(index: usize): v128 {
  return v128.load(CONSTANTS + index * 16)
}
