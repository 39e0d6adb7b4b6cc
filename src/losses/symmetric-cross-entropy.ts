import { z } from 'zod'
import { softmaxFamily } from '../families/softmax.ts'
import { distributions } from '../target-kinds.ts'
import { defineLoss } from './definition.ts'
import { evaluatePoly, hasOneBase, type Poly } from './label-poly.ts'
import { logSoftmax } from './reference.ts'
import { evaluateSoftmax, rowWeight, type SoftmaxMaths } from './softmax-rows.ts'

export const symmetricCrossEntropy = defineLoss({
  name: 'symmetric_cross_entropy',
  title: 'Symmetric cross entropy',
  summary:
    'Cross entropy plus reverse cross entropy, in which p and q change places and the logarithm of 0 is a finite number.',
  whenToUse: 'Labels that are often wrong: the reverse part is bounded and robust, the other one learns.',
  formula: String.raw`\ell_n = -\alpha \sum_k w_k\, q_{nk} \log p_{nk} - \beta \sum_k w_k\, q_{nk} \sum_j p_{nj} \max(\log q_{nj}, A)`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = h_{nj} - p_{nj} \sum_k h_{nk}, \quad h_{nk} = -\alpha\, w_k\, q_{nk} - \beta \sum_i w_i\, q_{ni}\; p_{nk} \max(\log q_{nk}, A)`,
  references: [
    {
      authors: 'Wang, Ma, Chen, Luo, Yi, Bailey',
      title: 'Symmetric Cross Entropy for Robust Learning with Noisy Labels',
      year: 2019,
      url: 'https://arxiv.org/abs/1908.06112',
    },
  ],
  torch:
    'alpha * F.cross_entropy(logits, targets) - beta * (F.softmax(logits, dim=-1) * q.clamp(min=1e-4).log()).sum(dim=-1).mean()',
  oracle: `
    if y is not None and s == 0:
        loss = F.cross_entropy(z, y, reduction='none')
        return w[y] * (alpha * loss - beta * log_zero * (1 - torch.exp(-loss)))
    log_p = F.log_softmax(z, dim=-1)
    weight = 1 if bool((w == 1).all()) else (w * q).sum(dim=-1)
    reverse = -(log_p.exp() * q.log().clamp(min=log_zero)).sum(dim=-1)
    return alpha * F.cross_entropy(z, q, weight=w, reduction='none') + beta * weight * reverse`,
  family: softmaxFamily,
  targets: distributions,
  params: {
    alpha: z.number().min(0).default(0.1).describe('Weight >= 0 of the cross entropy.'),
    beta: z.number().min(0).default(1).describe('Weight >= 0 of the reverse cross entropy.'),
    log_zero: z
      .number()
      .max(0)
      .default(Math.log(1e-4))
      .describe('The least value A <= 0 of log q, taken for log 0; ln 1e-4 in the code of the paper, -4 in its text.'),
  },
  variants: [
    { alpha: 1, beta: 0 },
    { alpha: 0, log_zero: -4 },
    { alpha: 6, beta: 0.1, log_zero: -2 },
  ],
  identities: [
    {
      says: 'alpha 1 and beta 0 it is cross entropy',
      params: { alpha: 1, beta: 0 },
      equals: 'cross_entropy',
      with: {},
    },
    {
      says: 'alpha 0 and log_zero -2 it is the mean absolute error of class indices',
      params: { alpha: 0, log_zero: -2 },
      equals: 'mae',
      with: {},
      onlyHard: true,
    },
  ],
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
    alpha: 0.5,
  },

  evaluate(block, { alpha, beta, log_zero: logZero }) {
    const sides = { alpha, beta, logZero }
    return hasOneBase(block.targets, block.classWeights)
      ? evaluatePoly(block, block.targets, polyOf(sides))
      : evaluateSoftmax(block, maths, sides)
  },

  reference({ scores, target, classWeights }, { alpha, beta, log_zero }) {
    const weight = target.reduce((sum, share, k) => sum + share * classWeights[k]!, 0)
    return logSoftmax(scores).reduce((sum, logP, k) => {
      const share = target[k]! * classWeights[k]!
      const forward = alpha === 0 || share === 0 ? 0 : -alpha * share * logP
      return sum + forward - beta * weight * Math.exp(logP) * Math.max(Math.log(target[k]!), log_zero)
    }, 0)
  },
})

interface Sides {
  readonly alpha: number
  readonly beta: number
  readonly logZero: number
}

const maths: SoftmaxMaths<Sides> = {
  row(rows, start, end, { alpha, beta, logZero }) {
    const { logP, p, q, shares, slopes } = rows
    const reverse = beta * rowWeight(rows, start, end)
    let loss = 0
    let before = Number.NaN
    let logQ = 0
    for (let k = start; k < end; k++) {
      // Most classes of a row have the same target, and a logarithm takes longer than all the rest.
      if (q[k] !== before) {
        before = q[k]!
        logQ = Math.max(Math.log(before), logZero)
      }
      const forward = alpha * shares[k]!
      const backward = reverse * p[k]! * logQ
      if (forward !== 0) loss -= forward * logP[k]!
      loss -= backward
      slopes[k] = -forward - backward
    }
    return loss
  },
}

/** What a p of q costs in reverse, -beta p log q, is beta log q (1 - p) less beta log q. */
function polyOf({ alpha, beta, logZero }: Sides): Poly {
  return {
    logs: alpha,
    ofMissing: (q) => beta * Math.max(Math.log(q), logZero),
    constant: (off, more) => -(off + more),
  }
}
