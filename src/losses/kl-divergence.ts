import { softmaxFamily } from '../families/softmax.ts'
import { countedRows } from '../reduction.ts'
import { smoothedValue } from '../smoothing.ts'
import { distributions } from '../target-kinds.ts'
import { type SparseRows, writeSmoothed } from '../target-rows.ts'
import { ELEMENT_BYTES } from '../wire/tensor.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { crossEntropyOfDistributions, crossEntropyOfLabels, isSparse } from './cross-entropy-routes.ts'
import { type Block, defineLoss } from './definition.ts'
import { logSoftmax } from './reference.ts'

export const klDivergence = defineLoss({
  name: 'kl_divergence',
  title: 'Kullback-Leibler divergence',
  summary: 'KL(q to p), the cross entropy beyond the entropy of the target itself: 0 where p = q.',
  whenToUse:
    'Targets that are distributions, where the loss should say how far off the model is. Its gradient is that of cross entropy; its mean divides by rows.',
  formula: String.raw`\ell_n = \sum_k w_k\, q_{nk} (\log q_{nk} - \log p_{nk})`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = p_{nj} \sum_k w_k q_{nk} - w_j q_{nj}`,
  references: [
    {
      authors: 'Kullback, Leibler',
      title: 'On Information and Sufficiency',
      year: 1951,
      url: 'https://doi.org/10.1214/aoms/1177729694',
    },
  ],
  torch: 'F.kl_div(F.log_softmax(logits, dim=-1), q, reduction="batchmean")',
  others: [
    'keras.losses.KLDivergence()(q, keras.ops.softmax(logits))',
    'optax.losses.kl_divergence(jax.nn.log_softmax(logits), q).mean()',
  ],
  oracle: "return (w * F.kl_div(F.log_softmax(z, dim=-1), q, reduction='none')).sum(dim=-1)",
  family: softmaxFamily,
  targets: distributions,
  params: {},
  denominator: () => countedRows,
  warnings: classWeightsMoveOptimum,
  identities: [
    {
      says: 'the entropy of the target added it is cross entropy',
      params: {},
      equals: 'cross_entropy',
      with: {},
      plus: 'minus_target_entropy',
    },
  ],
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [
      [0.8, 0.1, 0.1],
      [0, 0.75, 0.25],
    ],
  },

  evaluate(block) {
    const { memory } = block.engine
    const { targets } = block
    const faulty = isSparse(targets) ? crossEntropyOfLabels(block, targets) : crossEntropyOfDistributions(block)
    if (faulty !== -1) return faulty
    const entropies = targets.kind === 'sparse' ? entropiesOfLabels(block, targets) : entropiesOfDistributions(block)
    const losses = memory.f64(block.losses, block.numRows)
    for (let n = 0; n < losses.length; n++) losses[n] = losses[n]! - entropies[n]!
    return -1
  },

  reference: ({ scores, target, classWeights }) =>
    logSoftmax(scores).reduce((sum, logP, k) => {
      const share = target[k]! * classWeights[k]!
      return share === 0 ? sum : sum + share * (Math.log(target[k]!) - logP)
    }, 0),
})

/** -w q log q of one class. */
function entropyOf(weight: number, q: number): number {
  return q === 0 ? 0 : -weight * q * Math.log(q)
}

/** [numRows], the entropy of each target: what all rows are smoothed towards, and of the labels what they have beyond that. */
function entropiesOfLabels({ engine: { memory }, numRows, numClasses, classWeights }: Block, rows: SparseRows) {
  const { smoothing, entries } = rows
  const labels = memory.i32(rows.labels, numRows * entries)
  const shares = memory.f64(rows.shares, numRows * entries)
  const weightOf = (k: number) => (classWeights ? classWeights[k]! : 1)
  let base = 0
  if (smoothing.mass !== 0)
    for (let k = 0; k < numClasses; k++) base += entropyOf(weightOf(k), smoothedValue(smoothing, k, 0))
  const entropies = new Float64Array(numRows)
  for (let n = 0; n < numRows; n++) {
    let entropy = base
    for (let i = n * entries; i < (n + 1) * entries; i++) {
      if (shares[i] === 0) continue
      const k = labels[i]!
      const own = entropyOf(weightOf(k), smoothedValue(smoothing, k, shares[i]!))
      entropy += smoothing.mass === 0 ? own : own - entropyOf(weightOf(k), smoothedValue(smoothing, k, 0))
    }
    entropies[n] = entropy
  }
  return entropies
}

function entropiesOfDistributions({ engine: { memory }, dtype, targets, numRows, numClasses, classWeights }: Block) {
  return memory.scratch(() => {
    const pointer = memory.allocate(numRows * numClasses * ELEMENT_BYTES.F64)
    writeSmoothed(memory, dtype, targets, numRows, numClasses, pointer, 'F64')
    const q = memory.f64(pointer, numRows * numClasses)
    const entropies = new Float64Array(numRows)
    for (let n = 0, i = 0; n < numRows; n++)
      for (let k = 0; k < numClasses; k++, i++) entropies[n]! += entropyOf(classWeights ? classWeights[k]! : 1, q[i]!)
    return entropies
  })
}
