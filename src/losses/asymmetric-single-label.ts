import { z } from 'zod'
import { LabelSmoothing } from '../../schemas/fields.ts'
import { softmaxFamily } from '../families/softmax.ts'
import { smoothedIndices } from '../target-kinds.ts'
import { defineLoss } from './definition.ts'
import { logSoftmax } from './reference.ts'
import { evaluateSoftmax, restOf, type SoftmaxMaths, type SoftmaxRows } from './softmax-rows.ts'

export const asymmetricSingleLabel = defineLoss({
  name: 'asymmetric_single_label',
  title: 'Asymmetric loss for one label',
  summary:
    'Label-smoothed cross entropy in which the class of the target counts less the surer it is, and every other class less the less likely it is.',
  whenToUse:
    'Many classes, of which most are far off: what smoothing asks of them is dropped, and only rivals of the class are held against it. Not proper: its optimum is not the target.',
  formula: String.raw`\ell_n = -\sum_k w_k\, q_{nk}\, a_{nk} \log p_{nk}, \quad a_{n y_n} = (1 - p_{n y_n})^{\gamma_+}, \quad a_{nk} = p_{nk}^{\gamma_-} \ (k \ne y_n)`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = h_{nj} - p_{nj} \sum_k h_{nk}, \quad h_{n y_n} = w q \Big(\frac{\gamma_+\, p \log p}{1 - p} - 1\Big) (1-p)^{\gamma_+}, \quad h_{nk} = -w_k\, q_{nk}\, p_{nk}^{\gamma_-} (1 + \gamma_- \log p_{nk})`,
  references: [
    {
      authors: 'Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter, Zelnik-Manor',
      title: 'Asymmetric Loss For Multi-Label Classification',
      year: 2021,
      url: 'https://arxiv.org/abs/2009.14119',
    },
    {
      authors: 'Wightman',
      title: 'PyTorch Image Models: AsymmetricLossSingleLabel',
      year: 2020,
      url: 'https://github.com/huggingface/pytorch-image-models',
    },
  ],
  torch: 'timm.loss.AsymmetricLossSingleLabel(gamma_pos=1, gamma_neg=4, eps=0.1)(logits, targets)',
  oracle: `
    if y is not None and bool((w == 1).all()):
        return timm.loss.AsymmetricLossSingleLabel(gamma_pos, gamma_neg, eps=s, reduction='none')(z, y)
    log_p = F.log_softmax(z, dim=-1)
    p = log_p.exp()
    factor = torch.where(t == 1, (1 - p) ** gamma_pos, p ** gamma_neg)
    return -(w * q * factor * log_p).sum(dim=-1)`,
  family: softmaxFamily,
  targets: smoothedIndices,
  params: {
    label_smoothing: LabelSmoothing.default(0.1),
    gamma_pos: z.number().min(0).default(1).describe('Focusing of the class of the target, >= 0; 0 is none.'),
    gamma_neg: z.number().min(0).default(4).describe('Focusing of the other classes, >= 0; 0 is none.'),
  },
  variants: [
    { gamma_pos: 0, gamma_neg: 0 },
    { gamma_pos: 0.5, gamma_neg: 2 },
    { gamma_pos: 2, gamma_neg: 0 },
    { gamma_pos: 3, gamma_neg: 0.5 },
  ],
  identities: [
    {
      says: 'gammas of 0 it is label-smoothing cross entropy',
      params: { gamma_pos: 0, gamma_neg: 0 },
      equals: 'label_smoothing_cross_entropy',
      with: {},
    },
  ],
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
  },

  evaluate: (block, params) => evaluateSoftmax(block, maths, params),

  reference({ scores, hardTarget, target, classWeights }, { gamma_pos: ofLabel, gamma_neg: ofOthers }) {
    return logSoftmax(scores).reduce((sum, logP, k) => {
      const factor = hardTarget[k] === 1 ? (-Math.expm1(logP)) ** ofLabel : Math.exp(logP) ** ofOthers
      const share = target[k]! * classWeights[k]! * factor
      return share === 0 ? sum : sum - share * logP
    }, 0)
  },
})

interface Params {
  readonly gamma_pos: number
  readonly gamma_neg: number
}

const maths: SoftmaxMaths<Params> = {
  row(rows, start, end, { gamma_pos: ofLabel, gamma_neg: ofOthers }) {
    const y = start + rows.label
    return (
      costOfOthers(rows, start, y, ofOthers) + costOfLabel(rows, y, ofLabel) + costOfOthers(rows, y + 1, end, ofOthers)
    )
  },
}

function costOfLabel({ logP, p, shares, slopes }: SoftmaxRows, y: number, gamma: number): number {
  const [log, share] = [logP[y]!, shares[y]!]
  const rest = restOf(p[y]!, log)
  const factor = share * rest ** gamma
  // -p log p / (1 - p), which is 1 at p = 1 and 0 at p = 0.
  const ratio = p[y] === 0 ? 0 : rest === 0 ? 1 : (-p[y]! * log) / rest
  slopes[y] = -factor * (1 + gamma * ratio)
  return factor === 0 ? 0 : -factor * log
}

function costOfOthers({ logP, p, shares, slopes }: SoftmaxRows, start: number, end: number, gamma: number): number {
  let loss = 0
  for (let k = start; k < end; k++) {
    const log = logP[k]!
    const factor = shares[k]! * powerOf(p[k]!, log, gamma)
    // Nothing of an infinite logarithm is nothing.
    if (factor === 0) {
      slopes[k] = 0
      continue
    }
    loss -= factor * log
    slopes[k] = gamma === 0 ? -factor : -factor * (1 + gamma * log)
  }
  return loss
}

/** p^gamma; an exponential takes a fifth of the time of a power. */
function powerOf(p: number, logP: number, gamma: number): number {
  if (gamma === 4) return p * p * (p * p)
  if (gamma === 0) return 1
  return Math.exp(gamma * logP)
}
