/**
 * The sums of one row z [count] that softmax and cross entropy are made of: R = sum of exp(z - m) over all but one maximum m.
 * Leaving one maximum out keeps every digit of log(sum exp(z - m)) = log1p(R) for a confident row.
 *
 * A float32 row goes the narrow way, in float32 arithmetic that loses nothing that counts:
 *   - z - m is rounded, and a rounding of 2^-21 at distance 8..16 would be 8 ulp of a loss that one competitor dominates. So z
 *     is taken relative to c, which is m rounded to a multiple of the last place of the widest |z| that counts; then
 *     fast two-sum gives the error of x = z - c exactly in two operations ((x + c) is exact), and exp takes it back in.
 *   - sums leave float32 every 16 elements; terms of one sign, so each rounding is relative.
 *   - exponentials below 2^-127 vanish. They count only if R is tiny.
 * Rows it does not suit (R < 2^-80, |m| >= 2^14) go the wide way: the same in float64, element by element as precise as it gets.
 * The choice depends on the row alone.
 *
 * Measured against float64: R within 1.7e-7 relative for float32 rows, 3e-16 * (1 + gap) for float64 rows.
 */
import { CUTOFF_F32, CUTOFF_F64, expF32, expF64 } from './exp'
import { foldF32, loadPair, loadPart, SINK, storePair, storePart, sumF64 } from './lanes'
import { findMaximum, maximum, minimum, position } from './maximum'

/** R. NaN if the row holds a NaN. */
export let others: f64 = 0
/** A stored exponential times this is exp(z - m). */
export let factor: f64 = 1

/** sum of (m - z), known only if `hasDistance`. */
let distance: f64 = 0
let hasDistance: bool = false

const LEAST_NARROW_SUM: f64 = 8.271806125530277e-25 // 2^-80
const NARROW_MAXIMUM: f64 = 16384

/**
 * Sets `maximum`, `position`, `others`, `factor` and stores the exponentials but the one at `position`.
 *
 * @param out [count], may be `row`; 0 = not wanted
 * @returns whether the row has a distribution: no NaN, no +Infinity, not only -Infinity
 */
export function sumExponentials<T extends number>(row: usize, count: usize, out: usize): bool {
  findMaximum<T>(row, count)
  if (!(abs(maximum) < Infinity)) return false
  const to = out ? out : SINK
  const step: usize = out ? 64 : 0
  hasDistance = false
  if (sizeof<T>() == 4) {
    if (abs(maximum) < NARROW_MAXIMUM) {
      // In place, what is stored is lost to the wide way: look first.
      if (out == row) sumNarrow(row, count, SINK, 0)
      if (out != row || others >= LEAST_NARROW_SUM) sumNarrow(row, count, to, step)
      if (others >= LEAST_NARROW_SUM) return true
      if (isNaN(others)) return false
      hasDistance = false
    }
  }
  sumWide<T>(row, count, to, step)
  return !isNaN(others)
}

/** sum of (m - z) over the row of the last `sumExponentials`; +Infinity if it holds -Infinity. */
export function uniformDistance<T extends number>(row: usize, count: usize): f64 {
  if (hasDistance) return distance
  const m = f64x2.splat(maximum)
  let sum0 = f64x2.splat(0)
  let sum1 = f64x2.splat(0)
  let k: usize = 0
  for (; k + 4 <= count; k += 4) {
    sum0 = f64x2.add(sum0, f64x2.sub(m, loadPair<T>(row + k * sizeof<T>())))
    sum1 = f64x2.add(sum1, f64x2.sub(m, loadPair<T>(row + (k + 2) * sizeof<T>())))
  }
  let sum = sumF64(f64x2.add(sum0, sum1))
  for (; k < count; k++) sum += maximum - <f64>load<T>(row + k * sizeof<T>())
  return sum
}

function sumNarrow(row: usize, count: usize, to: usize, step: usize): void {
  const center = roundedCenter(maximum)
  const low = <f32>(center + CUTOFF_F32)
  others = 0
  distance = 0
  narrowSegment(row, position, to, step, <f32>center, low)
  const behind = position + 1
  narrowSegment(row + behind * 4, count - behind, step ? to + behind * 4 : to, step, <f32>center, low)
  const shift = center - maximum
  // exp(shift), |shift| <= 2^-10
  factor = 1 + shift * (1 + shift * (0.5 + shift * (1.0 / 6)))
  others *= factor
  distance -= <f64>(count - 1) * shift
  hasDistance = minimum >= low
}

/** `m` rounded to a multiple of the last place of a float32 as large as any that is not negligible beside `m`. */
// @ts-ignore: decorator
@inline
function roundedCenter(m: f64): f64 {
  const exponent = reinterpret<u32>(<f32>(abs(m) + 104)) & 0x7f800000
  const ulp: f64 = reinterpret<f32>(exponent - (23 << 23))
  return nearest(m / ulp) * ulp
}

/** Adds exp(z - c) to `others` and c - z to `distance`. */
function narrowSegment(from: usize, count: usize, to: usize, step: usize, center: f32, low: f32): void {
  const c = f32x4.splat(center)
  const cut = f32x4.splat(low)
  let sum0 = f64x2.splat(0)
  let sum1 = f64x2.splat(0)
  let left0 = f64x2.splat(0)
  let left1 = f64x2.splat(0)
  for (const end = from + (count & ~15) * 4; from < end; from += 64, to += step) {
    // pmax with z first lets NaN through.
    const z0 = f32x4.pmax(v128.load(from), cut)
    const z1 = f32x4.pmax(v128.load(from, 16), cut)
    const z2 = f32x4.pmax(v128.load(from, 32), cut)
    const z3 = f32x4.pmax(v128.load(from, 48), cut)
    const x0 = f32x4.sub(z0, c)
    const x1 = f32x4.sub(z1, c)
    const x2 = f32x4.sub(z2, c)
    const x3 = f32x4.sub(z3, c)
    const e0 = expF32(x0, f32x4.sub(z0, f32x4.add(x0, c)))
    const e1 = expF32(x1, f32x4.sub(z1, f32x4.add(x1, c)))
    const e2 = expF32(x2, f32x4.sub(z2, f32x4.add(x2, c)))
    const e3 = expF32(x3, f32x4.sub(z3, f32x4.add(x3, c)))
    v128.store(to, e0)
    v128.store(to, e1, 16)
    v128.store(to, e2, 32)
    v128.store(to, e3, 48)
    const e = f32x4.add(f32x4.add(e0, e1), f32x4.add(e2, e3))
    const x = f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3))
    sum0 = f64x2.add(sum0, f64x2.promote_low_f32x4(e))
    sum1 = f64x2.add(sum1, f64x2.promote_low_f32x4(v128.shuffle<f64>(e, e, 1, 1)))
    left0 = f64x2.sub(left0, f64x2.promote_low_f32x4(x))
    left1 = f64x2.sub(left1, f64x2.promote_low_f32x4(v128.shuffle<f64>(x, x, 1, 1)))
  }
  const vectorStep = step >> 2
  for (const end = from + (count & 12) * 4; from < end; from += 16, to += vectorStep) {
    const z = f32x4.pmax(v128.load(from), cut)
    const x = f32x4.sub(z, c)
    const e = expF32(x, f32x4.sub(z, f32x4.add(x, c)))
    v128.store(to, e)
    sum0 = f64x2.add(sum0, foldF32(e))
    left0 = f64x2.sub(left0, foldF32(x))
  }
  const rest = count & 3
  if (rest) {
    const loaded = loadPart(from, rest, -Infinity)
    const z = f32x4.pmax(loaded, cut)
    const x = f32x4.sub(z, c)
    const e = expF32(x, f32x4.sub(z, f32x4.add(x, c)))
    storePart(to, rest, e)
    sum0 = f64x2.add(sum0, foldF32(e))
    // The filler lanes must not count; a real -Infinity makes the distance unknown anyway.
    left0 = f64x2.sub(left0, foldF32(v128.and(x, f32x4.ne(loaded, f32x4.splat(-Infinity)))))
  }
  others += sumF64(f64x2.add(sum0, sum1))
  distance += sumF64(f64x2.add(left0, left1))
}

function sumWide<T extends number>(row: usize, count: usize, to: usize, step: usize): void {
  const pairStep: usize = step ? 2 * sizeof<T>() : 0
  others = 0
  factor = 1
  wideSegment<T>(row, position, to, pairStep)
  const behind = position + 1
  wideSegment<T>(row + behind * sizeof<T>(), count - behind, step ? to + behind * sizeof<T>() : to, pairStep)
}

/** Adds exp(z - m) to `others`. */
function wideSegment<T extends number>(from: usize, count: usize, to: usize, pairStep: usize): void {
  const m = f64x2.splat(maximum)
  const cut = f64x2.splat(CUTOFF_F64)
  const pair: usize = 2 * sizeof<T>()
  let sum = f64x2.splat(0)
  for (const end = from + (count & ~3) * sizeof<T>(); from < end; from += 2 * pair, to += 2 * pairStep) {
    const e0 = expF64(f64x2.pmax(f64x2.sub(loadPair<T>(from), m), cut))
    const e1 = expF64(f64x2.pmax(f64x2.sub(loadPair<T>(from + pair), m), cut))
    storePair<T>(to, e0)
    storePair<T>(to + pairStep, e1)
    sum = f64x2.add(sum, f64x2.add(e0, e1))
  }
  others += sumF64(sum)
  for (let rest = count & 3; rest; rest--, from += sizeof<T>(), to += pairStep >> 1) {
    const e = f64x2.extract_lane(expF64(f64x2.pmax(f64x2.splat(<f64>load<T>(from) - maximum), cut)), 0)
    store<T>(to, <T>e)
    others += e
  }
}
