import { roundByDigits } from './big-decimal'
import { Byte, isDigit, peek } from './bytes'
import { MAX_POWER, MIN_POWER, POWERS } from './tables'
import { floorLog2OfPower, multiplyHigh } from './wide'

/**
 * Decimal to binary, correctly rounded (to nearest, ties to even), in three steps of rising cost; a step only answers when its
 * error bound leaves no doubt:
 *
 *   1. mantissa <= 2^53 and a power of ten that is exact: one IEEE operation. W. Clinger, How to Read Floating Point Numbers
 *      Accurately, 1990, https://doi.org/10.1145/93542.93557
 *   2. mantissa (up to 19 digits) times the top 64 or 128 bits of the power of ten: the product is known to be in an interval that
 *      lies on one side of the halfway point. D. Lemire, Number Parsing at a Gigabyte per Second, 2021, https://arxiv.org/abs/2101.11408
 *   3. all digits against the halfway point in exact integers (big-decimal.ts).
 */

const MAX_DIGITS: u32 = 19
/** Bounds an exponent's digits before they overflow; no text is long enough to bring such a number back into range. */
const HUGE_EXPONENT: i64 = 1 << 40
/** Set on a result that is only the float64 below a value whose rounding is open. The sign bit is free for it. */
const OPEN: u64 = 1 << 63

/** 10^0 to 10^22, the powers a float64 holds exactly. */
const EXACT_POWERS: usize = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
  1e22,
])
const MAX_EXACT_POWER: i32 = 22
/** 5^0 to 5^27, those that fit 64 bits. */
const MAX_FIVES: i32 = 27

/** Whether `scaled` left the rounding open. */
// @ts-ignore: decorator
@inline
export function isOpen(bits: u64): bool {
  return <i64>bits < 0
}

/** 10^power for 0 <= power <= MAX_EXACT_POWER. */
// @ts-ignore: decorator
@inline
function exactPower(power: i32): f64 {
  return load<f64>(EXACT_POWERS + (<usize>power << 3))
}

/** Value of a number that is known to be well-formed; Infinity if it overflows float64. */
export function readNumber(at: usize, end: usize): f64 {
  const negative = load<u8>(at) == Byte.Minus
  const start = at + usize(negative)
  let mantissa: u64 = 0
  let digits: u32 = 0
  let scale: i64 = 0
  let dropped = false
  let fraction = false
  for (at = start; at < end; at++) {
    const digit = <u32>load<u8>(at) - Byte.Zero
    if (digit > 9) {
      if (digit != Byte.Point - Byte.Zero) break
      fraction = true
      continue
    }
    if (digits < MAX_DIGITS) {
      mantissa = mantissa * 10 + digit
      if (mantissa) digits++
      scale -= i64(fraction)
    } else {
      if (digit) dropped = true
      scale += i64(!fraction)
    }
  }
  if (at < end) scale += readExponent(at + 1, end)
  return copysign(magnitudeOf(mantissa, scale, dropped, start, end), negative ? -1 : 1)
}

function readExponent(at: usize, end: usize): i64 {
  const negative = load<u8>(at) == Byte.Minus
  if (!isDigit(peek(at, end))) at++
  let exponent: i64 = 0
  for (; at < end; at++) {
    if (exponent < HUGE_EXPONENT) exponent = exponent * 10 + (load<u8>(at) - Byte.Zero)
  }
  return negative ? -exponent : exponent
}

/** mantissa * 10^scale, or a little more if digits were dropped; `start` and `end` bound the text they are in. */
function magnitudeOf(mantissa: u64, scale: i64, dropped: bool, start: usize, end: usize): f64 {
  if (mantissa == 0 || scale < MIN_POWER) return 0
  if (scale > MAX_POWER) return Infinity
  const power = <i32>scale
  if (mantissa <= 1 << 53 && !dropped) {
    if (power >= 0 && power <= MAX_EXACT_POWER) return <f64>(<i64>mantissa) * exactPower(power)
    if (power < 0 && power >= -MAX_EXACT_POWER) return <f64>(<i64>mantissa) / exactPower(-power)
  }
  const bits = scaled(mantissa, power, dropped)
  if (!isOpen(bits)) return reinterpret<f64>(bits)
  if (!dropped && power < 0 && power >= -MAX_FIVES) {
    const fives = fivesTo(-power)
    if (mantissa % fives == 0) return <f64>(mantissa / fives) / <f64>(<u64>1 << -power)
  }
  return roundByDigits(start, end, scale, bits & ~OPEN)
}

/**
 * Step 2: bits of mantissa * 10^power, or OPEN | bits of the float64 below. With `dropped` the mantissa stands for some value
 * in [mantissa, mantissa + 1).
 */
// @ts-ignore: decorator
@inline
export function scaled(mantissa: u64, power: i32, dropped: bool): u64 {
  const zeros = <i32>clz(mantissa)
  const normal = mantissa << zeros
  const entry = POWERS + (<usize>(power - MIN_POWER) << 4)
  const powerHigh = load<u64>(entry)
  const high = multiplyHigh(normal, powerHigh)
  // Units of `high` the value can be above it: the product's own low word, the table's rounding, the dropped digits.
  const error: u64 = 2 + (dropped ? <u64>1 << zeros : 0)
  const upper = <i32>(high >> 63)
  const exponent = 63 + 1023 + upper + floorLog2OfPower(power) - zeros
  if (exponent <= 0) return scaledSubnormal(high, error, 11 + upper - exponent)
  const shift = 10 + upper
  const rest = high & ((<u64>1 << shift) - 1)
  const half = <u64>1 << (shift - 1)
  // The hidden bit adds the 1 that is taken from the exponent; a mantissa rounded up to 2^53 carries into it.
  const below = (<u64>(exponent - 1) << 52) + (high >> shift)
  if (exponent >= 2047) return reinterpret<u64>(<f64>Infinity)
  // Whether the last bits are more than half is as good as random, so there is no branch on it.
  if (half - rest >= error) return below + u64(rest > half)
  return dropped ? OPEN | below : refined(normal, power, entry, powerHigh, high, rest, half, below)
}

/** The same with the power's low word: the value is in [product, product + 2) in units of 2^-64 of `rest`. */
function refined(normal: u64, power: i32, entry: usize, powerHigh: u64, high: u64, rest: u64, half: u64, below: u64): u64 {
  const powerLow = load<u64>(entry, 8)
  const middle = normal * powerHigh
  const low = middle + multiplyHigh(normal, powerLow)
  const above = rest + u64(low < middle)
  if (above > half) return below + 1
  if (above == half) {
    if (low > 0) return below + 1
    // 10^0 to 10^27 fit the high word, so this product is exact and the value a tie.
    if (power >= 0 && power <= MAX_FIVES) return below + (below & 1)
    return OPEN | below
  }
  return above == half - 1 && low > ~<u64>2 ? OPEN | below : below
}

function scaledSubnormal(high: u64, error: u64, shift: i32): u64 {
  if (shift > 65) return 0
  if (shift > 63) return OPEN
  const rest = high & ((<u64>1 << shift) - 1)
  const half = <u64>1 << (shift - 1)
  const below = high >> shift
  if (rest > half) return below + 1
  return rest + error <= half ? below : OPEN | below
}

function fivesTo(count: i32): u64 {
  let power: u64 = 1
  for (let i = 0; i < count; i++) power *= 5
  return power
}
