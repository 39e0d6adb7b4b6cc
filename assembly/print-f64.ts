import { Byte } from './bytes'
import { CHUNK } from './chunk'
import { DigitConstant, digitConstant, digitsOfTwo } from './digits'
import { shortestF64 } from './shortest'
import { FORMS_F64 } from './tables'

/**
 * Finite float64 as text, in JavaScript's choice of plain or exponent form, a chunk at a time. Each has a slot of 32 bytes: its 17
 * digits, of which the first may be zeros, zeros behind them, and the power of ten of the last one.
 *
 * Rows of FORMS_F64 lay the digits out like those of LAYOUTS_F32 (print-f32.ts), but 24 bytes in two parts and by form: plain from
 * 10^MIN_PLAIN to 10^MAX_PLAIN, then with exponent.
 */

const DIGITS: i32 = 17
const MIN_PLAIN: i32 = -6
const MAX_PLAIN: i32 = 20

export const SLOT_F64: usize = 32
/** There is room behind the last one for a load that begins with its last digit. */
export const SLOTS_F64: usize = memory.data((CHUNK << 5) + 32, 16)
const LAST: usize = 16
const SCALE: usize = 20

/** A row: permutation and addend (16 each) of the first 16 bytes and of the next 8, and the bytes by the number of digits. */
const FORM_BYTES: usize = 96
const ADDEND: usize = 16
const SECOND_PART: usize = 32
const LENGTHS: usize = 64
/** The second permutation begins with this digit. */
const SECOND_DIGIT: usize = 8

/** Fills the slots of up to CHUNK numbers. */
export function prepareF64(values: usize, count: u32): void {
  const end = SLOTS_F64 + <usize>count * SLOT_F64
  for (let slot = SLOTS_F64; slot < end; slot += SLOT_F64, values += 8) {
    shortestF64(load<u64>(values) & 0x7fffffffffffffff, slot, slot + LAST, slot + SCALE)
  }
  splitDigits(end)
}

/** Writes the number of a slot. @returns pointer behind its comma; up to 27 bytes behind `out` may be written */
// @ts-ignore: decorator
@inline
export function writeF64(isZero: bool, isNegative: u32, slot: usize, out: usize): usize {
  store<u8>(out, Byte.Minus)
  out += isNegative
  if (isZero) store<u8>(out++, Byte.Zero)
  else out = writeDigits(slot, out)
  store<u8>(out, Byte.Comma)
  return out + 1
}

// @ts-ignore: decorator
@inline
function writeDigits(slot: usize, out: usize): usize {
  const hasLast = (<u32>load<u8>(slot, LAST) + 15) >> 4
  const digits = i8x16.bitmask(i8x16.gt_s(v128.load(slot), i8x16.splat(0))) | (hasLast << <u32>LAST)
  const first = <usize>ctz(digits)
  const exponent = load<i32>(slot, SCALE) + DIGITS - 1 - <i32>first
  const form = FORMS_F64 + <usize>formOf(exponent) * FORM_BYTES
  const start = slot + first
  v128.store(out, layOut(start, form))
  v128.store64_lane(out, layOut(start + SECOND_DIGIT, form + SECOND_PART), 0, 16)
  // 32 - clz - first is the number of digits.
  out += load<u8>(form - (<usize>clz(digits) + first), LENGTHS + 32)
  return <u32>(exponent - MIN_PLAIN) > <u32>(MAX_PLAIN - MIN_PLAIN) ? writeExponent(exponent, out) : out
}

// @ts-ignore: decorator
@inline
function layOut(digits: usize, form: usize): v128 {
  return i8x16.add(i8x16.swizzle(v128.load(digits), v128.load(form)), v128.load(form, ADDEND))
}

/** Without a branch, because numbers on both sides of a change of form may come in any order. */
// @ts-ignore: decorator
@inline
function formOf(exponent: i32): i32 {
  const plain = exponent - MIN_PLAIN
  const count = MAX_PLAIN - MIN_PLAIN + 1
  const isOutside = (plain | (count - 1 - plain)) >> 31
  return plain ^ ((plain ^ count) & isOutside)
}

function writeExponent(exponent: i32, out: usize): usize {
  store<u8>(out, Byte.E)
  store<u8>(out, exponent < 0 ? Byte.Minus : Byte.Plus, 1)
  out += 2
  let rest = <u32>abs(exponent)
  if (rest >= 100) {
    store<u8>(out++, Byte.Zero + rest / 100)
    rest %= 100
    store<u8>(out++, Byte.Zero + rest / 10)
  } else if (rest >= 10) store<u8>(out++, Byte.Zero + rest / 10)
  store<u8>(out, Byte.Zero + (rest % 10))
  return out + 1
}

/** Makes digits of the halves in slots up to `end`. */
function splitDigits(end: usize): void {
  const perFour = digitConstant(DigitConstant.PER_FOUR)
  const four = digitConstant(DigitConstant.FOUR)
  const upperHalf = digitConstant(DigitConstant.UPPER_HALF)
  const integer = digitConstant(DigitConstant.INTEGER)
  const perHundred = digitConstant(DigitConstant.PER_HUNDRED)
  const pairs = digitConstant(DigitConstant.PAIRS)
  const perTen = digitConstant(DigitConstant.PER_TEN)
  const singles = digitConstant(DigitConstant.SINGLES)
  for (let slot = SLOTS_F64; slot < end; slot += SLOT_F64) {
    const halves = f64x2.convert_low_i32x4_s(v128.load_zero<u64>(slot))
    v128.store(slot, digitsOfTwo(halves, perFour, four, upperHalf, integer, perHundred, pairs, perTen, singles))
  }
}
