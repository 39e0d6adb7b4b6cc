import { significant, toDigits } from './digits'
import { FORMS_F32, MIN_EXPONENT_F32, SUFFIXES_F32 } from './tables'

/**
 * One float32 > 0 and finite as text. Its nine digits, padded with zeros, are laid out by one lane permutation that depends on the
 * decimal exponent, so that neither the number of digits nor the form decides a branch:
 *
 *   source   1 2 3 4 5 0 0 0 0 '0' '.'
 *   0.012345 '0' '.' '0' 1 2 3 4 5 ..     12.345  1 2 '.' 3 4 5 ..     1.2345e-9  1 '.' 2 3 4 5 .. then "e-9"
 */

const DIGITS: i32 = 9
const UNIT: u32 = 100000000
const ZEROS: u64 = 0x3030303030303030
/** The ninth digit's lane is lowest, then '0' and '.'. */
const FILLERS: u64 = 0x2e3030
const MIN_PLAIN: i32 = -6
const MAX_PLAIN: i32 = 20
/** Bytes that one permutation lays out. */
const LANES: i32 = 16

/** 10^0 to 10^9. */
const POWERS_OF_TEN: usize = memory.data<u32>([1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000])

/** Bytes of a slot: the source lanes (16), the decimal exponent of the first digit (4), the number of digits (4). */
export const SLOT: usize = 32

/** @param shortest as `shortestF32` gives it */
// @ts-ignore: decorator
@inline
export function prepareF32(shortest: u64, slot: usize): void {
  const value = <u32>shortest
  const length = lengthOf(value)
  const padded = value * powerOfTen(DIGITS - length)
  const first = padded / UNIT
  const others = toDigits(padded % UNIT)
  store<u64>(slot, <u64>first | 0x30 | ((others | ZEROS) << 8))
  store<u64>(slot, (others >> 56) | FILLERS, 8)
  store<i32>(slot, <i32>(shortest >> 32) + length - 1, 16)
  store<i32>(slot, 1 + significant(others), 20)
}

/** @returns pointer behind the text; bytes up to 22 behind `out` may be written */
// @ts-ignore: decorator
@inline
export function writeF32(slot: usize, out: usize): usize {
  const exponent = load<i32>(slot, 16)
  const count = load<i32>(slot, 20)
  const entry = load<u64>(SUFFIXES_F32 + (<usize>(exponent - MIN_EXPONENT_F32) << 3))
  const form = <usize>((entry >> 40) & 0xff)
  v128.store(out, i8x16.swizzle(v128.load(slot), v128.load(FORMS_F32 + (form << 4))))
  if (exponent >= LANES && exponent <= MAX_PLAIN) store<u64>(out, ZEROS, 13)
  // Digits before the point, of which the zeros in front count as one and a 10^exponent form has one.
  const isPlain = u32(<u32>(exponent - MIN_PLAIN) <= <u32>(MAX_PLAIN - MIN_PLAIN))
  const shift = exponent & -isPlain
  const whole = 1 + (shift & ~(shift >> 31))
  const behind = count - 1 - shift
  out += whole + ((behind + 1) & -u32(behind > 0))
  store<u32>(out, <u32>entry)
  return out + <usize>((entry >> 32) & 0xff)
}

/** Decimal digits of a number in [1, 10^9). */
// @ts-ignore: decorator
@inline
function lengthOf(value: u32): i32 {
  const below = ((32 - <i32>clz(value)) * 1233) >> 12
  return below + i32(value >= powerOfTen(below))
}

// @ts-ignore: decorator
@inline
function powerOfTen(power: i32): u32 {
  return load<u32>(POWERS_OF_TEN + (<usize>power << 2))
}
