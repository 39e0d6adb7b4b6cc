import { Byte } from './bytes'
import {
  eightFactors, fourFactors, lostBits, nearHalf, nines, pairFactors, points, tenTo16, tenTo8, zeros,
} from './constants'
import { isOpen, readNumber, scaled } from './decimal'
import { lastLanes, lastLanesOfUpper } from './digits'
import { place } from './place'
import { MOVES } from './tables'

/**
 * Numbers of a sign, up to 32 digits and a point, no exponent: `collect` turns the text of one into integers, `convert` turns them into
 * floats. Neither branches on where the point is.
 *
 *   pending number   i32 middle (8 digits) | i32 lower (the last 8) | i32 upper (those before) | u32 scale
 *   value            (upper * 10^16 + middle * 10^8 + lower) / power[scale]
 */

/** As many as there can be edges for, and one more, which an odd number of them makes `convert` look at. */
export const PENDING: usize = memory.data((65 * 32 + 8) << 4, 16)

/**
 * The power of ten to divide by, by scale: 0 without a point, 2 + 2 * places with one, and 1 more for a negative number. All of them are
 * exact in float64.
 */
const POWERS: usize = memory.data<f64>([
  1e0, -1e0, 1e0, -1e0, 1e1, -1e1, 1e2, -1e2, 1e3, -1e3, 1e4, -1e4, 1e5, -1e5, 1e6, -1e6, 1e7, -1e7, 1e8, -1e8, 1e9, -1e9,
  1e10, -1e10, 1e11, -1e11, 1e12, -1e12, 1e13, -1e13, 1e14, -1e14, 1e15, -1e15, 1e16, -1e16, 1e17, -1e17, 1e18, -1e18,
  1e19, -1e19, 1e20, -1e20, 1e21, -1e21, 1e22, -1e22,
])
const MAX_PLACES: i32 = 22
/** The digits before the last 16 may make at most this, for the whole to stay below 2^64. */
const MAX_UPPER: u64 = 1843
const TEN_TO_8: u64 = 100000000
const TEN_TO_16: u64 = 10000000000000000
/** Added to the scale of a float64 whose mantissa may be more than 2^53. */
const WIDE: u32 = 1 << 31

/** Writes the number in [start, end) to `pending`; false if its form is another, or none at all. */
// @ts-ignore: decorator
@inline
export function collect<T extends number>(pending: usize, start: usize, end: usize): bool {
  const minus = u32(load<u8>(start) == Byte.Minus)
  const digits = start + minus
  const length = <u32>(end - digits)
  if (length - 1 < 16) return digits + 16 <= place.end && collectNarrow(pending, digits, length, minus)
  return length - 17 < 16 && end >= place.text + 33 && collectWide<T>(pending, digits, end, <i32>length, minus)
}

/**
 * One lane permutation, chosen by length and place of the point, takes out the point and moves the digits to the end of 16 lanes:
 *
 *   12.345,67.8,[...    length 6, point 2    0 0 0 0 0 0 0 0 0 0 0 1 2 3 4 5
 */
// @ts-ignore: decorator
@inline
function collectNarrow(pending: usize, start: usize, length: u32, minus: u32): bool {
  const bytes = v128.load(start)
  const point = ctz(<u32>i8x16.bitmask(i8x16.eq(bytes, points())) | (1 << length))
  const digits = i8x16.swizzle(i8x16.sub(bytes, zeros()), v128.load(MOVES + (<usize>(16 * length + point) << 4)))
  if (v128.any_true(i8x16.sub_sat_u(digits, nines()))) return false
  // Another digit before the point behind a 0: other first digits make the left side more than 32.
  if ((((<u32>load<u8>(start) ^ Byte.Zero) << 5) | 1) < point) return false
  v128.store64_lane(pending, byEights(digits), 0)
  store<u64>(pending, <u64>(2 * (length - point) + minus) << 32, 8)
  return true
}

/**
 * The lanes up to the point take their left neighbour's byte, and as many lanes as there are digits are kept:
 *
 *   32 bytes to the end    ... , - 1 2 . 3 4 5 6
 *   moved                  ... , , - 1 2 3 4 5 6
 *   kept                   ... 0 0 0 1 2 3 4 5 6
 */
// @ts-ignore: decorator
@inline
function collectWide<T extends number>(pending: usize, start: usize, end: usize, length: i32, minus: u32): bool {
  const upper = v128.load(end - 32)
  const lower = v128.load(end - 16)
  const outside = 32 - length
  const marks = <u32>i8x16.bitmask(i8x16.eq(upper, points())) | (<u32>i8x16.bitmask(i8x16.eq(lower, points())) << 16)
  const point = 31 - <i32>clz((marks >> outside) << outside)
  const whole = point >> 31
  const behind = 32 - point & ~whole
  const count = length - 1 - whole
  const upperMoved = v128.bitselect(upper, v128.load(end - 33), lastLanesOfUpper(31 - point))
  const lowerMoved = v128.bitselect(lower, v128.load(end - 17), lastLanes(31 - point))
  const upperDigits = v128.and(i8x16.sub(upperMoved, zeros()), lastLanesOfUpper(count))
  const lowerDigits = v128.and(i8x16.sub(lowerMoved, zeros()), lastLanes(count))
  // Its first eight digits in the upper half now, where they make it too large unless they are 0.
  const upperPart = rotl(i64x2.extract_lane(byEights(upperDigits), 0), 32)
  const integerDigits = length - behind
  const failed =
    u32(v128.any_true(i8x16.sub_sat_u(v128.or(upperDigits, lowerDigits), nines()))) |
    u32(<u32>(integerDigits - 1) > (load<u8>(start) == Byte.Zero ? 0 : 31)) |
    u32(behind == 1) |
    u32(<u64>upperPart > MAX_UPPER) |
    u32(behind > MAX_PLACES + 1)
  if (failed) return false
  v128.store64_lane(pending, byEights(lowerDigits), 0)
  const scale = <u32>(2 * behind) + minus + (sizeof<T>() == 8 ? WIDE : 0)
  store<u64>(pending, <u64>upperPart | (<u64>scale << 32), 8)
  return true
}

/** 16 digits, the most significant in lane 0, as two numbers in the first two i32; by pairs, fours and eights. */
// @ts-ignore: decorator
@inline
function byEights(digits: v128): v128 {
  const pairs = i16x8.shr_u(i16x8.mul(digits, pairFactors()), 8)
  const fours = i32x4.dot_i16x8_s(pairs, fourFactors())
  return i32x4.dot_i16x8_s(i16x8.narrow_i32x4_u(fours, fours), eightFactors())
}

/** Stores the numbers pending up to `end`, whose texts are between the edges from `edge` on. */
export function convert<T extends number>(end: usize, edge: usize): void {
  let out = place.out
  for (let at = PENDING; at < end; at += 32, edge += 16) {
    const second = at + 16 < end ? at + 16 : at
    if (sizeof<T>() == 4) storeF32(out, at, second, edge, second == at ? edge : edge + 8)
    else storeF64(out, at, second, edge, second == at ? edge : edge + 8)
    out += 2 * sizeof<T>()
  }
  place.out += ((end - PENDING) >> 4) * sizeof<T>()
}

/**
 * Two float32 by way of float64. Mantissas of more than 2^53 are rounded twice and the division rounds, so the float64 can be 3 units off
 * the correctly rounded one; that makes another float32 only next to a point halfway between two float32, where the text is read anew.
 */
// @ts-ignore: decorator
@inline
function storeF32(out: usize, first: usize, second: usize, firstEdge: usize, secondEdge: usize): void {
  const quotients = quotientsOf(first, second)
  const rest = i32x4.sub(v128.and(quotients, lostBits()), nearHalf())
  if (v128.any_true(i32x4.le_u(rest, i32x4.splat(8)))) {
    store<f32>(out, <f32>readAnew(firstEdge))
    store<f32>(out, <f32>readAnew(secondEdge), 4)
  } else {
    v128.store64_lane(out, f32x4.demote_f64x2_zero(quotients), 0)
  }
}

/** Two float64. Without WIDE the mantissa is exact, or the power is 1, and so one operation rounds. */
// @ts-ignore: decorator
@inline
function storeF64(out: usize, first: usize, second: usize, firstEdge: usize, secondEdge: usize): void {
  if ((load<u32>(first, 12) | load<u32>(second, 12)) & WIDE) {
    store<u64>(out, bitsOf(first, firstEdge))
    store<u64>(out, bitsOf(second, secondEdge), 8)
  } else {
    v128.store(out, quotientsOf(first, second))
  }
}

// @ts-ignore: decorator
@inline
function quotientsOf(first: usize, second: usize): v128 {
  const a = v128.load(first)
  const b = v128.load(second)
  const lower = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const upper = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const middlePart = f64x2.mul(f64x2.convert_low_i32x4_s(lower), tenTo8())
  const lowerPart = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(lower, lower, 2, 3, 2, 3))
  const upperPart = f64x2.mul(f64x2.convert_low_i32x4_s(upper), tenTo16())
  const powers = v128.load64_lane(powerOf(second), v128.load64_zero(powerOf(first)), 1)
  return f64x2.div(f64x2.add(upperPart, f64x2.add(middlePart, lowerPart)), powers)
}

// @ts-ignore: decorator
@inline
function powerOf(pending: usize): usize {
  return POWERS + (<usize>load<u32>(pending, 12) << 3)
}

/** Bits of one float64, whether its scale has WIDE or not. */
// @ts-ignore: decorator
@inline
function bitsOf(pending: usize, edge: usize): u64 {
  const mantissa = load<u32>(pending, 8) * TEN_TO_16 + load<u32>(pending) * TEN_TO_8 + load<u32>(pending, 4)
  const scale = load<u32>(pending, 12) & ~WIDE
  const negative = <u64>(scale & 1) << 63
  if (mantissa == 0) return negative
  const bits = scaled(mantissa, -max(<i32>(scale >> 1) - 1, 0), false)
  return isOpen(bits) ? reinterpret<u64>(readAnew(edge)) : bits | negative
}

/** The value of the text between the edges from `edge` on. */
function readAnew(edge: usize): f64 {
  return readNumber(<usize>load<u32>(edge), <usize>load<u32>(edge, 4))
}
