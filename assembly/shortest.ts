import { MIN_POWER, POWERS } from './tables'
import { floorLog2OfPower, multiplyHigh } from './wide'

/**
 * The shortest decimal that reads back to the same value, the closest among the shortest, the even one of two as close.
 * R. Giulietti, The Schubfach way to render doubles, 2020, https://fmt.dev/papers/Schubfach4.pdf
 *
 * With v = c * 2^q > 0 and k = floor(log10(width of v's rounding interval)), the interval holds at least one multiple of 10^k and at
 * most one of 10^(k+1). All three of v and the interval's ends are taken in quarters of 10^k, as an integer whose last bit also
 * stands for any fraction, which is all that a comparison needs.
 *
 * A result is 2 * digits + 1 for digits * 10^(k+1), 2 * digits for digits * 10^k; digits may end in zeros.
 */

/** Of c * 2^q, in units of its last bit: the interval below a power of two is half as wide. */
const THREE_QUARTERS: i32 = 524031

/**
 * 7.038531e-26 is the one decimal of up to 8 digits (but for its sign) that rounds to another float32 by way of float64 than directly:
 * up, to the second of these. JSON numbers are read by way of float64, so it is the shortest for that one, and the first needs a digit
 * more. (An exhaustive search over the points halfway between two float32.)
 */
const TWICE_ROUNDED: u32 = 0x15ae43fd
const BEFORE_TWICE_ROUNDED: u64 = 2 * 70385307
const AFTER_TWICE_ROUNDED: u64 = 2 * 7038531 + 1

/** k of a value with this fraction and biased exponent, `bias` being the exponent of 2^0 in units of the last bit. */
// @ts-ignore: decorator
@inline
export function decimalScale(fraction: u64, exponent: i32, bias: i32): i32 {
  const isolated = fraction == 0 && exponent > 1
  return ((max(exponent, 1) - bias) * 1262611 - (isolated ? THREE_QUARTERS : 0)) >> 22
}

/** @param bits of a float32 > 0 and finite; of any other the result means nothing */
// @ts-ignore: decorator
@inline
export function shortestF32(bits: u32): u64 {
  if (bits - TWICE_ROUNDED < 2) return bits == TWICE_ROUNDED ? BEFORE_TWICE_ROUNDED : AFTER_TWICE_ROUNDED
  const exponent = <i32>(bits >> 23)
  const fraction = bits & 0x7fffff
  const isolated = fraction == 0 && exponent > 1
  const k = decimalScale(fraction, exponent, 150)
  const c = exponent ? fraction | 0x800000 : fraction
  const shift = max(exponent, 1) - 150 + floorLog2OfPower(-k) + 1
  const power = load<u64>(POWERS + (<usize>(-k - MIN_POWER) << 4)) + 1
  const v = quartersF32(power, (4 * c) << shift)
  const lower = quartersF32(power, (4 * c - 2 + u32(isolated)) << shift)
  const upper = quartersF32(power, (4 * c + 2) << shift)
  return pick(v, lower, upper, c & 1)
}

/** @param bits of a float64 > 0 and finite */
// @ts-ignore: decorator
@inline
export function shortestF64(bits: u64): u64 {
  const exponent = <i32>(bits >> 52)
  const fraction = bits & 0xfffffffffffff
  const isolated = fraction == 0 && exponent > 1
  const k = decimalScale(fraction, exponent, 1075)
  const c = exponent ? fraction | (1 << 52) : fraction
  const shift = max(exponent, 1) - 1075 + floorLog2OfPower(-k) + 1
  const entry = POWERS + (<usize>(-k - MIN_POWER) << 4)
  const powerLow = load<u64>(entry, 8) + 1
  const powerHigh = load<u64>(entry) + u64(powerLow == 0)
  // The product of 4 c and the power; its ends are two units (or one) of the power away.
  const factor = (4 * c) << shift
  const low = factor * powerLow
  const partial = factor * powerHigh
  const middle = partial + multiplyHigh(factor, powerLow)
  const high = multiplyHigh(factor, powerHigh) + u64(middle < partial)
  return pick(
    odd(high, middle),
    below(high, middle, low, powerHigh, powerLow, isolated ? shift : shift + 1),
    above(high, middle, low, powerHigh, powerLow, shift + 1),
    c & 1,
  )
}

/** The power is rounded up by less than a unit, so a fraction of 0 or 1 in the word below means none. */
// @ts-ignore: decorator
@inline
function odd(whole: u64, fraction: u64): u64 {
  return whole | u64(fraction > 1)
}

// @ts-ignore: decorator
@inline
function quartersF32(power: u64, factor: u32): u64 {
  const product = (power >> 32) * factor + (((power & 0xffffffff) * factor) >> 32)
  return odd(product >> 32, product & 0xffffffff)
}

// @ts-ignore: decorator
@inline
function above(high: u64, middle: u64, low: u64, powerHigh: u64, powerLow: u64, shift: i32): u64 {
  const stepLow = powerLow << shift
  const stepMiddle = (powerHigh << shift) | (powerLow >> (64 - shift))
  const carry = u64(low + stepLow < low)
  const sum = middle + stepMiddle
  const total = sum + carry
  return odd(high + (powerHigh >> (64 - shift)) + u64(sum < middle) + u64(total < sum), total)
}

// @ts-ignore: decorator
@inline
function below(high: u64, middle: u64, low: u64, powerHigh: u64, powerLow: u64, shift: i32): u64 {
  const stepLow = powerLow << shift
  const stepMiddle = (powerHigh << shift) | (powerLow >> (64 - shift))
  const borrow = u64(low < stepLow)
  const difference = middle - stepMiddle
  return odd(high - (powerHigh >> (64 - shift)) - u64(middle < stepMiddle) - u64(difference < borrow), difference - borrow)
}

/** The ends belong to the interval of an even value only. Without branches: which case it is, is as good as random. */
// @ts-ignore: decorator
@inline
function pick(v: u64, lowerEnd: u64, upperEnd: u64, isOdd: u64): u64 {
  const lower = lowerEnd + isOdd
  const upper = upperEnd - isOdd
  const units = v >> 2
  const tens = units / 10
  const tensBelow = lower <= 40 * tens
  const tensAbove = 40 * tens + 40 <= upper
  const unitsBelow = lower <= 4 * units
  const unitsAbove = 4 * units + 4 <= upper
  const half = 4 * units + 2
  const closer = u64(v > half) | (u64(v == half) & units)
  const one = u64(unitsBelow != unitsAbove)
  const up = (one & u64(unitsAbove)) | (~one & closer & 1)
  const long = 2 * (units + up)
  const short = 2 * (tens + u64(tensAbove)) + 1
  // A mask, because a select becomes a branch.
  return long ^ ((long ^ short) & -u64(u32(tensBelow != tensAbove) & u32(units >= 10)))
}
