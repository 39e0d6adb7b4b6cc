import { Byte } from './bytes'
import { CHUNK } from './chunk'
import { significant, toDigits } from './digits'
import { scaleF64, shortestF64 } from './shortest'

/** Finite float64 as text, in JavaScript's choice of plain or exponent form, a chunk at a time. */

const DIGITS: i32 = 17
const UNIT: u64 = 10000000000000000
const HALF_UNIT: u64 = 100000000
const ZEROS: u64 = 0x3030303030303030
/** `0.000000` as a little-endian word. */
const LEADING: u64 = 0x3030303030302e30
const MIN_PLAIN: i32 = -6
const MAX_PLAIN: i32 = 20

/** 10^0 to 10^17. */
const POWERS_OF_TEN: usize = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
  10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
])

/** What `shortestF64` gives of each number. */
export const SLOTS_F64: usize = memory.data(CHUNK << 3, 16)
export const SLOT_F64: usize = 8

/** Finds the decimals of up to CHUNK numbers. */
export function prepareF64(values: usize, count: u32): void {
  for (let slot = SLOTS_F64, end = SLOTS_F64 + <usize>count * SLOT_F64; slot < end; slot += SLOT_F64, values += 8) {
    store<u64>(slot, shortestF64(load<u64>(values) & 0x7fffffffffffffff))
  }
}

/**
 * Writes the number of a slot.
 *
 * @param bits without the sign
 * @returns pointer behind its comma; bytes up to 27 behind `out` may be written
 */
// @ts-ignore: decorator
@inline
export function writeF64(bits: u64, isNegative: u32, slot: usize, out: usize): usize {
  store<u8>(out, Byte.Minus)
  out += isNegative
  if (bits == 0) store<u8>(out++, Byte.Zero)
  else out = writeDecimal(bits, load<u64>(slot), out)
  store<u8>(out, Byte.Comma)
  return out + 1
}

/** @returns pointer behind the text; bytes up to 26 behind `out` may be written */
// @ts-ignore: decorator
@inline
function writeDecimal(bits: u64, shortest: u64, out: usize): usize {
  const value = shortest >> 1
  const length = lengthOf(value)
  const exponent = scaleF64(bits, shortest) + length - 1
  const padded = value * powerOfTen(DIGITS - length)
  const first = padded / UNIT
  const others = padded - first * UNIT
  const upperHalf = others / HALF_UNIT
  const upper = toDigits(<u32>upperHalf)
  const lower = toDigits(<u32>(others - upperHalf * HALF_UNIT))
  const count = lower ? 9 + significant(lower) : 1 + significant(upper)
  if (exponent < MIN_PLAIN || exponent > MAX_PLAIN) {
    store<u16>(out, first | 0x2e30)
    store<u64>(out, upper | ZEROS, 2)
    store<u64>(out, lower | ZEROS, 10)
    return writeExponent(exponent, out + count + i32(count > 1))
  }
  if (exponent < 0) {
    store<u64>(out, LEADING)
    out += 1 - exponent
    storeDigits(out, first, upper, lower)
    return out + count
  }
  storeDigits(out, first, upper, lower)
  store<u32>(out, <u32>ZEROS, DIGITS)
  const whole = exponent + 1
  if (count <= whole) return out + whole
  // The digits behind the point make room for it: at most 16 of them, at most 8 where a store of 16 would reach too far.
  const point = out + whole
  if (whole < 9) v128.store(point, v128.load(point), 1)
  else store<u64>(point, load<u64>(point), 1)
  store<u8>(point, Byte.Point)
  return out + count + 1
}

// @ts-ignore: decorator
@inline
function storeDigits(out: usize, first: u64, upper: u64, lower: u64): void {
  store<u8>(out, first | 0x30)
  store<u64>(out, upper | ZEROS, 1)
  store<u64>(out, lower | ZEROS, 9)
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

/** Decimal digits of a number in [1, 10^17). */
// @ts-ignore: decorator
@inline
function lengthOf(value: u64): i32 {
  const below = ((64 - <i32>clz(value)) * 1233) >> 12
  return below + i32(value >= powerOfTen(below))
}

// @ts-ignore: decorator
@inline
function powerOfTen(power: i32): u64 {
  return load<u64>(POWERS_OF_TEN + (<usize>power << 3))
}
