import type { Batch } from './batch.ts'
import { softmaxOfCounted } from './counted-softmax.ts'
import type { LossDefinition } from './losses/definition.ts'
import { readOperands } from './operands.ts'
import { planReduction, type ReductionFields } from './reduction.ts'
import { type Smoothing, type SmoothingFields, smoothingAt } from './smoothing.ts'
import { labelShares } from './target-rows.ts'

/** Reduced loss of a batch, and the norm of its gradient, for any label smoothing. */
export interface SmoothingCurve {
  readonly normalizer: number
  at(labelSmoothing: number): { readonly loss: number; readonly gradientNorm: number }
}

/** The two ends of a row, which everything between them is an affine combination of. [numClasses] */
interface Ends {
  /** Unsmoothed and wholly smoothed target, class weights multiplied in. */
  readonly hard: Float64Array
  readonly flat: Float64Array
  /** Their gradients after reduction. */
  readonly hardGradient: Float64Array
  readonly flatGradient: Float64Array
}

/**
 * The curve of a loss that is affine in smoothing. With q = (1-m) t + m u both the loss and the gradient of a row, S p - w q, are affine in m, so one
 * softmax gives all of it:
 *
 *   loss(m) = (1-m) loss(0) + m loss(1)
 *   |g(m)|^2 = r + (m - least)^2 |d|^2,   d = g(1) - g(0),   r = |g(least)|^2
 *
 * The second is written around the m of the least norm, where g(0) and d cancel and |g(0)|^2 + 2m g(0) d + m^2 |d|^2 would have lost its digits.
 * Computed in float64 whatever the batch is. Refuses the first counted row that has no softmax.
 */
export function smoothingCurve(
  batch: Batch,
  definition: Pick<LossDefinition, 'params' | 'denominator'>,
  request: ReductionFields & Pick<SmoothingFields, 'smoothing'> & Readonly<Record<string, unknown>>,
): SmoothingCurve {
  const { engine, layout, dtype, targets } = batch
  const { memory } = engine
  const { numRows, numClasses } = layout
  const { prior } = targets.rows.smoothing
  const params = readOperands(memory, numClasses, definition.params, request)
  const denominator = definition.denominator?.(params as never)
  const { normalizer, gradientScale, sampleWeights } = planReduction(
    memory,
    layout,
    targets,
    batch.classWeights,
    request,
    denominator,
  )
  const { rows, z, p, rowMax, logSum } = softmaxOfCounted(batch)
  const scales = memory.f64(gradientScale, numRows)
  const shares = labelShares(memory, dtype, targets.rows, numRows, numClasses)
  const weights = batch.classWeights ?? new Float64Array(numClasses).fill(1)
  const flat = weights.map((weight, k) => weight * (prior ? prior[k]! : 1 / numClasses))
  const flatSum = sumOf(flat)
  const ends: Ends = {
    hard: new Float64Array(numClasses),
    flat,
    hardGradient: new Float64Array(numClasses),
    flatGradient: new Float64Array(numClasses),
  }

  const masked = new MaskedTargets(prior)
  let [hardLoss, flatLoss, hardNorm, product, distance] = [0, 0, 0, 0, 0]
  rows.forEach((row, i) => {
    readTargets(row)
    const weight = sampleWeights ? sampleWeights[row]! : 1
    for (let k = 0; k < numClasses; k++) {
      const at = i * numClasses + k
      if (z[at] === Number.NEGATIVE_INFINITY) {
        if (weight * weights[k]! > 0) masked.add(ends.hard[k]! / weights[k]!, k)
        continue
      }
      const cost = rowMax[i]! - z[at]! + logSum[i]!
      hardLoss += weight * ends.hard[k]! * cost
      flatLoss += weight * flat[k]! * cost
    }
    writeGradients(i)
    for (let k = 0; k < numClasses; k++) {
      const start = ends.hardGradient[k]!
      const step = ends.flatGradient[k]! - start
      hardNorm += start * start
      product += start * step
      distance += step * step
    }
  })
  const least = distance === 0 ? 0 : -product / distance
  let rest = distance === 0 ? hardNorm : 0
  if (distance > 0) {
    rows.forEach((row, i) => {
      readTargets(row)
      writeGradients(i)
      for (let k = 0; k < numClasses; k++)
        rest += ((1 - least) * ends.hardGradient[k]! + least * ends.flatGradient[k]!) ** 2
    })
  }

  return {
    normalizer,
    at(labelSmoothing) {
      const smoothing = smoothingAt({ ...request, label_smoothing: labelSmoothing }, numClasses, prior)
      const { keep, mass } = smoothing
      const sum = masked.cost(smoothing) ? Number.POSITIVE_INFINITY : keep * hardLoss + mass * flatLoss
      return {
        loss: normalizer === 0 ? Number.NaN : sum / normalizer + 0,
        gradientNorm: Math.sqrt(rest + (mass - least) ** 2 * distance),
      }
    },
  }

  function readTargets(row: number): void {
    ends.hard.fill(0)
    for (let i = row * shares.stride; i < (row + 1) * shares.stride; i++) {
      const k = shares.classOf(i)
      ends.hard[k]! += shares.shareOf(i) * weights[k]!
    }
  }

  function writeGradients(i: number): void {
    const row = p.subarray(i * numClasses, (i + 1) * numClasses)
    const scale = scales[rows[i]!]!
    writeGradient(row, ends.hard, sumOf(ends.hard), scale, ends.hardGradient)
    writeGradient(row, flat, flatSum, scale, ends.flatGradient)
  }
}

/** scale * (S p - target), where the 1 - p of a class that has most of the probability is what the others have. */
function writeGradient(p: Float64Array, target: Float64Array, sum: number, scale: number, out: Float64Array): void {
  let top = -1
  let others = 0
  for (let k = 0; k < p.length; k++) {
    if (p[k]! > 0.5) top = k
    else others += p[k]!
    out[k] = scale * (sum * p[k]! - target[k]!)
  }
  if (top !== -1) out[top] = scale * (sum - target[top]! - sum * others)
}

/** What targets give to classes that are masked out: a smoothing that leaves them anything has an infinite loss. */
class MaskedTargets {
  readonly #prior: Float64Array | undefined
  #off = false
  #on = false
  #between = false
  #inPrior = false

  constructor(prior: Float64Array | undefined) {
    this.#prior = prior
  }

  add(share: number, label: number): void {
    if (share === 0) this.#off = true
    else if (share === 1) this.#on = true
    else this.#between = true
    if (this.#prior && this.#prior[label]! > 0) this.#inPrior = true
  }

  cost({ keep, mass, offValue, onValue }: Smoothing): boolean {
    if (this.#prior) return (keep > 0 && (this.#on || this.#between)) || (mass > 0 && this.#inPrior)
    return (this.#off && offValue > 0) || (this.#on && onValue > 0) || this.#between
  }
}

function sumOf(values: Float64Array): number {
  let sum = 0
  for (const value of values) sum += value
  return sum
}
