import { Byte } from './bytes'
import { CHUNK } from './chunk'
import { DigitConstant, digitConstant, digitsOfTwo } from './digits'
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
  const perFour = digitConstant(DigitConstant.PER_FOUR)
  const four = digitConstant(DigitConstant.FOUR)
  const upperHalf = digitConstant(DigitConstant.UPPER_HALF)
  const integer = digitConstant(DigitConstant.INTEGER)
  const perHundred = digitConstant(DigitConstant.PER_HUNDRED)
  const pairs = digitConstant(DigitConstant.PAIRS)
  const perTen = digitConstant(DigitConstant.PER_TEN)
  const singles = digitConstant(DigitConstant.SINGLES)
  for (let slot = SLOTS_F32, end = SLOTS_F32 + <usize>count * SLOT_F32; slot < end; slot += 4 * SLOT_F32) {
    const digits = digitsOfTwo(v128.load(slot), perFour, four, upperHalf, integer, perHundred, pairs, perTen, singles)
    const others = digitsOfTwo(v128.load(slot, 32), perFour, four, upperHalf, integer, perHundred, pairs, perTen, singles)
    joinLast(digits, slot)
    joinLast(others, slot + 2 * SLOT_F32)
  }
}

// @ts-ignore: decorator
@inline
function joinLast(digits: v128, slot: usize): void {
  const last = v128.load(slot, 16)
  v128.store(slot, v128.shuffle<u64>(digits, last, 0, 2))
  v128.store(slot, v128.shuffle<u64>(digits, last, 1, 3), SLOT_F32)
}
