import { MIN_POWER, POWERS } from './tables'
import { floorLog2OfPower, multiplyHigh } from './wide'

/**
 * The shortest decimal that reads back to the same float64, the closest among the shortest, the even one of two as close.
 * R. Giulietti, The Schubfach way to render doubles, 2020, https://fmt.dev/papers/Schubfach4.pdf
 *
 * With v = c * 2^q > 0 and k = floor(log10(width of v's rounding interval)), the interval holds at least one multiple of 10^k and at
 * most one of 10^(k+1). All three of v and the interval's ends are taken in quarters of 10^k, as an integer whose last bit also
 * stands for any fraction, which is all that a comparison needs.
 *
 * Multiples of 10^(k+1) are given as digits * 10^k too, so digits may end in zeros.
 */

/** Of c * 2^q, in units of its last bit: the interval below a power of two is half as wide. */
const THREE_QUARTERS: i32 = 524031

/** k of c * 2^q; `isolated` above a shorter gap. */
// @ts-ignore: decorator
@inline
function decimalScale(q: i32, isolated: u32): i32 {
  return (q * 1262611 - (THREE_QUARTERS & -isolated)) >> 22
}

/**
 * The decimal in 17 digits: two times eight, u32, at `out`, the last, u8, at `last`, and k, i32, at `scale`.
 *
 * @param bits of a float64 > 0 and finite; of any other the result means nothing
 */
// @ts-ignore: decorator
@inline
export function shortestF64(bits: u64, out: usize, last: usize, scale: usize): void {
  const biased = <u32>(bits >> 52)
  const fraction = bits & 0xfffffffffffff
  const isolated = u32(fraction == 0) & u32(biased > 1)
  const isNormal = u32(biased > 0)
  const q = <i32>(biased + 1 - isNormal) - 1075
  const k = decimalScale(q, isolated)
  const c = fraction | (<u64>isNormal << 52)
  const shift = q + floorLog2OfPower(-k) + 1
  const entry = POWERS + (<usize>(-k - MIN_POWER) << 4)
  const powerLow = load<u64>(entry, 8) + 1
  const powerHigh = load<u64>(entry) + u64(powerLow == 0)
  // The product of 4 c and the power; its ends are two units (or one) of the power away.
  const factor = (4 * c) << shift
  const low = factor * powerLow
  const partial = factor * powerHigh
  const middle = partial + multiplyHigh(factor, powerLow)
  const high = multiplyHigh(factor, powerHigh) + u64(middle < partial)
  store<i32>(scale, k)
  pick(
    odd(high, middle),
    below(high, middle, low, powerHigh, powerLow, shift + 1 - isolated),
    above(high, middle, low, powerHigh, powerLow, shift + 1),
    c & 1,
    out,
    last,
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
function pick(v: u64, lowerEnd: u64, upperEnd: u64, isOdd: u64, out: usize, last: usize): void {
  const lower = lowerEnd + isOdd
  const upper = upperEnd - isOdd
  const units = v >> 2
  const tens = units / 10
  const tensAbove = u64(40 * tens + 40 <= upper)
  const unitsAbove = u64(4 * units + 4 <= upper)
  const half = 4 * units + 2
  const closer = u64(v > half) | (u64(v == half) & units)
  const one = u64(lower <= 4 * units) ^ unitsAbove
  // Masks, because a select becomes a branch.
  const isShort = -(u64(lower <= 40 * tens) ^ tensAbove)
  const digit = units - 10 * tens + ((one & unitsAbove) | (~one & closer & 1))
  const others = tens + (tensAbove & isShort)
  const upperHalf = others / 100000000
  store<u32>(out, <u32>upperHalf)
  store<u32>(out, <u32>(others - upperHalf * 100000000), 4)
  store<u8>(last, digit & ~isShort)
}
