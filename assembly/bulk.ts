import { Byte } from './bytes'
import { exactPower, isOpen, MAX_EXACT_POWER, scaled } from './decimal'
import { lastLanes, lastLanesOfUpper, toInteger } from './digits'
import { readOne } from './json-reader'
import { extendIndex, index, resetIndex } from './number-index'
import { place } from './place'

/**
 * Runs of plain numbers: a sign, up to 32 digits and a point, no exponent, a comma with at most one space between them. Everything else
 * is left to readOne (one number of any form) and to the caller (what stands between numbers). A number is moved into fixed lanes, so
 * that neither its length nor the place of its point decides a branch.
 *
 *   text           , - 1 2 . 3 4 5 ,
 *   16 bytes to its end       . . . , - 1 2 . 3 4 5
 *   lanes up to the point take their left neighbour's byte: . . . , - - 1 2 3 4 5
 *   as many lanes as there are digits are kept:             0 0 0 0 0 0 1 2 3 4 5     12345 / 10^3
 */

/** Bytes before a number's end that are loaded with it. */
const REACH: usize = 33
/** Up to here a mantissa is exact in float64. */
const MAX_EXACT: u64 = 1 << 53
/** The first 16 of 32 digits may make at most this, for the whole to stay below 2^63. */
const MAX_UPPER: u64 = 921
const UPPER_UNIT: u64 = 10000000000000000
/** Stands for a number that needs readOne. */
const LEFT: u64 = -1

/** Forgets what was indexed of another text. */
export function startIndex(): void {
  resetIndex(0)
}

/**
 * Reads the number at `at` and those that follow it in its row. Gives the pointer behind the last one read, or 0 when the report is
 * written.
 */
export function readNumbers<T extends number>(at: usize): usize {
  if (place.rank == 0) return readOne<T>(at)
  const first = place.text + REACH
  let edge = seekEdge(at)
  let out = place.out
  while (true) {
    for (const last = index.edgesEnd - 8; edge < last; edge += 8) {
      const start = <usize>load<u32>(edge)
      const end = <usize>load<u32>(edge, 4)
      const next = <usize>load<u32>(edge, 8)
      const bits = end >= first ? read<T>(start, end) : LEFT
      if (bits != LEFT) {
        if (sizeof<T>() == 4) store<u32>(out, <u32>bits)
        else store<u64>(out, bits)
        out += sizeof<T>()
      } else {
        place.out = out
        const behind = readOne<T>(start)
        out = place.out
        if (behind != end) return leave(edge, behind)
      }
      const plain = next - end == 1 ? load<u8>(end) == Byte.Comma : next - end == 2 && load<u16>(end) == 0x202c
      if (!plain) {
        place.out = out
        return leave(edge, end)
      }
    }
    if (index.complete) break
    edge = extendIndex(edge, place.end)
  }
  place.out = out
  return leave(edge, readOne<T>(<usize>load<u32>(edge)))
}

/** The edge where the number at `at` starts. */
function seekEdge(at: usize): usize {
  let edge = index.edge
  while (edge < index.edgesEnd && <usize>load<u32>(edge) < at) edge += 8
  if (edge < index.edgesEnd && <usize>load<u32>(edge) == at) return edge
  resetIndex(at)
  return extendIndex(index.edgesEnd, place.end)
}

// @ts-ignore: decorator
@inline
function leave(edge: usize, at: usize): usize {
  index.edge = edge
  return at
}

/** Bits of the number in [start, end), or LEFT. */
// @ts-ignore: decorator
@inline
function read<T extends number>(start: usize, end: usize): u64 {
  const minus = u64(load<u8>(start) == Byte.Minus)
  const digits = start + <usize>minus
  const length = <i32>(end - digits)
  if (<u32>(length - 1) < 16) return readNarrow<T>(digits, end, length, minus)
  if (<u32>(length - 17) < 16) return readWide<T>(digits, end, length, minus)
  return LEFT
}

// @ts-ignore: decorator
@inline
function readNarrow<T extends number>(start: usize, end: usize, length: i32, minus: u64): u64 {
  const bytes = v128.load(end - 16)
  const outside = 16 - length
  const points = (<u32>i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x2e))) >> outside) << outside
  const point = 31 - <i32>clz(points)
  const places = (15 - point) & ~(point >> 31)
  const count = length - 1 - (point >> 31)
  const moved = v128.bitselect(bytes, v128.load(end - 17), lastLanes(15 - point))
  const digits = v128.and(i8x16.sub(moved, i8x16.splat(0x30)), lastLanes(count))
  const mantissa = toInteger(digits)
  if (
    u32(v128.any_true(i8x16.sub_sat_u(digits, i8x16.splat(9)))) |
    u32(isMisplaced(start, count - places)) |
    u32(point == 15) |
    u32(mantissa > MAX_EXACT)
  ) return LEFT
  return bitsOf<T>(<f64>(<i64>mantissa) / exactPower(places), minus)
}

// @ts-ignore: decorator
@inline
function readWide<T extends number>(start: usize, end: usize, length: i32, minus: u64): u64 {
  const upper = v128.load(end - 32)
  const lower = v128.load(end - 16)
  const outside = 32 - length
  const isPoint = i8x16.splat(0x2e)
  const all = <u32>i8x16.bitmask(i8x16.eq(upper, isPoint)) | (<u32>i8x16.bitmask(i8x16.eq(lower, isPoint)) << 16)
  const points = (all >> outside) << outside
  const point = 31 - <i32>clz(points)
  const places = (31 - point) & ~(point >> 31)
  const count = length - 1 - (point >> 31)
  const zero = i8x16.splat(0x30)
  const upperMoved = v128.bitselect(upper, v128.load(end - 33), lastLanesOfUpper(31 - point))
  const lowerMoved = v128.bitselect(lower, v128.load(end - 17), lastLanes(31 - point))
  const upperDigits = v128.and(i8x16.sub(upperMoved, zero), lastLanesOfUpper(count))
  const lowerDigits = v128.and(i8x16.sub(lowerMoved, zero), lastLanes(count))
  const upperPart = toInteger(upperDigits)
  if (
    u32(v128.any_true(i8x16.sub_sat_u(v128.or(upperDigits, lowerDigits), i8x16.splat(9)))) |
    u32(isMisplaced(start, count - places)) |
    u32(point == 31) |
    u32(upperPart > MAX_UPPER) |
    u32(places > MAX_EXACT_POWER)
  ) return LEFT
  const mantissa = upperPart * UPPER_UNIT + toInteger(lowerDigits)
  if (sizeof<T>() == 4) {
    const near = <f64>(<i64>mantissa) / exactPower(places)
    if (mantissa > MAX_EXACT && isNearHalfway(near)) return LEFT
    return bitsOf<T>(near, minus)
  }
  if (mantissa <= MAX_EXACT) return bitsOf<T>(<f64>(<i64>mantissa) / exactPower(places), minus)
  const bits = scaled(mantissa, -places, false)
  return isOpen(bits) ? LEFT : bits | (minus << 63)
}

/** Whether a number that starts so and has so many digits before its point has none there, or a 0 too many. */
// @ts-ignore: decorator
@inline
function isMisplaced(start: usize, whole: i32): bool {
  return <u32>(whole - 1) > (load<u8>(start) == Byte.Zero ? 0 : 31)
}

/**
 * Whether a float64 that is up to 2 units off its correctly rounded value may round to another float32 than that. (1 unit can come from
 * rounding the mantissa, half a one from the division, half a one from the correct value's own rounding; the range is that of normal
 * float32.)
 */
// @ts-ignore: decorator
@inline
function isNearHalfway(value: f64): bool {
  return (reinterpret<u64>(value) & 0x1fffffff) - 0x0ffffffe < 5
}

// @ts-ignore: decorator
@inline
function bitsOf<T extends number>(value: f64, minus: u64): u64 {
  if (sizeof<T>() == 4) return <u64>(reinterpret<u32>(<f32>value) | <u32>(minus << 31))
  return reinterpret<u64>(value) | (minus << 63)
}
