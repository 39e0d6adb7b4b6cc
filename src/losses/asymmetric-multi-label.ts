import { z } from 'zod'
import { logSigmoid, sigmoid, sigmoidFamily } from '../families/sigmoid.ts'
import { countedElements } from '../reduction.ts'
import { labels } from '../target-kinds.ts'
import { defineLoss } from './definition.ts'
import { evaluateFocused } from './focused-labels.ts'

export const asymmetricMultiLabel = defineLoss({
  name: 'asymmetric_multi_label',
  title: 'Asymmetric loss for several labels',
  summary:
    'Binary cross entropy of each class that focuses labels that are off more than those that are on, and drops the surest of them.',
  whenToUse:
    'Several classes at once may be right, of very many: labels that are off outnumber those that are on, and some of them are off by mistake.',
  formula: String.raw`\ell_n = -\sum_k w_k \big(q \log p + (1-q) \log(1-p_m)\big) \big(q (1-p) + (1-q)\, p_m\big)^{\gamma_+ q + \gamma_- (1-q)}, \quad p = \sigma(z_{nk}), \quad p_m = \max(p - c, 0)`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = w_j\, r^\gamma\, p (1-p) \Big(-\frac{q}{p} + \frac{(1-q)\, d}{1-p_m} + \frac{\gamma\, b}{r} \big((1-q)\, d - q\big)\Big), \quad d = [p \ge c], \quad \ell_{nk} = w_k\, b\, r^\gamma`,
  references: [
    {
      authors: 'Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter, Zelnik-Manor',
      title: 'Asymmetric Loss For Multi-Label Classification',
      year: 2021,
      url: 'https://arxiv.org/abs/2009.14119',
    },
  ],
  torch:
    'timm.loss.AsymmetricLossMultiLabel(gamma_neg=4, gamma_pos=1, clip=0.05, reduction="sum")(logits, targets)  # reduction: "sum"',
  oracle: `
    p = torch.sigmoid(z)
    shifted = p if clip == 0 else (p - clip).clamp(min=0)
    log_off = F.logsigmoid(-z) if clip == 0 else torch.log1p(-shifted)
    entropy = -(q * F.logsigmoid(z) + (1 - q) * log_off)
    rest = (1 - p) * q + shifted * (1 - q)
    return (w * entropy * rest ** (gamma_pos * q + gamma_neg * (1 - q))).sum(dim=-1)`,
  family: sigmoidFamily,
  targets: labels,
  params: {
    gamma_neg: z.number().min(0).default(4).describe('Focusing of labels that are off, >= 0; 0 is none.'),
    gamma_pos: z.number().min(0).default(1).describe('Focusing of labels that are on, >= 0; 0 is none.'),
    clip: z
      .number()
      .min(0)
      .max(1)
      .default(0.05)
      .describe('Probability up to which a label that is off costs nothing; it is taken off the others. In [0, 1].'),
  },
  variants: [
    { gamma_neg: 0, gamma_pos: 0, clip: 0 },
    { gamma_neg: 2, gamma_pos: 0.5, clip: 0 },
    { gamma_neg: 0.5, gamma_pos: 3, clip: 0.2 },
    { gamma_neg: 0, gamma_pos: 0 },
  ],
  denominator: () => countedElements,
  identities: [
    {
      says: 'gammas of 0 and clip 0 it is binary cross entropy',
      params: { gamma_neg: 0, gamma_pos: 0, clip: 0 },
      equals: 'binary_cross_entropy',
      with: {},
    },
  ],
  example: {
    logits: [
      [2, -1, 0.1],
      [0.5, 2.5, -3],
    ],
    targets: [
      [1, 0, 0],
      [0, 1, 1],
    ],
    reduction: 'sum',
  },

  evaluate: (block, { gamma_neg: gammaOff, gamma_pos: gammaOn, clip }) =>
    evaluateFocused(block, { gammaOn, gammaOff, clip, alphaOn: 1, alphaOff: 1 }),

  reference({ scores, target, classWeights }, { gamma_neg: ofOff, gamma_pos: ofOn, clip }) {
    return scores.reduce((sum, z, k) => {
      const q = target[k]!
      const shifted = Math.max(sigmoid(z) - clip, 0)
      const logOff = clip === 0 ? logSigmoid(-z) : Math.log1p(-shifted)
      const entropy = (q === 0 ? 0 : -q * logSigmoid(z)) - (q === 1 ? 0 : (1 - q) * logOff)
      const rest = q * sigmoid(-z) + (1 - q) * shifted
      const factor = classWeights[k]! * rest ** (ofOn * q + ofOff * (1 - q))
      return factor === 0 ? sum : sum + factor * entropy
    }, 0)
  },

  distanceToKink: ({ scores, target }, { clip }) =>
    Math.min(
      ...scores.map((z, k) => (clip === 0 || target[k] === 1 ? Number.POSITIVE_INFINITY : Math.abs(sigmoid(z) - clip))),
    ),
})
