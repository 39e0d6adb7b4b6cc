/** Loads and stores that fill less than a vector, or widen one. */

/** Where results go that nobody wants, one block of the widest loop. */
export const SINK: usize = memory.data(64, 16)

/** Sum of both lanes. */
// @ts-ignore: decorator
@inline
export function sumF64(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1)
}

/** Four float32 as two sums, lanes 0 + 2 and 1 + 3, added in float32 and then widened: widening costs as much as adding. */
// @ts-ignore: decorator
@inline
export function foldF32(x: v128): v128 {
  return f64x2.promote_low_f32x4(f32x4.add(x, v128.shuffle<f64>(x, x, 1, 1)))
}

/** One to three float32; the lanes behind them hold `filler`. */
// @ts-ignore: decorator
@inline
export function loadPart(from: usize, count: usize, filler: f32): v128 {
  let x = v128.load_lane<f32>(from, f32x4.splat(filler), 0)
  if (count > 1) x = v128.load_lane<f32>(from + 4, x, 1)
  if (count > 2) x = v128.load_lane<f32>(from + 8, x, 2)
  return x
}

/** The first one to three lanes. */
// @ts-ignore: decorator
@inline
export function storePart(to: usize, count: usize, x: v128): void {
  v128.store_lane<f32>(to, x, 0)
  if (count > 1) v128.store_lane<f32>(to + 4, x, 1)
  if (count > 2) v128.store_lane<f32>(to + 8, x, 2)
}

/** Two elements as float64. */
// @ts-ignore: decorator
@inline
export function loadPair<T extends number>(from: usize): v128 {
  if (sizeof<T>() == 4) return f64x2.promote_low_f32x4(v128.load_zero<u64>(from))
  return v128.load(from)
}

/** Two float64 as elements. */
// @ts-ignore: decorator
@inline
export function storePair<T extends number>(to: usize, x: v128): void {
  if (sizeof<T>() == 4) v128.store_lane<u64>(to, f32x4.demote_f64x2_zero(x), 0)
  else v128.store(to, x)
}

/** Two float64 as elements, + 0, which turns -0 into 0: behind the rounding, which makes -0 of a number next to it. */
// @ts-ignore: decorator
@inline
export function storeSum<T extends number>(to: usize, x: v128): void {
  if (sizeof<T>() == 4) v128.store_lane<u64>(to, f32x4.add(f32x4.demote_f64x2_zero(x), f32x4.splat(0)), 0)
  else v128.store(to, f64x2.add(x, f64x2.splat(0)))
}
