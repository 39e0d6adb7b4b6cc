import type { KernelMemory } from './kernels/memory.ts'
import { type Layout, rowPath } from './layout.ts'
import { readVector, sameShape } from './operands.ts'
import { refuseAt } from './problems.ts'
import type { Targets } from './target-rows.ts'
import type { Tensor } from './wire/tensor.ts'

/** How losses of rows become one: it exists here and nowhere else. */
export interface Reduction {
  /** What `loss` is divided by: 1 for "sum" and "none". */
  readonly normalizer: number
  /** float64 [numRows] in kernel memory: what the gradient of each row is multiplied by. */
  readonly gradientScale: number
  /** float64 [numRows]; undefined: every row weighs 1. */
  readonly sampleWeights: Float64Array | undefined
}

export interface ReductionFields {
  readonly reduction: 'mean' | 'sum' | 'none'
  readonly normalizer?: number | undefined
  readonly sample_weights?: Tensor | undefined
}

/**
 * The denominator, which depends on targets and weights alone, so that it is known before the first gradient is written.
 * PyTorch's: on the index route the sum of the weights of the targets that count, else the number of rows that count.
 */
export function planReduction(
  memory: KernelMemory,
  layout: Layout,
  targets: Targets,
  classWeights: Float64Array | undefined,
  fields: ReductionFields,
): Reduction {
  const sampleWeights = fields.sample_weights && readSampleWeights(memory, layout, fields.sample_weights)
  const normalizer =
    fields.reduction === 'mean'
      ? (fields.normalizer ?? denominator(memory, layout, targets, classWeights, sampleWeights))
      : 1
  const gradientScale = memory.allocate(layout.numRows * Float64Array.BYTES_PER_ELEMENT)
  const scales = memory.f64(gradientScale, layout.numRows)
  // A mean over nothing has no gradient: 0, not 0/0.
  const perRow = normalizer === 0 ? 0 : Math.min(1 / normalizer, Number.MAX_VALUE)
  for (let row = 0; row < layout.numRows; row++) scales[row] = perRow * (sampleWeights ? sampleWeights[row]! : 1)
  return { normalizer, gradientScale, sampleWeights }
}

function denominator(
  memory: KernelMemory,
  layout: Layout,
  { rows, counted, isIndexRoute }: Targets,
  classWeights: Float64Array | undefined,
  sampleWeights: Float64Array | undefined,
): number {
  let sum = 0
  if (!isIndexRoute || rows.kind === 'dense') {
    for (let row = 0; row < layout.numRows; row++) sum += counted[row]!
    return sum
  }
  const labels = memory.i32(rows.labels, layout.numRows)
  for (let row = 0; row < layout.numRows; row++) {
    if (counted[row])
      sum += (classWeights ? classWeights[labels[row]!]! : 1) * (sampleWeights ? sampleWeights[row]! : 1)
  }
  return sum
}

/** Weights >= 0, one a row; or one for each entry of the first axis, for all of its rows. */
function readSampleWeights(memory: KernelMemory, layout: Layout, tensor: Tensor): Float64Array {
  const ofRows = sameShape(tensor.shape, layout.rowsShape)
  const shape = ofRows || tensor.shape.length > 1 ? layout.rowsShape : [layout.numSamples]
  const given = readVector(memory, tensor, ['sample_weights'], shape, 'one weight for each row,')
  checkWeights(given, (i) => ['sample_weights', ...(ofRows ? rowPath(layout, i) : [i])])
  return ofRows
    ? given
    : Float64Array.from({ length: layout.numRows }, (_, row) => given[Math.floor(row / layout.rowsPerSample)]!)
}

export function readClassWeights(memory: KernelMemory, layout: Layout, tensor: Tensor): Float64Array {
  const weights = readVector(memory, tensor, ['class_weights'], [layout.numClasses], 'one weight for each class,')
  checkWeights(weights, (k) => ['class_weights', k])
  return weights
}

function checkWeights(weights: Float64Array, pathOf: (index: number) => (string | number)[]): void {
  for (const [i, weight] of weights.entries()) {
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY))
      throw refuseAt('validation_failed', pathOf(i), `expected a finite weight >= 0, got ${weight}`)
  }
}

/**
 * Rows summed within blocks of this many, then the blocks: the rounding of the sum depends on the batch alone, not on
 * how its rows were dealt out to workers, which get whole blocks.
 */
export const SUM_BLOCK_ROWS = 128

/** Multiplies each loss by its sample weight, in place; an infinite loss of weight 0 counts 0. */
export function weighLosses(losses: Float64Array, { sampleWeights }: Reduction): void {
  if (!sampleWeights) return
  for (let row = 0; row < losses.length; row++)
    losses[row] = sampleWeights[row] === 0 ? 0 : losses[row]! * sampleWeights[row]!
}

/**
 * sum(losses) / normalizer. NaN for a mean over nothing, even where smoothing towards classes of other weight leaves a row a loss:
 * PyTorch adds its 0/0 of the labels to whatever the smoothing gives.
 */
export function reduceLosses(losses: Float64Array, { normalizer }: Pick<Reduction, 'normalizer'>): number {
  let total = 0
  for (let start = 0; start < losses.length; start += SUM_BLOCK_ROWS) {
    const end = Math.min(start + SUM_BLOCK_ROWS, losses.length)
    let sum = 0
    for (let row = start; row < end; row++) sum += losses[row]!
    total += sum
  }
  return normalizer === 0 ? Number.NaN : total / normalizer
}
