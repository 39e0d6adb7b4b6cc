import { softmaxFamily } from '../families/softmax.ts'
import { distributions } from '../target-kinds.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { crossEntropyOfDistributions } from './cross-entropy-routes.ts'
import { defineLoss } from './definition.ts'
import { logSoftmax, weightedCrossEntropy } from './reference.ts'

export const softTargetCrossEntropy = defineLoss({
  name: 'soft_target_cross_entropy',
  title: 'Soft-target cross entropy',
  summary:
    'The dense form: cross entropy with targets that are built with on and off values and mixed before the loss sees them.',
  whenToUse:
    'Training with mixup or CutMix as timm does it, and distributions that come from elsewhere, for example from several annotators.',
  formula: String.raw`\ell_n = -\sum_k w_k\, q_{nk} \log p_{nk}, \quad q_n = \lambda_n\, \mathrm{onehot}(y_n; \mathrm{on}, \mathrm{off}) + (1-\lambda_n)\, \mathrm{onehot}(y_{\pi(n)}; \mathrm{on}, \mathrm{off})`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = p_{nj} \sum_k w_k q_{nk} - w_j q_{nj}`,
  references: [
    {
      authors: 'Zhang, Cissé, Dauphin, Lopez-Paz',
      title: 'mixup: Beyond Empirical Risk Minimization',
      year: 2018,
      url: 'https://arxiv.org/abs/1710.09412',
    },
    {
      authors: 'Wightman',
      title: 'PyTorch Image Models: Mixup, SoftTargetCrossEntropy',
      year: 2019,
      url: 'https://github.com/huggingface/pytorch-image-models',
    },
  ],
  torch:
    'timm.loss.SoftTargetCrossEntropy()(logits, timm.data.mixup.mixup_target(targets, num_classes, lam=0.7, smoothing=0.1))',
  others: [
    'keras.losses.CategoricalCrossentropy(from_logits=True)(q, logits)',
    'optax.softmax_cross_entropy(logits, q).mean()',
  ],
  oracle: 'return torch.sum(-w * q * F.log_softmax(z, dim=-1), dim=-1)',
  family: softmaxFamily,
  targets: distributions,
  params: {},
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
    label_smoothing: 0.1,
    mixup: { lam: 0.7 },
  },
  affineInSmoothing: () => true,
  warnings: classWeightsMoveOptimum,

  evaluate: crossEntropyOfDistributions,

  reference: ({ scores, target, classWeights }) => weightedCrossEntropy(target, classWeights, logSoftmax(scores)),
})
