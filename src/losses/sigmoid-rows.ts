import { rowsFrom, writeSmoothed } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import type { Block } from './definition.ts'

/**
 * Some rows in float64, whatever the type of the request: planes of one array, [planes, rows, numClasses]. So every loop over them sees one
 * type, and one array: a loop over eight of them takes three times as long. Each plane is named by where it starts.
 */
export interface SigmoidRows {
  readonly values: Float64Array
  /** p = sigmoid(z) */
  readonly on: number
  /** 1 - p, to all its digits. */
  readonly off: number
  /** log p; -Infinity for a class that is masked out. */
  readonly logOn: number
  /** log(1 - p) */
  readonly logOff: number
  /** Smoothed labels in [0, 1]. */
  readonly labels: number
  /** Weight of each class, 1 where there is none. */
  readonly weights: number
  /** Written: d loss / d z. */
  readonly slopes: number
  /** For whatever use. */
  readonly spare: number
  readonly spare2: number
  /** log x, and exp(factor * x) of what is not above 0, of `count` values from one on, in place: in a quarter of the time that Math takes. */
  logarithms(first: number, count: number): void
  exponentials(first: number, factor: number, count: number): void
}

/**
 * Gives the loss of the elements `start` to `end` of every plane, which are one row, and writes their slopes. The loop over the classes is
 * its own: a function called for each of them would be one that the compiler sees with many targets, and several times as slow. For the
 * same reason it is made once, and takes what depends on the request.
 */
export type SigmoidRowLoss<Params> = (rows: SigmoidRows, start: number, end: number, params: Params) => number

/** Elements of the rows that are in float64 at a time: their planes stay near the processor. */
const STRIP_ELEMENTS = 512
const PLANES = 9

/**
 * Evaluates such a loss over a block.
 *
 * @returns the first row with a score that is no logit, or -1
 */
export function evaluateSigmoid<Params>(block: Block, rowLoss: SigmoidRowLoss<Params>, params: Params): number {
  const { memory, typed, kernels } = block.engine
  const { numRows, numClasses, dtype } = block
  const stripRows = Math.min(numRows, Math.max(1, Math.floor(STRIP_ELEMENTS / numClasses)))
  const size = stripRows * numClasses
  return memory.scratch(() => {
    const planes = memory.allocate(PLANES * size * ELEMENT_BYTES.F64)
    const at = (element: number) => planes + element * ELEMENT_BYTES.F64
    const rows: SigmoidRows = {
      ...planesOf(size),
      values: memory.f64(planes, PLANES * size),
      logarithms: (first, count) => kernels.logarithms(at(first), count),
      exponentials: (first, factor, count) => kernels.exponentials(at(first), factor, count, at(first)),
    }
    fillWeights(rows, size, numClasses, block.classWeights)
    const losses = memory.f64(block.losses, numRows)
    const scales = memory.f64(block.gradientScale, numRows)
    const gradients = block.gradients === 0 ? undefined : viewOf(memory, dtype, block.gradients, numRows * numClasses)
    for (let first = 0; first < numRows; first += stripRows) {
      const count = Math.min(stripRows, numRows - first)
      const faulty = typed[dtype].sigmoid(
        block.scores + first * numClasses * ELEMENT_BYTES[dtype],
        count,
        numClasses,
        at(rows.on),
        at(rows.off),
        at(rows.logOn),
        at(rows.logOff),
      )
      if (faulty !== -1) return first + faulty
      const targets = rowsFrom(block.targets, first, numClasses, dtype)
      writeSmoothed(memory, dtype, targets, count, numClasses, at(rows.labels), 'F64')
      for (let n = 0; n < count; n++) {
        const start = n * numClasses
        losses[first + n] = rowLoss(rows, start, start + numClasses, params) + 0
        const row = (first + n) * numClasses
        if (gradients) writeScaled(rows, start, scales[first + n]!, gradients, row, numClasses)
      }
    }
    return -1
  })
}

function planesOf(size: number) {
  return {
    on: 0,
    off: size,
    logOn: 2 * size,
    logOff: 3 * size,
    labels: 4 * size,
    weights: 5 * size,
    slopes: 6 * size,
    spare: 7 * size,
    spare2: 8 * size,
  }
}

function fillWeights(
  { values, weights: plane }: SigmoidRows,
  size: number,
  numClasses: number,
  weights: Float64Array | undefined,
): void {
  if (weights) for (let start = 0; start < size; start += numClasses) values.set(weights, plane + start)
  else values.fill(1, plane, plane + size)
}

function writeScaled(
  { values, slopes }: SigmoidRows,
  start: number,
  scale: number,
  gradients: Float32Array | Float64Array,
  to: number,
  count: number,
): void {
  const from = slopes + start
  for (let k = 0; k < count; k++) gradients[to + k] = scale * values[from + k]! + 0
}
