import { Logits } from '../../schemas/fields.ts'
import type { DenseOutput } from '../answer.ts'
import { fromRows } from '../layout.ts'
import { labelShares } from '../target-rows.ts'
import { ELEMENT_BYTES, type ElementType, viewOf } from '../wire/tensor.ts'
import type { Family, Metrics, Scored } from './family.ts'
import { targetLabels } from './target-classes.ts'

/** Scores are logits, and every class is a question of its own: p = sigmoid(z). */
export const sigmoidFamily: Family = {
  name: 'sigmoid',
  field: 'logits',
  schema: Logits,
  predictsFor: 'class',
  probabilities: (scored) => eachLogit(scored, scored.dtype, sigmoid),
  logProbabilities: (scored) => eachLogit(scored, scored.dtype, logSigmoid),
  predictions: (scored) => eachLogit(scored, 'I32', (z) => (z > 0 ? 1 : 0)),
  targetsOf: targetLabels,
  confidences,
  metrics,
}

/** Exact at both ends: e^z where z is far below 0, 1 where it is far above. */
export function sigmoid(z: number): number {
  const power = Math.exp(-Math.abs(z))
  return (z < 0 ? power : 1) / (1 + power)
}

/** log sigmoid(z), a sum of two terms <= 0. */
export function logSigmoid(z: number): number {
  return Math.min(z, 0) - Math.log1p(Math.exp(-Math.abs(z)))
}

function eachLogit(scored: Scored, dtype: ElementType, value: (z: number) => number): DenseOutput {
  const { engine, layout } = scored
  const { memory } = engine
  const size = layout.numRows * layout.numClasses
  const pointer = memory.allocate(size * ELEMENT_BYTES[dtype])
  const from = viewOf(memory, scored.dtype, scored.scores, size)
  const to = viewOf(memory, dtype, pointer, size)
  for (let i = 0; i < size; i++) to[i] = value(from[i]!)
  return { kind: 'dense', dtype, shape: layout.shape, pointer: fromRows(memory, layout, dtype, pointer) }
}

function confidences({ engine, layout, dtype, scores }: Scored): Float64Array {
  const logits = viewOf(engine.memory, dtype, scores, layout.numRows * layout.numClasses)
  return Float64Array.from(logits, (z) => sigmoid(Math.abs(z)))
}

/** Over the elements of the rows that count: a label above 1/2 is on; nll is the binary cross entropy of the unsmoothed labels. */
function metrics({ engine, layout, dtype, scores, targets }: Scored): Metrics {
  const { memory } = engine
  const { numRows, numClasses } = layout
  const shares = labelShares(memory, dtype, targets.rows, numRows, numClasses)
  const z = viewOf(memory, dtype, scores, numRows * numClasses)
  const labels = new Float64Array(numClasses)
  let elements = 0
  let hits = 0
  let total = 0
  for (let row = 0; row < numRows; row++) {
    if (!targets.counted[row]) continue
    elements += numClasses
    labels.fill(0)
    for (let i = row * shares.stride; i < (row + 1) * shares.stride; i++)
      labels[shares.classOf(i)]! += shares.shareOf(i)
    for (let k = 0; k < numClasses; k++) {
      const logit = z[row * numClasses + k]!
      const label = labels[k]!
      // A label that is off costs nothing at -Infinity, and one that is on nothing at the other end.
      if (label > 0) total -= label * logSigmoid(logit)
      if (label < 1) total -= (1 - label) * logSigmoid(-logit)
      if (logit > 0 === label > 0.5) hits++
    }
  }
  const nll = total / elements
  return { accuracy: hits / elements, nll, perplexity: Math.exp(nll) }
}
