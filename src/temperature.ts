import type { Engine } from './kernels/engine.ts'
import { ELEMENT_BYTES, viewOf } from './wire/tensor.ts'

export interface LogSoftmax {
  /** The first row that has no softmax, or -1; rows from it on are unwritten. */
  readonly faulty: number
  /** log of the softmax of a row is shifted - rowMax - logSum. [numRows, numClasses] of the element type. */
  readonly shifted: number
  /** float64 [numRows] */
  readonly rowMax: number
  readonly logSum: number
}

/**
 * The softmax of logits over a temperature, and what its logarithm is made of; allocates both.
 *
 * @param probabilities [numRows, numClasses] of the element type, written
 */
export function softmaxAt(
  { memory, typed }: Engine,
  dtype: 'F32' | 'F64',
  logits: number,
  numRows: number,
  numClasses: number,
  temperature: number,
  probabilities: number,
): LogSoftmax {
  const rowMax = memory.allocate(numRows * ELEMENT_BYTES.F64)
  const logSum = memory.allocate(numRows * ELEMENT_BYTES.F64)
  const size = numRows * numClasses
  const shifted = temperature === 1 ? logits : memory.allocate(size * ELEMENT_BYTES[dtype])
  if (temperature !== 1) {
    const from = viewOf(memory, dtype, logits, size)
    const to = viewOf(memory, dtype, shifted, size)
    for (let start = 0; start < size; start += numClasses) divide(from, to, start, start + numClasses, temperature)
  }
  const faulty = typed[dtype].softmax(shifted, numRows, numClasses, probabilities, rowMax, logSum)
  return { faulty, shifted, rowMax, logSum }
}

/** A row over T, moved so that its largest is 0: a small T overflows nothing then. NaN where the row has no softmax. */
function divide(
  from: Float32Array | Float64Array,
  to: Float32Array | Float64Array,
  start: number,
  end: number,
  temperature: number,
): void {
  let max = Number.NEGATIVE_INFINITY
  for (let i = start; i < end; i++) if (!(from[i]! <= max)) max = from[i]!
  for (let i = start; i < end; i++) to[i] = (from[i]! - max) / temperature
}
