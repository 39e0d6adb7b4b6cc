import type { KernelMemory } from './kernels/memory.ts'
import { readVector } from './operands.ts'
import { refuseAt } from './problems.ts'
import type { Tensor } from './wire/tensor.ts'

/**
 * Smoothing exists here and nowhere else. The target distribution of a row is
 *
 *   q = keep * t + mass * u        keep + mass = 1
 *
 * with t the mixed, unsmoothed target and u the uniform distribution or a prior; for labels of a sigmoid u may be 1/2 everywhere.
 * Smoothing commutes with mixing, since both are affine, so t is mixed first and q is built only where a loss or an answer needs it.
 */
export interface Smoothing {
  readonly keep: number
  readonly mass: number
  /** Value of q on a class that t gives nothing, and on one that t gives everything; without a prior only. */
  readonly offValue: number
  readonly onValue: number
  /** float64 [K] */
  readonly prior: Float64Array | undefined
  /** What becomes of q in the end, where labels are made 0 or 1 again. */
  readonly binarize?: ((value: number) => 0 | 1) | undefined
}

export interface SmoothingFields {
  readonly label_smoothing?: number
  readonly smoothing?: 'uniform' | 'others' | 'half'
  readonly prior?: Tensor | undefined
}

/** How far a distribution may sum from 1. */
export const SUM_TOLERANCE = 1e-3

const PRIOR_RULES = {
  others: '"others" spreads over the other classes evenly; with a prior only "uniform" has a meaning',
  half: '"half" moves every label towards 1/2; with a prior only "uniform" has a meaning',
}

/** Coefficients of the smoothing; refuses a prior that is no distribution and a convention that has no meaning. */
export function smoothingOf(memory: KernelMemory, fields: SmoothingFields, numClasses: number): Smoothing {
  const { smoothing = 'uniform' } = fields
  if (fields.prior === undefined) return smoothingAt(fields, numClasses, undefined)
  if (smoothing !== 'uniform') throw refuseAt('validation_failed', ['smoothing'], PRIOR_RULES[smoothing])
  return smoothingAt(fields, numClasses, checkPrior(memory, fields.prior, numClasses))
}

/** The same towards a prior that has been read, or none. */
export function smoothingAt(
  { label_smoothing: s = 0, smoothing = 'uniform' }: Pick<SmoothingFields, 'label_smoothing' | 'smoothing'>,
  numClasses: number,
  prior: Float64Array | undefined,
): Smoothing {
  if (prior) return { keep: 1 - s, mass: s, offValue: Number.NaN, onValue: Number.NaN, prior }
  if (smoothing === 'half') return { keep: 1 - s, mass: s, offValue: s / 2, onValue: 1 - s / 2, prior }
  if (smoothing === 'others') {
    if (numClasses === 1) throw refuseAt('validation_failed', ['smoothing'], '"others" needs at least 2 classes, got 1')
    const mass = (s * numClasses) / (numClasses - 1)
    return { keep: 1 - mass, mass, offValue: s / (numClasses - 1), onValue: 1 - s, prior }
  }
  return { keep: 1 - s, mass: s, offValue: s / numClasses, onValue: 1 - s + s / numClasses, prior }
}

function checkPrior(memory: KernelMemory, tensor: Tensor, numClasses: number): Float64Array {
  const prior = readVector(memory, tensor, ['prior'], [numClasses], 'a distribution over the classes,')
  let sum = 0
  for (const [k, value] of prior.entries()) {
    if (!(value >= 0 && value <= 1))
      throw refuseAt('validation_failed', ['prior', k], `expected a probability in [0, 1], got ${value}`)
    sum += value
  }
  if (Math.abs(sum - 1) > SUM_TOLERANCE)
    throw refuseAt('validation_failed', ['prior'], `expected probabilities that sum to 1, got the sum ${sum}`)
  return prior
}

/** q of a class that holds `share` of t, in the on/off form, which is exact where share is 0 or 1 and never rounds below 0. */
export function smoothedValue(
  { keep, mass, prior, onValue, offValue, binarize }: Smoothing,
  label: number,
  share: number,
): number {
  const value = prior ? keep * share + mass * prior[label]! : share * onValue + (1 - share) * offValue
  return binarize ? binarize(value) : value
}

/** Above the threshold 1, else 0; both are numbers of the computation's element type, so that what is written like the threshold equals it. */
export function thresholdOf(dtype: 'F32' | 'F64', threshold: number): (value: number) => 0 | 1 {
  if (dtype === 'F64') return (value) => (value > threshold ? 1 : 0)
  return (value) => (Math.fround(value) > Math.fround(threshold) ? 1 : 0)
}
