import { z } from 'zod'
import { softmaxFamily } from '../families/softmax.ts'
import { distributions } from '../target-kinds.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { defineLoss } from './definition.ts'
import { evaluatePoly, hasOneBase, type Poly } from './label-poly.ts'
import { logSoftmax } from './reference.ts'
import { evaluateSoftmax, restOf, type SoftmaxMaths } from './softmax-rows.ts'

export const poly1 = defineLoss({
  name: 'poly1',
  title: 'Poly-1 loss',
  summary: 'Cross entropy plus a term linear in the probability that the target is missing.',
  whenToUse:
    'One number more to tune than cross entropy: above 0 the model is pushed further where it is sure already, below 0 less, as suits imbalanced data.',
  formula: String.raw`\ell_n = -\sum_k w_k\, q_{nk} \log p_{nk} + \epsilon \sum_k w_k\, q_{nk} (1 - p_{nk})`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = h_{nj} - p_{nj} \sum_k h_{nk}, \quad h_{nk} = -w_k\, q_{nk} (1 + \epsilon\, p_{nk})`,
  references: [
    {
      authors: 'Leng, Tan, Liu, Cubuk, Shi, Cheng, Anguelov',
      title: 'PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions',
      year: 2022,
      url: 'https://arxiv.org/abs/2204.12511',
    },
  ],
  torch:
    'log_p = F.log_softmax(logits, dim=-1); (-(q * log_p).sum(dim=-1) + epsilon * (q * (1 - log_p.exp())).sum(dim=-1)).mean()',
  others: [
    'timm.loss.PolyCrossEntropy(epsilon=2)(logits, targets)',
    'optax.losses.poly_loss_cross_entropy(logits, q, epsilon=2).mean()',
  ],
  oracle: `
    if y is not None and s == 0:
        loss = F.cross_entropy(z, y, reduction='none')
        return w[y] * (loss + epsilon * (1 - torch.exp(-loss)))
    log_p = F.log_softmax(z, dim=-1)
    return (w * q * (epsilon * (1 - log_p.exp()) - log_p)).sum(dim=-1)`,
  family: softmaxFamily,
  targets: distributions,
  params: {
    epsilon: z.number().min(-1).default(1).describe('Weight of the first polynomial term, >= -1; 0 is cross entropy.'),
  },
  variants: [{ epsilon: 0 }, { epsilon: -1 }, { epsilon: 2.5 }],
  identities: [{ says: 'epsilon 0 it is cross entropy', params: { epsilon: 0 }, equals: 'cross_entropy', with: {} }],
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
    epsilon: 2,
  },

  warnings: classWeightsMoveOptimum,

  evaluate: (block, params) =>
    hasOneBase(block.targets, block.classWeights)
      ? evaluatePoly(block, block.targets, polyOf(params))
      : evaluateSoftmax(block, maths, params),

  reference: ({ scores, target, classWeights }, { epsilon }) =>
    logSoftmax(scores).reduce((sum, logP, k) => {
      const share = target[k]! * classWeights[k]!
      return share === 0 ? sum : sum + share * (epsilon * -Math.expm1(logP) - logP)
    }, 0),
})

const maths: SoftmaxMaths<{ readonly epsilon: number }> = {
  row({ logP, p, shares, slopes }, start, end, { epsilon }) {
    let loss = 0
    for (let k = start; k < end; k++) {
      const share = shares[k]!
      if (share !== 0) loss += share * (epsilon * restOf(p[k]!, logP[k]!) - logP[k]!)
      slopes[k] = -share * (1 + epsilon * p[k]!)
    }
    return loss
  },
}

function polyOf({ epsilon }: { readonly epsilon: number }): Poly {
  return { logs: 1, ofMissing: (q) => epsilon * q, constant: (off, _more, numClasses) => off * (numClasses - 1) }
}
