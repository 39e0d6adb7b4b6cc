import type { KernelMemory } from './kernels/memory.ts'
import { type Layout, rowPath } from './layout.ts'
import { checkWeights, readVector, sameShape } from './operands.ts'
import type { Targets } from './target-rows.ts'
import type { Tensor } from './wire/tensor.ts'

/** How losses of rows become one: it exists here and nowhere else. */
export interface Reduction {
  /** What `loss` is divided by: 1 for "sum" and "none". */
  readonly normalizer: number
  /** float64 [numRows] in kernel memory: what the gradient of each row is multiplied by. */
  readonly gradientScale: number
  /** What makes a part of a loss that class weights leave alone an average over rows: see `Block`. */
  readonly unweighted: number
  /** float64 [numRows]; undefined: every row weighs 1. */
  readonly sampleWeights: Float64Array | undefined
}

export interface ReductionFields {
  readonly reduction: 'mean' | 'sum' | 'none'
  readonly normalizer?: number | undefined
  readonly sample_weights?: Tensor | undefined
}

/** What a denominator may depend on: targets and weights, so that it is known before the first gradient is written. */
export interface DenominatorRows {
  readonly numClasses: number
  /** [numRows]: 1, or 0 for an ignored row. */
  readonly counted: Uint8Array
  /** The class of every counted row, where the client gave class indices and did not mix them. */
  readonly labels: Int32Array | undefined
  /** [numClasses] */
  readonly classWeights: Float64Array | undefined
  /** [numRows] */
  readonly sampleWeights: Float64Array | undefined
}

/** What a mean is divided by unless the client says. */
export type Denominator = (rows: DenominatorRows) => number

/** PyTorch's cross entropy: of class indices the sum of the weights of those that count, else the number of rows that count. */
export function labelWeights(rows: DenominatorRows): number {
  const { counted, labels, classWeights, sampleWeights } = rows
  if (!labels) return countedRows(rows)
  let sum = 0
  for (let row = 0; row < counted.length; row++) {
    if (counted[row])
      sum += (classWeights ? classWeights[labels[row]!]! : 1) * (sampleWeights ? sampleWeights[row]! : 1)
  }
  return sum
}

/** PyTorch's "batchmean", which no weight changes. */
export function countedRows({ counted }: DenominatorRows): number {
  return counted.reduce((sum, counts) => sum + counts, 0)
}

/** A mean over every element of the rows that count, as of losses that ask each class a question of its own. */
export function countedElements(rows: DenominatorRows): number {
  return countedRows(rows) * rows.numClasses
}

/** Denominator and factors of a batch, of the request's `reduction`. */
export function planReduction(
  memory: KernelMemory,
  layout: Layout,
  targets: Targets,
  classWeights: Float64Array | undefined,
  fields: ReductionFields,
  denominator: Denominator = labelWeights,
): Reduction {
  const sampleWeights = fields.sample_weights && readSampleWeights(memory, layout, fields.sample_weights)
  const isConventional = fields.reduction === 'mean' && fields.normalizer === undefined
  const rowsWith = (weights: Float64Array | undefined): DenominatorRows => ({
    numClasses: layout.numClasses,
    counted: targets.counted,
    labels: labelsOf(memory, layout, targets),
    classWeights: weights,
    sampleWeights,
  })
  const normalizer = isConventional ? denominator(rowsWith(classWeights)) : (fields.normalizer ?? 1)
  const plain = isConventional && classWeights ? denominator(rowsWith(undefined)) : normalizer
  const gradientScale = memory.allocate(layout.numRows * Float64Array.BYTES_PER_ELEMENT)
  const scales = memory.f64(gradientScale, layout.numRows)
  // A mean over nothing has no gradient: 0, not 0/0.
  const perRow = normalizer === 0 ? 0 : Math.min(1 / normalizer, Number.MAX_VALUE)
  for (let row = 0; row < layout.numRows; row++) scales[row] = perRow * (sampleWeights ? sampleWeights[row]! : 1)
  return { normalizer, gradientScale, unweighted: plain === 0 ? 1 : normalizer / plain, sampleWeights }
}

function labelsOf(memory: KernelMemory, { numRows }: Layout, { rows, isIndexRoute }: Targets): Int32Array | undefined {
  return isIndexRoute && rows.kind === 'sparse' ? memory.i32(rows.labels, numRows) : undefined
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

/** Rows summed within blocks of this many, then the blocks: less is lost than in one sum, and the rounding depends on the batch alone. */
const SUM_BLOCK_ROWS = 128

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
