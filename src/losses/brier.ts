import { softmaxFamily } from '../families/softmax.ts'
import { distributions } from '../target-kinds.ts'
import { defineLoss } from './definition.ts'
import { logSoftmax, probabilityMinus } from './reference.ts'
import { targetDistance } from './target-distance.ts'

export const brier = defineLoss({
  name: 'brier',
  title: 'Brier score',
  summary: 'The squared distance of p from q: a proper score, and at most 2, however wrong a row is.',
  whenToUse:
    'Probabilities that should be right rather than only ranked right, judged or trained by something milder than cross entropy on the rows it gets wrong.',
  formula: String.raw`\ell_n = \sum_k w_k\, q_{nk} \sum_j (p_{nj} - q_{nj})^2`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = 2 \sum_k w_k\, q_{nk}\; p_{nj} \Big(p_{nj} - q_{nj} - \sum_i p_{ni} (p_{ni} - q_{ni})\Big)`,
  references: [
    {
      authors: 'Brier',
      title: 'Verification of Forecasts Expressed in Terms of Probability',
      year: 1950,
      url: 'https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2',
    },
  ],
  torch: '((F.softmax(logits, dim=-1) - q) ** 2).sum(dim=-1).mean()',
  others: [
    'num_classes * keras.losses.MeanSquaredError()(q, keras.ops.softmax(logits))',
    'optax.squared_error(jax.nn.softmax(logits), q).sum(axis=-1).mean()',
  ],
  oracle: `
    weight = 1 if bool((w == 1).all()) else (w * q).sum(dim=-1)
    return weight * ((F.softmax(z, dim=-1) - q) ** 2).sum(dim=-1)`,
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

  evaluate: (block) => targetDistance(block, 2),

  reference({ scores, target, classWeights }) {
    const weight = target.reduce((sum, share, k) => sum + share * classWeights[k]!, 0)
    return weight * logSoftmax(scores).reduce((sum, logP, k) => sum + probabilityMinus(logP, target[k]!) ** 2, 0)
  },
})
