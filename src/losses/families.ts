import type { z } from 'zod'
import { Logits, LogProbabilities } from '../../schemas/fields.ts'
import type { Engine } from '../kernels/engine.ts'
import { viewOf } from '../wire/tensor.ts'

/** What the scores of a loss are. Losses of one family share the field they read and how it becomes a distribution. */
export interface Family {
  readonly name: string
  /** Field of the request that holds the scores. */
  readonly field: 'logits' | 'log_probabilities'
  readonly schema: z.ZodType
  /**
   * Fills `rowMax` and `logSum` (float64 [numRows]) such that log p = (score - rowMax) - logSum.
   *
   * @param probabilities [numRows, numClasses] written; 0 = not wanted
   * @returns the first row no distribution can be made of, or -1; later rows may be unwritten
   */
  normalize(
    engine: Engine,
    dtype: 'F32' | 'F64',
    scores: number,
    numRows: number,
    numClasses: number,
    probabilities: number,
    rowMax: number,
    logSum: number,
  ): number
}

export const softmaxFamily: Family = {
  name: 'softmax',
  field: 'logits',
  schema: Logits,
  normalize: ({ typed }, dtype, scores, numRows, numClasses, probabilities, rowMax, logSum) =>
    typed[dtype].softmax(scores, numRows, numClasses, probabilities, rowMax, logSum),
}

/** Scores that are log-probabilities already, taken as they are: as in PyTorch, nothing checks that they are normalised. */
export const logProbabilityFamily: Family = {
  name: 'log_probability',
  field: 'log_probabilities',
  schema: LogProbabilities,
  normalize({ typed, memory }, dtype, scores, numRows, numClasses, probabilities, rowMax, logSum) {
    const faulty = typed[dtype].softmax(scores, numRows, numClasses, 0, rowMax, logSum)
    const valid = faulty === -1 ? numRows : faulty
    memory.f64(rowMax, valid).fill(0)
    memory.f64(logSum, valid).fill(0)
    if (probabilities !== 0) {
      const size = valid * numClasses
      const from = viewOf(memory, dtype, scores, size)
      const to = viewOf(memory, dtype, probabilities, size)
      for (let i = 0; i < size; i++) to[i] = Math.exp(from[i]!)
    }
    return faulty
  },
}
