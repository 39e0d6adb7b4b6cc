import { Logits } from '../../schemas/fields.ts'
import { distributionFamily, type Normalize } from './distributions.ts'

export const softmaxOf: Normalize = ({ typed }, dtype, scores, numRows, numClasses, probabilities, rowMax, logSum) =>
  typed[dtype].softmax(scores, numRows, numClasses, probabilities, rowMax, logSum)

/** Scores are logits, p = softmax(z). */
export const softmaxFamily = distributionFamily({ name: 'softmax', field: 'logits', schema: Logits }, softmaxOf)
