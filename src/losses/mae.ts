import { softmaxFamily } from '../families/softmax.ts'
import { distributions } from '../target-kinds.ts'
import { defineLoss } from './definition.ts'
import { logSoftmax, probabilityMinus } from './reference.ts'
import { evaluateLabels, isOneClass, type LabelMaths } from './softmax-rows.ts'
import { targetDistance } from './target-distance.ts'

export const mae = defineLoss({
  name: 'mae',
  title: 'Mean absolute error',
  summary: 'The sum of |p - q| over the classes: at most 2, however wrong a row is.',
  whenToUse:
    'Labels that are often wrong, where it is robust under noise that does not depend on the row. It learns slowly, since a row that is far off hardly has a gradient.',
  formula: String.raw`\ell_n = \sum_k w_k\, q_{nk} \sum_j |p_{nj} - q_{nj}|`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = \sum_k w_k\, q_{nk}\; p_{nj} \Big(\operatorname{sgn}(p_{nj} - q_{nj}) - \sum_i p_{ni} \operatorname{sgn}(p_{ni} - q_{ni})\Big)`,
  references: [
    {
      authors: 'Ghosh, Kumar, Sastry',
      title: 'Robust Loss Functions under Label Noise for Deep Neural Networks',
      year: 2017,
      url: 'https://arxiv.org/abs/1712.09482',
    },
  ],
  torch: '(F.softmax(logits, dim=-1) - q).abs().sum(dim=-1).mean()',
  others: ['num_classes * keras.losses.MeanAbsoluteError()(q, keras.ops.softmax(logits))'],
  oracle: `
    weight = 1 if bool((w == 1).all()) else (w * q).sum(dim=-1)
    return weight * (F.softmax(z, dim=-1) - q).abs().sum(dim=-1)`,
  family: softmaxFamily,
  targets: distributions,
  params: {},
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
  },

  evaluate: (block) =>
    isOneClass(block.targets) ? evaluateLabels(block, block.targets, label, undefined) : targetDistance(block, 1),

  reference({ scores, target, classWeights }) {
    const weight = target.reduce((sum, share, k) => sum + share * classWeights[k]!, 0)
    return weight * logSoftmax(scores).reduce((sum, logP, k) => sum + Math.abs(probabilityMinus(logP, target[k]!)), 0)
  },

  distanceToKink: ({ scores, target }) =>
    Math.min(
      // A class of no probability has no gradient, whatever its sign.
      ...logSoftmax(scores).map((logP, k) => (Math.exp(logP) === 0 ? 2 : Math.abs(probabilityMinus(logP, target[k]!)))),
    ),
})

/** 2 (1 - p) of the class. */
const label: LabelMaths<undefined> = {
  loss: (logP) => -2 * Math.expm1(logP),
  slope: (logP) => -2 * Math.exp(logP),
}
