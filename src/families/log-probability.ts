import { LogProbabilities } from '../../schemas/fields.ts'
import { viewOf } from '../wire/tensor.ts'
import { distributionFamily } from './distributions.ts'

/** Scores are log-probabilities already, taken as they are: as in PyTorch, nothing checks that they are normalised. */
export const logProbabilityFamily = distributionFamily(
  { name: 'log_probability', field: 'log_probabilities', schema: LogProbabilities },
  ({ typed, memory }, dtype, scores, numRows, numClasses, probabilities, rowMax, logSum) => {
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
)
