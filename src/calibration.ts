import type { Batch } from './batch.ts'
import { softmaxOfCounted } from './counted-softmax.ts'
import { targetClasses } from './families/target-classes.ts'

/** How well the probabilities of a classifier are what happens. Over the rows that count; NaN where there are none. */
export interface Calibration {
  readonly count: number
  readonly accuracy: number
  /** Mean probability of the predicted class. */
  readonly confidence: number
  readonly nll: number
  /** Mean of sum_k (p_k - [k = y])^2. */
  readonly brier: number
  readonly reliability: Reliability
  /** The temperature of the least nll; undefined where no temperature has a finite one. */
  readonly temperature: FittedTemperature | undefined
}

export interface FittedTemperature {
  readonly value: number
  /** Whether nll falls on beyond the limit that `value` is. */
  readonly isAtLimit: boolean
  readonly nll: number
  readonly ece: number
}

export interface Reliability {
  readonly ece: number
  readonly mce: number
  readonly rmsce: number
  readonly bins: readonly ReliabilityBin[]
}

/** The rows whose confidence lies in (lower, upper]; the first bin has those of confidence 0 too. */
export interface ReliabilityBin {
  readonly lower: number
  readonly upper: number
  readonly count: number
  readonly accuracy: number
  readonly confidence: number
}

/** Temperatures beyond these say that there is none: the data are separable, or the logits say nothing. */
export const LEAST_TEMPERATURE = 1e-3
export const LARGEST_TEMPERATURE = 1e3
const PRECISION = 1e-10
/** Halving the bracket of temperatures takes fifty steps to that precision. */
const MAX_STEPS = 100

/** Refuses the first counted row that has no softmax. Computed in float64 whatever the batch is. */
export function calibrate(
  batch: Pick<Batch, 'engine' | 'layout' | 'dtype' | 'field' | 'scores' | 'targets'>,
  numBins: number,
): Calibration {
  const { numClasses } = batch.layout
  const { rows, z, p, rowMax, logSum, pointers } = softmaxOfCounted(batch)
  const classes = targetClasses(batch)
  const labels = Int32Array.from(rows, (row) => classes[row]!)
  const nll = meanNll()
  const { confidences, hits } = judge()
  const reliability = reliabilityOf(confidences, hits, numBins)
  const brier = mean(labels, (label, i) => {
    let sum = 0
    for (let k = 0; k < numClasses; k++) sum += (p[i * numClasses + k]! - (k === label ? 1 : 0)) ** 2
    return sum
  })
  return {
    count: rows.length,
    accuracy: mean(hits, (hit) => hit),
    confidence: mean(confidences, (confidence) => confidence),
    nll,
    brier,
    reliability,
    temperature: Number.isFinite(nll) ? temperature() : undefined,
  }

  function temperature(): FittedTemperature {
    // The largest logit of each row is 0 from here on, so that no multiple of the others overflows.
    const shifted = z.map((logit, i) => logit - rowMax[Math.floor(i / numClasses)]!)
    const { b, isAtLimit } = leastOf((b) => derivativesAt(shifted, b))
    derivativesAt(shifted, b)
    const { confidences, hits } = judge()
    return { value: 1 / b, isAtLimit, nll: meanNll(), ece: reliabilityOf(confidences, hits, numBins).ece }
  }

  /** Slope and curvature of nll in b = 1/T, where p is then the softmax of b z: mean(E_p[z] - z_y) and mean(Var_p[z]). */
  function derivativesAt(shifted: Float64Array, b: number): Derivatives {
    for (let i = 0; i < shifted.length; i++) z[i] = shifted[i]! * b
    batch.engine.typed.F64.softmax(pointers.z, rows.length, numClasses, pointers.p, pointers.rowMax, pointers.logSum)
    let slope = 0
    let curvature = 0
    for (let i = 0; i < rows.length; i++) {
      const start = i * numClasses
      const label = shifted[start + labels[i]!]!
      let expected = 0
      for (let k = start; k < start + numClasses; k++) if (p[k]! > 0) expected += p[k]! * (shifted[k]! - label)
      for (let k = start; k < start + numClasses; k++)
        if (p[k]! > 0) curvature += p[k]! * (shifted[k]! - label - expected) ** 2
      slope += expected
    }
    return { slope: slope / rows.length, curvature: curvature / rows.length }
  }

  function meanNll(): number {
    return mean(labels, (label, i) => rowMax[i]! - z[i * numClasses + label]! + logSum[i]!)
  }

  /** Top-1 confidence, the lowest class on a tie, and whether that class is right. */
  function judge(): { confidences: Float64Array; hits: Uint8Array } {
    const confidences = new Float64Array(rows.length)
    const hits = new Uint8Array(rows.length)
    for (let i = 0; i < rows.length; i++) {
      let top = 0
      for (let k = 1; k < numClasses; k++) if (z[i * numClasses + k]! > z[i * numClasses + top]!) top = k
      confidences[i] = p[i * numClasses + top]!
      hits[i] = top === labels[i] ? 1 : 0
    }
    return { confidences, hits }
  }
}

/** Bins of equal width. ECE is the mean over rows of what accuracy and confidence of their bin differ by, MCE the largest, RMSCE the root of the mean square. */
export function reliabilityOf(confidences: Float64Array, hits: Uint8Array, numBins: number): Reliability {
  const counts = new Int32Array(numBins)
  const right = new Float64Array(numBins)
  const sums = new Float64Array(numBins)
  confidences.forEach((confidence, i) => {
    const bin = binOf(confidence, numBins)
    counts[bin]!++
    right[bin]! += hits[i]!
    sums[bin]! += confidence
  })
  const bins = Array.from(counts, (count, i) => ({
    lower: i / numBins,
    upper: (i + 1) / numBins,
    count,
    accuracy: right[i]! / count,
    confidence: sums[i]! / count,
  }))
  const filled = bins.filter(({ count }) => count > 0)
  const gaps = filled.map(({ count, accuracy, confidence }) => ({
    share: count / confidences.length,
    gap: Math.abs(accuracy - confidence),
  }))
  const isEmpty = gaps.length === 0
  return {
    ece: isEmpty ? Number.NaN : gaps.reduce((sum, { share, gap }) => sum + share * gap, 0),
    mce: isEmpty ? Number.NaN : Math.max(...gaps.map(({ gap }) => gap)),
    rmsce: isEmpty ? Number.NaN : Math.sqrt(gaps.reduce((sum, { share, gap }) => sum + share * gap * gap, 0)),
    bins,
  }
}

/** The bin with lower < confidence <= upper, whichever way the product rounds. */
function binOf(confidence: number, numBins: number): number {
  let bin = Math.min(numBins - 1, Math.max(0, Math.ceil(confidence * numBins) - 1))
  if (confidence > (bin + 1) / numBins) bin++
  else if (bin > 0 && confidence <= bin / numBins) bin--
  return Math.min(numBins - 1, bin)
}

interface Derivatives {
  readonly slope: number
  readonly curvature: number
}

/**
 * Where a convex function of b between the limits is smallest: Newton's steps, and halves of the bracket in the logarithm of b where a step
 * leaves it or shrinks too slowly.
 */
function leastOf(derivativesAt: (b: number) => Derivatives): { b: number; isAtLimit: boolean } {
  let [low, high] = [1 / LARGEST_TEMPERATURE, 1 / LEAST_TEMPERATURE]
  const [atLow, atHigh] = [derivativesAt(low).slope, derivativesAt(high).slope]
  // Every row gives all of its classes the same, and every temperature the same loss.
  if (atLow === 0 && atHigh === 0) return { b: 1, isAtLimit: false }
  if (atHigh <= 0) return { b: high, isAtLimit: true }
  if (atLow >= 0) return { b: low, isAtLimit: true }
  let b = 1
  let before = high - low
  for (let step = 0; step < MAX_STEPS; step++) {
    const { slope, curvature } = derivativesAt(b)
    if (slope === 0) break
    if (slope < 0) low = b
    else high = b
    const newton = b - slope / curvature
    const hasCurvature = curvature > 0 && curvature < Number.POSITIVE_INFINITY
    // A step of the size of rounding may lead nowhere, and over an end of the bracket.
    if (hasCurvature && Math.abs(newton - b) <= PRECISION * b) return { b: newton, isAtLimit: false }
    const isSound = hasCurvature && newton > low && newton < high
    const next = isSound && Math.abs(newton - b) < before / 2 ? newton : Math.sqrt(low * high)
    before = Math.abs(next - b)
    b = next
    if (high - low <= PRECISION * b) break
  }
  return { b, isAtLimit: false }
}

function mean<T extends number>(
  values: Iterable<T> & { readonly length: number },
  of: (value: T, i: number) => number,
): number {
  let sum = 0
  let i = 0
  for (const value of values) sum += of(value, i++)
  return sum / values.length
}
