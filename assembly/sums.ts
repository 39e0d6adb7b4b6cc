/**
 * The sums of one row z [count] that softmax and cross entropy are made of: R = sum of exp(z - m) over all but one maximum m.
 * Leaving one maximum out keeps every digit of log(sum exp(z - m)) = log1p(R) for a confident row.
 *
 * A float32 row goes the narrow way, in float32 arithmetic that loses nothing that counts: exp(z) is taken relative to a
 * power of two next to exp(m), see narrow.ts, and sums leave float32 every 16 elements, their terms being of one sign.
 * Exponentials below 2^-126 vanish, which counts only if R is tiny. So rows with R < 2^-80, and rows with |m| >= 2048, where the
 * reduction of z is no longer exact, go the wide way, which is float64 from the first element on. The choice depends on
 * the row alone.
 */
import { CUTOFF_F64, expF64 } from './exp'
import { loadPair, SINK, storePair, sumF64 } from './lanes'
import { findMaximum, maximum, outermost, position } from './maximum'
import { narrowDistance, narrowFactor, narrowSum, sumNarrow } from './narrow'
import { PARTIAL } from './partial'

/** R. NaN if the row holds a NaN. */
export let others: f64 = 0
/** A stored exponential times this is exp(z - m). */
export let factor: f64 = 1

/** sum of (m - z) as the narrow way found it; Infinity if it did not. */
let distance: f64 = 0

const LEAST_NARROW_SUM: f64 = 8.271806125530277e-25 // 2^-80
const NARROW_MAXIMUM: f64 = 2048

/**
 * Sets `maximum`, `position`, `others`, `factor` and stores the exponentials; at `position` it may be another number.
 *
 * @param out [count], may be `row`; 0 = not wanted
 * @param isMeasured whether `uniformDistance` will be asked for
 * @returns whether the row has a distribution: no NaN, no +Infinity, not only -Infinity
 */
export function sumExponentials<T extends number>(row: usize, count: usize, out: usize, isMeasured: bool = false): bool {
  findMaximum<T>(row, count)
  if (!(abs(maximum) < Infinity)) return false
  const to = out ? out : SINK
  const step: usize = out ? 64 : 0
  distance = Infinity
  if (sizeof<T>() == 4) {
    if (abs(maximum) < NARROW_MAXIMUM) {
      // In place, what is stored is lost to the wide way: look first.
      if (out == row) sumNarrowly(row, count, SINK, 0, isMeasured)
      if (out != row || others >= LEAST_NARROW_SUM) sumNarrowly(row, count, to, step, isMeasured)
      if (others >= LEAST_NARROW_SUM) return true
      if (isNaN(others)) return false
      distance = Infinity
    }
  }
  sumWide<T>(row, count, to, step)
  return !isNaN(others)
}

/** sum of (m - z) over the row of the last `sumExponentials`; +Infinity if it holds -Infinity. */
export function uniformDistance<T extends number>(row: usize, count: usize): f64 {
  if (distance < Infinity) return distance
  const m = f64x2.splat(maximum)
  let total: f64 = 0
  while (count) {
    const length = min(count, PARTIAL)
    count -= length
    let sums = f64x2.splat(0)
    for (const end = row + (length & ~1) * sizeof<T>(); row < end; row += 2 * sizeof<T>()) {
      sums = f64x2.add(sums, f64x2.sub(m, loadPair<T>(row)))
    }
    total += sumF64(sums)
    if (length & 1) total += maximum - <f64>load<T>(row)
  }
  return total
}

function sumNarrowly(row: usize, count: usize, to: usize, step: usize, isMeasured: bool): void {
  sumNarrow(row, count, to, step, <f32>maximum, position, outermost, isMeasured)
  others = narrowSum
  factor = narrowFactor
  distance = narrowDistance
}

function sumWide<T extends number>(row: usize, count: usize, to: usize, step: usize): void {
  const pairStep: usize = step ? 2 * sizeof<T>() : 0
  others = 0
  factor = 1
  wideSegment<T>(row, position, to, pairStep)
  const behind = position + 1
  wideSegment<T>(row + behind * sizeof<T>(), count - behind, step ? to + behind * sizeof<T>() : to, pairStep)
}

/** Adds exp(z - m) to `others`, in partial sums. */
function wideSegment<T extends number>(from: usize, count: usize, to: usize, pairStep: usize): void {
  const pair: usize = 2 * sizeof<T>()
  const m = f64x2.splat(maximum)
  const cut = f64x2.splat(CUTOFF_F64)
  while (count) {
    const length = min(count, PARTIAL)
    count -= length
    let sum = f64x2.splat(0)
    for (const end = from + (length & ~3) * sizeof<T>(); from < end; from += 2 * pair, to += 2 * pairStep) {
      const e0 = expF64(f64x2.pmax(f64x2.sub(loadPair<T>(from), m), cut))
      const e1 = expF64(f64x2.pmax(f64x2.sub(loadPair<T>(from + pair), m), cut))
      storePair<T>(to, e0)
      storePair<T>(to + pairStep, e1)
      sum = f64x2.add(sum, f64x2.add(e0, e1))
    }
    let partial = sumF64(sum)
    for (let rest = length & 3; rest; rest--, from += sizeof<T>(), to += pairStep >> 1) {
      const e = f64x2.extract_lane(expF64(f64x2.pmax(f64x2.splat(<f64>load<T>(from) - maximum), cut)), 0)
      store<T>(to, <T>e)
      partial += e
    }
    others += partial
  }
}
