import { z } from 'zod'
import { tensorOr } from '../../schemas/tensor.ts'
import { softmaxFamily } from '../families/softmax.ts'
import { distributions } from '../target-kinds.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { defineLoss, type Judged, PER_CLASS } from './definition.ts'
import { logSoftmax } from './reference.ts'
import { evaluateSoftmax, type SoftmaxMaths } from './softmax-rows.ts'

export const focal = defineLoss({
  name: 'focal',
  title: 'Focal loss',
  summary: 'Cross entropy in which a class counts less the surer the model is of it.',
  whenToUse:
    'Many easy rows that would drown the few hard ones, as in detection and with rare classes. It also calibrates: a larger gamma makes a model less sure of itself.',
  formula: String.raw`\ell_n = -\sum_k \alpha_k\, w_k\, q_{nk} (1 - p_{nk})^\gamma \log p_{nk}`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = h_{nj} - p_{nj} \sum_k h_{nk}, \quad h_{nk} = \alpha_k\, w_k\, q_{nk} \big(\gamma (1 - p_{nk})^{\gamma - 1} p_{nk} \log p_{nk} - (1 - p_{nk})^\gamma\big)`,
  references: [
    {
      authors: 'Lin, Goyal, Girshick, He, Dollár',
      title: 'Focal Loss for Dense Object Detection',
      year: 2017,
      url: 'https://arxiv.org/abs/1708.02002',
    },
    {
      authors: 'Mukhoti, Kulharia, Sanyal, Golodetz, Torr, Dokania',
      title: 'Calibrating Deep Neural Networks using Focal Loss',
      year: 2020,
      url: 'https://arxiv.org/abs/2002.09437',
    },
  ],
  torch:
    'log_p = F.log_softmax(logits, dim=-1); -(alpha * q * (1 - log_p.exp()) ** gamma * log_p).sum(dim=-1).mean()  # alpha: 0.25',
  others: [
    'keras.losses.CategoricalFocalCrossentropy(alpha=0.25, gamma=2.0, from_logits=True)(q, logits)  # alpha: 0.25',
    'kornia.losses.focal_loss(logits, targets, alpha=None, gamma=2.0).sum(dim=1).mean()',
  ],
  oracle: `
    factor = 1 if params.alpha is None else params.alpha
    if y is not None and s == 0:
        log_p = F.log_softmax(z, dim=-1).gather(1, y.unsqueeze(1)).squeeze(1)
        return -(factor * w)[y] * (1 - log_p.exp()) ** gamma * log_p
    log_p = F.log_softmax(z, dim=-1)
    return -(factor * w * q * (1 - log_p.exp()) ** gamma * log_p).sum(dim=-1)`,
  family: softmaxFamily,
  targets: distributions,
  params: {
    gamma: z.number().min(0).default(2).describe('How much less a class counts that is sure; 0 is cross entropy.'),
    alpha: tensorOr(
      z.number({ error: 'expected a number >= 0 or one for each class' }).min(0),
      '[K]',
      'Factor >= 0: one number for all classes, or one for each of them.',
    ).optional(),
  },
  variants: [{ gamma: 0 }, { gamma: 0.5 }, { gamma: 1, alpha: 0.25 }, { gamma: 3, alpha: PER_CLASS }, { gamma: 2.5 }],
  identities: [{ says: 'gamma 0 it is cross entropy', params: { gamma: 0 }, equals: 'cross_entropy', with: {} }],
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
    gamma: 2,
  },

  warnings(judged, { alpha }) {
    const first = typeof alpha === 'object' ? alpha[0]! : (alpha ?? 1)
    const isConstant = typeof alpha !== 'object' || alpha.every((each) => each === first)
    const moved = classWeightsMoveOptimum({ ...judged, classWeights: factorsOf(judged, alpha) })
    if (first === 1 || !isConstant) return moved
    const detail = `alpha is ${first} for every class: it multiplies the whole loss and balances nothing`
    return [...moved, { code: 'alpha_constant', detail }]
  },

  evaluate: (block, { gamma, alpha }) => evaluateSoftmax(block, maths, focusOf(gamma), factorsOf(block, alpha)),

  reference({ scores, target, classWeights }, { gamma, alpha = 1 }) {
    return logSoftmax(scores).reduce((sum, logP, k) => {
      const share = target[k]! * classWeights[k]! * (typeof alpha === 'number' ? alpha : alpha[k]!)
      return share === 0 ? sum : sum - share * (-Math.expm1(logP)) ** gamma * logP
    }, 0)
  },
})

/** What each class counts, its weight and alpha; undefined: all 1. */
function factorsOf(
  { classWeights, numClasses }: Pick<Judged, 'classWeights' | 'numClasses'>,
  alpha: number | Float64Array | undefined,
) {
  if (alpha === undefined) return classWeights
  const factors = new Float64Array(numClasses)
  for (let k = 0; k < numClasses; k++)
    factors[k] = (typeof alpha === 'number' ? alpha : alpha[k]!) * (classWeights ? classWeights[k]! : 1)
  return factors
}

/** gamma in parts: most are whole or half, and a power takes ten times as long as what they take. */
interface Focus {
  readonly gamma: number
  /** Whether `whole` and `half` make gamma. */
  readonly isPlain: boolean
  readonly whole: number
  readonly half: boolean
}

const MOST_FACTORS = 8

function focusOf(gamma: number): Focus {
  const whole = Math.floor(gamma)
  const half = gamma - whole === 0.5
  return { gamma, isPlain: (half || gamma === whole) && whole <= MOST_FACTORS, whole, half }
}

/** (1 - p)^gamma. */
function powerOf(rest: number, { gamma, isPlain, whole, half }: Focus): number {
  if (!isPlain) return rest ** gamma
  let power = half ? Math.sqrt(rest) : 1
  for (let i = 0; i < whole; i++) power *= rest
  return power
}

/** -p log p / (1 - p), which is 1 at p = 1 and 0 at p = 0: with it no power of 1 - p below gamma is taken. */
function ratio(p: number, logP: number, rest: number): number {
  if (p === 0) return 0
  return rest === 0 ? 1 : (-p * logP) / rest
}

const maths: SoftmaxMaths<Focus> = {
  terms: (kernels, { logP, p, shares, slopes, losses }, numRows, numClasses, { gamma }) =>
    kernels.focalTerms(logP, p, shares, numRows, numClasses, gamma, losses, slopes),
  label: {
    loss: (logP, focus) => -powerOf(-Math.expm1(logP), focus) * logP,
    slope(logP, focus) {
      const rest = -Math.expm1(logP)
      return -powerOf(rest, focus) * (1 + focus.gamma * ratio(Math.exp(logP), logP, rest))
    },
  },
}
