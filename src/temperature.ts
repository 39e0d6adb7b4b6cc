import type { Engine } from './kernels/engine.ts'
import { ELEMENT_BYTES } from './wire/tensor.ts'

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
  if (temperature !== 1) typed[dtype].temper(logits, numRows, numClasses, temperature, shifted)
  const faulty = typed[dtype].softmax(shifted, numRows, numClasses, probabilities, rowMax, logSum)
  return { faulty, shifted, rowMax, logSum }
}
