import { z } from 'zod'
import { softmaxFamily } from '../families/softmax.ts'
import { distributions } from '../target-kinds.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { defineLoss } from './definition.ts'
import { logSoftmax } from './reference.ts'
import { evaluateSoftmax, type SoftmaxMaths } from './softmax-rows.ts'

export const generalizedCrossEntropy = defineLoss({
  name: 'generalized_cross_entropy',
  title: 'Generalized cross entropy',
  summary:
    'Between cross entropy (q near 0) and the mean absolute error (q = 1): what a row can cost is bounded by 1/q.',
  whenToUse:
    'Labels that are often wrong. The larger q is, the less a row counts that the model contradicts, and the slower it learns.',
  formula: String.raw`\ell_n = \sum_k w_k\, q_{nk} \frac{1 - p_{nk}^q}{q}`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = p_{nj} \sum_k w_k\, q_{nk}\, p_{nk}^q - w_j\, q_{nj}\, p_{nj}^q`,
  references: [
    {
      authors: 'Zhang, Sabuncu',
      title: 'Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels',
      year: 2018,
      url: 'https://arxiv.org/abs/1805.07836',
    },
  ],
  torch: 'p = F.softmax(logits, dim=-1).gather(1, targets.unsqueeze(1)); ((1 - p ** 0.7) / 0.7).mean()',
  others: ['keras.losses.CategoricalGeneralizedCrossEntropy(q=0.7)(targets, keras.ops.softmax(logits))'],
  oracle: `
    if y is not None and s == 0:
        p = F.softmax(z, dim=-1).gather(1, y.unsqueeze(1)).squeeze(1)
        return w[y] * (1 - p ** params.q) / params.q
    return (w * q * (1 - F.softmax(z, dim=-1) ** params.q) / params.q).sum(dim=-1)`,
  family: softmaxFamily,
  targets: distributions,
  params: {
    q: z
      .number()
      .gt(0)
      .max(1)
      .default(0.7)
      .describe('Power in (0, 1]; near 0 it is cross entropy, at 1 half the mean absolute error.'),
  },
  variants: [{ q: 1 }, { q: 0.5 }, { q: 0.01 }],
  identities: [
    {
      says: 'q 1 it is half the mean absolute error of class indices',
      params: { q: 1 },
      equals: 'mae',
      with: {},
      times: 0.5,
      onlyHard: true,
    },
  ],
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
    q: 0.7,
  },

  warnings: classWeightsMoveOptimum,

  evaluate: (block, params) => evaluateSoftmax(block, maths, params),

  reference: ({ scores, target, classWeights }, { q }) =>
    logSoftmax(scores).reduce((sum, logP, k) => sum + target[k]! * classWeights[k]! * (-Math.expm1(q * logP) / q), 0),
})

const maths: SoftmaxMaths<{ readonly q: number }> = {
  terms: (kernels, { logP, p, shares, slopes, losses }, numRows, numClasses, { q }) =>
    kernels.powerTerms(logP, p, shares, numRows, numClasses, q, losses, slopes),
  label: {
    loss: (logP, { q }) => -Math.expm1(q * logP) / q,
    slope: (logP, { q }) => -Math.exp(q * logP),
  },
}
