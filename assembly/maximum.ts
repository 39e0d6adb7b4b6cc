/**
 * The largest element of a row and where it is. A NaN may or may not become the maximum: it is found by who sums the row, and
 * if it is the maximum, `maximum < Infinity` is false. pmax is one instruction where max, which propagates NaN, is seven.
 */

export let maximum: f64 = 0
/** Index of the first element equal to `maximum`. */
export let position: usize = 0

export function findMaximum<T extends number>(row: usize, count: usize): void {
  const lanes: usize = 16 / sizeof<T>()
  if (count < lanes) {
    findInFew<T>(row, count)
    return
  }
  // A last vector that overlaps the one before it: the same element twice changes neither extreme.
  const last = row + (count - lanes) * sizeof<T>()
  let max0 = v128.load(last)
  let max1 = max0
  let max2 = max0
  let max3 = max0
  let from = row
  for (; from + 48 <= last; from += 64) {
    const z0 = v128.load(from)
    const z1 = v128.load(from, 16)
    const z2 = v128.load(from, 32)
    const z3 = v128.load(from, 48)
    max0 = v128.pmax<T>(max0, z0)
    max1 = v128.pmax<T>(max1, z1)
    max2 = v128.pmax<T>(max2, z2)
    max3 = v128.pmax<T>(max3, z3)
  }
  for (; from < last; from += 16) {
    const z = v128.load(from)
    max0 = v128.pmax<T>(max0, z)
  }
  max0 = v128.pmax<T>(v128.pmax<T>(max0, max1), v128.pmax<T>(max2, max3))
  max0 = v128.pmax<T>(max0, v128.shuffle<f64>(max0, max0, 1, 0))
  if (sizeof<T>() == 4) max0 = v128.pmax<T>(max0, v128.shuffle<f32>(max0, max0, 1, 0, 3, 2))
  maximum = v128.extract_lane<T>(max0, 0)
  position = find<T>(row, last, v128.splat<T>(v128.extract_lane<T>(max0, 0)))
}

function findInFew<T extends number>(row: usize, count: usize): void {
  maximum = load<T>(row)
  position = 0
  for (let k: usize = 1; k < count; k++) {
    const z: f64 = load<T>(row + k * sizeof<T>())
    if (z > maximum) {
      maximum = z
      position = k
    }
  }
}

/** First index that equals `value`, whose last possible vector starts at `last`; 0 if there is none. */
// @ts-ignore: decorator
@inline
function find<T extends number>(row: usize, last: usize, value: v128): usize {
  let from = row
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
