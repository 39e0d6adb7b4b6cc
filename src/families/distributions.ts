import type { DenseOutput } from '../answer.ts'
import type { Engine } from '../kernels/engine.ts'
import { fromRows } from '../layout.ts'
import { labelShares } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import type { Family, Metrics, Scored } from './family.ts'
import { targetClasses } from './target-classes.ts'

/**
 * Fills `rowMax` and `logSum` (float64 [numRows]) such that log p = (score - rowMax) - logSum.
 *
 * @param probabilities [numRows, numClasses] written; 0 = not wanted
 * @returns the first row no distribution can be made of, or -1; later rows may be unwritten
 */
export type Normalize = (
  engine: Engine,
  dtype: 'F32' | 'F64',
  scores: number,
  numRows: number,
  numClasses: number,
  probabilities: number,
  rowMax: number,
  logSum: number,
) => number

/** A family whose rows are distributions over the classes: one prediction a row. */
export function distributionFamily(
  { name, field, schema }: Pick<Family, 'name' | 'field' | 'schema'>,
  normalize: Normalize,
): Family {
  return {
    name,
    field,
    schema,
    predictsFor: 'row',
    probabilities: (scored) => probabilities(scored, normalize),
    logProbabilities: (scored) => logProbabilities(scored, normalize),
    predictions,
    targetsOf: targetClasses,
    confidences: (scored) => confidences(scored, normalize),
    metrics: (scored) => metrics(scored, normalize),
  }
}

function probabilities(scored: Scored, normalize: Normalize): DenseOutput {
  const { layout, dtype, engine } = scored
  const pointer = engine.memory.allocate(layout.numRows * layout.numClasses * ELEMENT_BYTES[dtype])
  normalizeRows(scored, normalize, pointer)
  return classOutput(scored, pointer)
}

function logProbabilities(scored: Scored, normalize: Normalize): DenseOutput {
  const { engine, layout, dtype, scores } = scored
  const { memory } = engine
  const size = layout.numRows * layout.numClasses
  const pointer = memory.allocate(size * ELEMENT_BYTES[dtype])
  const { rowMax, logSum } = normalizeRows(scored, normalize, 0)
  const from = viewOf(memory, dtype, scores, size)
  const to = viewOf(memory, dtype, pointer, size)
  for (let row = 0, i = 0; row < layout.numRows; row++) {
    for (let k = 0; k < layout.numClasses; k++, i++) to[i] = from[i]! - rowMax[row]! - logSum[row]!
  }
  return classOutput(scored, pointer)
}

/** The class of the largest score of each row, the lowest on a tie. */
function predictions({ engine, layout, dtype, scores }: Scored): DenseOutput {
  const pointer = engine.memory.allocate(layout.numRows * ELEMENT_BYTES.I32)
  engine.typed[dtype].argmax(scores, layout.numRows, layout.numClasses, pointer)
  return { kind: 'dense', dtype: 'I32', shape: layout.rowsShape, pointer }
}

/** The probability of the predicted class of each row. */
function confidences(scored: Scored, normalize: Normalize): Float64Array {
  const { engine, layout, dtype, scores } = scored
  const { memory } = engine
  const { numRows, numClasses } = layout
  const { pointer } = predictions(scored)
  const { rowMax, logSum } = normalizeRows(scored, normalize, 0)
  const predicted = memory.i32(pointer, numRows)
  const values = viewOf(memory, dtype, scores, numRows * numClasses)
  return Float64Array.from({ length: numRows }, (_, row) =>
    Math.exp(values[row * numClasses + predicted[row]!]! - rowMax[row]! - logSum[row]!),
  )
}

/** Accuracy against the class the unsmoothed target gives most (the lowest on a tie), mean nll, and its exponential. */
function metrics(scored: Scored, normalize: Normalize): Metrics {
  const { engine, layout, dtype, scores, targets } = scored
  const { memory } = engine
  const { numRows, numClasses } = layout
  const predicted = predictions(scored).pointer
  const { rowMax, logSum } = normalizeRows(scored, normalize, 0)
  const values = viewOf(memory, dtype, scores, numRows * numClasses)
  const classes = memory.i32(predicted, numRows)
  const shares = labelShares(memory, dtype, targets.rows, numRows, numClasses)
  const labels = targetClasses(scored)
  let rows = 0
  let hits = 0
  let total = 0
  for (let row = 0; row < numRows; row++) {
    if (!targets.counted[row]) continue
    for (let i = row * shares.stride; i < (row + 1) * shares.stride; i++) {
      const share = shares.shareOf(i)
      if (share > 0) total += share * (rowMax[row]! - values[row * numClasses + shares.classOf(i)]! + logSum[row]!)
    }
    rows++
    if (classes[row] === labels[row]) hits++
  }
  const nll = total / rows
  return { accuracy: hits / rows, nll, perplexity: Math.exp(nll) }
}

function classOutput({ engine, layout, dtype }: Scored, rows: number): DenseOutput {
  return { kind: 'dense', dtype, shape: layout.shape, pointer: fromRows(engine.memory, layout, dtype, rows) }
}

/**
 * Row maxima and log-sums such that log p = (score - rowMax) - logSum, and the probabilities where `out` is not 0. An ignored row may be beyond it:
 * NaN, as in PyTorch.
 */
export function normalizeRows(
  { engine, layout, dtype, scores }: Scored,
  normalize: Normalize,
  out: number,
): { rowMax: Float64Array; logSum: Float64Array } {
  const { memory } = engine
  const { numRows, numClasses } = layout
  const rowBytes = numClasses * ELEMENT_BYTES[dtype]
  const rowMax = memory.allocate(numRows * ELEMENT_BYTES.F64)
  const logSum = memory.allocate(numRows * ELEMENT_BYTES.F64)
  for (let row = 0; row < numRows; row++) {
    const offset = row * ELEMENT_BYTES.F64
    const at = out === 0 ? 0 : out + row * rowBytes
    const faulty = normalize(
      engine,
      dtype,
      scores + row * rowBytes,
      numRows - row,
      numClasses,
      at,
      rowMax + offset,
      logSum + offset,
    )
    if (faulty === -1) break
    row += faulty
    memory.f64(rowMax, numRows)[row] = Number.NaN
    memory.f64(logSum, numRows)[row] = Number.NaN
    if (out !== 0) viewOf(memory, dtype, out + row * rowBytes, numClasses).fill(Number.NaN)
  }
  return { rowMax: memory.f64(rowMax, numRows), logSum: memory.f64(logSum, numRows) }
}
