import type { TargetRows } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import type { Block } from './definition.ts'

/** One row of logits and the class it belongs to, for losses that compare logits with each other. Used again for the next row. */
export interface MarginRow {
  readonly z: Float32Array | Float64Array
  /** Its first element in `z` and in `gradients`. */
  start: number
  readonly numClasses: number
  label: number
  /** The class of the largest logit, the lowest on a tie. */
  top: number
  /** Written, if it is there: d loss / d z times `factor`, in all classes. */
  readonly gradients: Float32Array | Float64Array | undefined
  factor: number
}

/**
 * Evaluates a loss over class indices whose rows weigh what their class weighs.
 *
 * @param rowLoss the loss of a row of weight 1
 * @returns the first row that holds NaN, +Infinity or nothing but -Infinity, or -1
 */
export function evaluateMargins<Params>(
  block: Block,
  rowLoss: (row: MarginRow, params: Params) => number,
  params: Params,
): number {
  const { engine, dtype, numRows, numClasses, scores, targets, classWeights } = block
  const { memory } = engine
  return memory.scratch(() => {
    const { faulty, tops } = findTops(block)
    if (faulty !== -1) return faulty
    const labels = memory.i32(labelsOf(targets), numRows)
    const z = viewOf(memory, dtype, scores, numRows * numClasses)
    const losses = memory.f64(block.losses, numRows)
    const scales = memory.f64(block.gradientScale, numRows)
    const gradients = block.gradients === 0 ? undefined : viewOf(memory, dtype, block.gradients, numRows * numClasses)
    const row: MarginRow = { z, start: 0, numClasses, label: 0, top: 0, gradients, factor: 0 }
    for (let n = 0; n < numRows; n++) {
      row.start = n * numClasses
      row.top = tops[n]!
      row.label = labels[n]!
      const weight = classWeights ? classWeights[row.label]! : 1
      row.factor = scales[n]! * weight
      const loss = rowLoss(row, params)
      losses[n] = weight === 0 ? 0 : weight * loss
    }
    return -1
  })
}

/** The class of the largest logit of each row, the lowest on a tie, in scratch memory; and the first row that is no row of logits, or -1. */
export function findTops({ engine, dtype, numRows, numClasses, scores }: Block): { faulty: number; tops: Int32Array } {
  const { memory, typed } = engine
  const indices = memory.allocate(numRows * ELEMENT_BYTES.I32)
  typed[dtype].argmax(scores, numRows, numClasses, indices)
  const tops = memory.i32(indices, numRows)
  const z = viewOf(memory, dtype, scores, numRows * numClasses)
  // A NaN is found before any maximum.
  return { faulty: tops.findIndex((top, n) => !Number.isFinite(z[n * numClasses + top])), tops }
}

/** int32 [numRows] */
export function labelsOf(targets: TargetRows): number {
  if (targets.kind === 'dense') throw new Error('expected class indices. This is a bug.')
  return targets.labels
}
