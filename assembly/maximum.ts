/**
 * The largest element of a row and where it is. A NaN may or may not become the maximum: it is found by who sums the row, and
 * if it is the maximum, `maximum < Infinity` is false. pmax is one instruction where max, which propagates NaN, is seven.
 */

export let maximum: f64 = 0
/** Index of the first element equal to `maximum`. */
export let position: usize = 0
/**
 * Of a float32 row, the largest bit pattern as an unsigned number: of a row with negative numbers that of the least one, of -Infinity
 * or of a NaN with a sign. One bound on it holds for the whole row, which saves whoever reduces the row a clamp.
 */
export let outermost: u32 = 0

/** Bytes of a block; the position is sought in one only, that whose maximum was the first to be the largest. */
const BLOCK: usize = 512

export function findMaximum<T extends number>(row: usize, count: usize): void {
  const lanes: usize = 16 / sizeof<T>()
  if (count < lanes) {
    findInFew<T>(row, count)
    return
  }
  // A last vector that overlaps the one before it: the same element twice changes neither extreme.
  const last = row + (count - lanes) * sizeof<T>()
  const behind = last + 16
  let best = row
  let largest = <T>-Infinity
  let outer0 = v128.load(last)
  let outer1 = outer0
  let from = row
  // Differences, because a row may end where addresses do.
  for (; behind - from >= BLOCK; from += BLOCK) {
    let max0 = v128.load(from)
    let max1 = v128.load(from, 16)
    let max2 = v128.load(from, 32)
    let max3 = v128.load(from, 48)
    let outer2 = outer0
    let outer3 = outer1
    if (sizeof<T>() == 4) {
      outer2 = i32x4.max_u(outer2, i32x4.max_u(max0, max1))
      outer3 = i32x4.max_u(outer3, i32x4.max_u(max2, max3))
    }
    for (let i: usize = 64; i < BLOCK; i += 64) {
      const z0 = v128.load(from + i)
      const z1 = v128.load(from + i, 16)
      const z2 = v128.load(from + i, 32)
      const z3 = v128.load(from + i, 48)
      max0 = v128.pmax<T>(max0, z0)
      max1 = v128.pmax<T>(max1, z1)
      max2 = v128.pmax<T>(max2, z2)
      max3 = v128.pmax<T>(max3, z3)
      if (sizeof<T>() == 4) {
        outer2 = i32x4.max_u(outer2, i32x4.max_u(z0, z1))
        outer3 = i32x4.max_u(outer3, i32x4.max_u(z2, z3))
      }
    }
    outer0 = outer2
    outer1 = outer3
    const max = largestLane<T>(v128.pmax<T>(v128.pmax<T>(max0, max1), v128.pmax<T>(max2, max3)))
    const isLarger = max > largest
    best = isLarger ? from : best
    largest = isLarger ? max : largest
  }
  if (from != behind) {
    const start = from
    let max0 = v128.load(last)
    let max1 = max0
    for (; from + 16 <= last; from += 32) {
      const z0 = v128.load(from)
      const z1 = v128.load(from, 16)
      max0 = v128.pmax<T>(max0, z0)
      max1 = v128.pmax<T>(max1, z1)
      if (sizeof<T>() == 4) outer0 = i32x4.max_u(outer0, i32x4.max_u(z0, z1))
    }
    if (from < last) {
      const z = v128.load(from)
      max0 = v128.pmax<T>(max0, z)
      if (sizeof<T>() == 4) outer0 = i32x4.max_u(outer0, z)
    }
    const max = largestLane<T>(v128.pmax<T>(max0, max1))
    // Also where it is NaN, so that a row of nothing else has it for its maximum.
    if (!(max <= largest)) {
      best = start
      largest = max
    }
  }
  maximum = largest
  if (sizeof<T>() == 4) outermost = <u32>largestWord(i32x4.max_u(outer0, outer1))
  position = find<T>(row, best, last, v128.splat<T>(largest))
}

// @ts-ignore: decorator
@inline
function largestLane<T extends number>(x: v128): T {
  x = v128.pmax<T>(x, v128.shuffle<f64>(x, x, 1, 0))
  if (sizeof<T>() == 4) x = v128.pmax<T>(x, v128.shuffle<f32>(x, x, 1, 0, 3, 2))
  return v128.extract_lane<T>(x, 0)
}

// @ts-ignore: decorator
@inline
function largestWord(x: v128): i32 {
  x = i32x4.max_u(x, v128.shuffle<f64>(x, x, 1, 0))
  x = i32x4.max_u(x, v128.shuffle<f32>(x, x, 1, 0, 3, 2))
  return i32x4.extract_lane(x, 0)
}

function findInFew<T extends number>(row: usize, count: usize): void {
  maximum = load<T>(row)
  outermost = u32.MAX_VALUE
  position = 0
  for (let k: usize = 1; k < count; k++) {
    const z: f64 = load<T>(row + k * sizeof<T>())
    if (z > maximum) {
      maximum = z
      position = k
    }
  }
}

/** First index that equals `value` from the address `from` on, whose last possible vector starts at `last`; 0 if there is none. */
// @ts-ignore: decorator
@inline
function find<T extends number>(row: usize, from: usize, last: usize, value: v128): usize {
  for (; from + 48 <= last; from += 64) {
    const hit0 = v128.eq<T>(v128.load(from), value)
    const hit1 = v128.eq<T>(v128.load(from, 16), value)
    const hit2 = v128.eq<T>(v128.load(from, 32), value)
    const hit3 = v128.eq<T>(v128.load(from, 48), value)
    if (v128.any_true(v128.or(v128.or(hit0, hit1), v128.or(hit2, hit3)))) break
  }
  for (; from < last; from += 16) {
    const hits = laneMask<T>(v128.eq<T>(v128.load(from), value))
    if (hits) return (from - row) / sizeof<T>() + ctz(hits)
  }
  const hits = laneMask<T>(v128.eq<T>(v128.load(last), value))
  return hits ? (last - row) / sizeof<T>() + ctz(hits) : 0
}

// @ts-ignore: decorator
@inline
function laneMask<T extends number>(x: v128): u32 {
  return <u32>(sizeof<T>() == 4 ? i32x4.bitmask(x) : i64x2.bitmask(x))
}
