import { z } from 'zod'
import { logSigmoid, sigmoid, sigmoidFamily } from '../families/sigmoid.ts'
import { countedElements } from '../reduction.ts'
import { labels } from '../target-kinds.ts'
import { defineLoss } from './definition.ts'
import { evaluateFocused } from './focused-labels.ts'

export const sigmoidFocal = defineLoss({
  name: 'sigmoid_focal',
  title: 'Sigmoid focal loss',
  summary: 'Binary cross entropy of each class in which an answer counts less the surer and righter it is.',
  whenToUse:
    'Dense detection and other problems where nearly every label is off: the many easy ones do not drown the few hard ones. Detectors use "sum" and a normalizer of the number of matched boxes.',
  formula: String.raw`\ell_n = \sum_k w_k\, \alpha_t (1 - p_t)^\gamma\, b_{nk}, \quad b = -q \log p - (1-q) \log(1-p), \quad p_t = p q + (1-p)(1-q), \quad \alpha_t = \alpha q + (1-\alpha)(1-q), \quad p = \sigma(z)`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = w_j\, \alpha_t (1 - p_t)^\gamma \Big(p - q - \gamma\, \frac{p (1-p) (2q-1)}{1 - p_t}\, b\Big)`,
  references: [
    {
      authors: 'Lin, Goyal, Girshick, He, Dollár',
      title: 'Focal Loss for Dense Object Detection',
      year: 2017,
      url: 'https://arxiv.org/abs/1708.02002',
    },
  ],
  torch: 'torchvision.ops.sigmoid_focal_loss(logits, targets, alpha=0.25, gamma=2, reduction="mean")',
  others: [
    'timm.loss.PolyBinaryCrossEntropy(epsilon=0, gamma=2, alpha=0.25)(logits, targets)',
    'kornia.losses.binary_focal_loss_with_logits(logits, targets, alpha=0.25, gamma=2, reduction="mean")',
    'optax.sigmoid_focal_loss(logits, targets, alpha=0.25, gamma=2.0).mean()',
    'keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.25, gamma=2, from_logits=True)(targets, logits)',
  ],
  oracle: `
    p = torch.sigmoid(z)
    entropy = F.binary_cross_entropy_with_logits(z, q, reduction='none')
    rest = p * (1 - q) + (1 - p) * q
    loss = entropy * rest ** params.gamma
    if params.alpha is not None:
        loss = (params.alpha * q + (1 - params.alpha) * (1 - q)) * loss
    return (w * loss).sum(dim=-1)`,
  family: sigmoidFamily,
  targets: labels,
  params: {
    alpha: z
      .number({ error: 'expected a number in [0, 1], or null for none' })
      .min(0)
      .max(1)
      .nullable()
      .default(0.25)
      .describe('Factor of labels that are on, those that are off having 1 - alpha. In [0, 1]; null: no factor.'),
    gamma: z
      .number()
      .min(0)
      .default(2)
      .describe('How much less an answer counts that is sure and right, >= 0; 0 is binary cross entropy.'),
  },
  variants: [{ gamma: 0, alpha: null }, { gamma: 0.5 }, { gamma: 1, alpha: 0.75 }, { gamma: 3.7, alpha: null }],
  denominator: () => countedElements,
  identities: [
    {
      says: 'gamma 0 and alpha null it is binary cross entropy',
      params: { gamma: 0, alpha: null },
      equals: 'binary_cross_entropy',
      with: {},
    },
    {
      says: 'gamma 0 and alpha 1/2 it is half of the binary cross entropy',
      params: { gamma: 0, alpha: 0.5 },
      equals: 'binary_cross_entropy',
      with: {},
      times: 0.5,
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
  },

  evaluate(block, { alpha, gamma }) {
    const [alphaOn, alphaOff] = alpha === null ? [1, 1] : [alpha, 1 - alpha]
    return evaluateFocused(block, { gammaOn: gamma, gammaOff: gamma, clip: 0, alphaOn, alphaOff })
  },

  reference({ scores, target, classWeights }, { alpha, gamma }) {
    return scores.reduce((sum, z, k) => {
      const q = target[k]!
      const p = sigmoid(z)
      const entropy = (q === 0 ? 0 : -q * logSigmoid(z)) - (q === 1 ? 0 : (1 - q) * logSigmoid(-z))
      const rest = p * (1 - q) + sigmoid(-z) * q
      const balance = alpha === null ? 1 : alpha * q + (1 - alpha) * (1 - q)
      const factor = classWeights[k]! * balance * rest ** gamma
      return factor === 0 ? sum : sum + factor * entropy
    }, 0)
  },
})
