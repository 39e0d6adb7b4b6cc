import { softmaxFamily } from '../families/softmax.ts'
import { distributions } from '../target-kinds.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { crossEntropyOfDistributions, crossEntropyOfLabels, isSparse } from './cross-entropy-routes.ts'
import { defineLoss } from './definition.ts'
import { logSoftmax, weightedCrossEntropy } from './reference.ts'

export const crossEntropy = defineLoss({
  name: 'cross_entropy',
  title: 'Cross entropy',
  summary:
    'Log-softmax followed by the negative log-likelihood, over class indices or probabilities, with label smoothing.',
  whenToUse:
    'The default for one class out of many. With label smoothing it keeps the model from growing its logits without bound.',
  formula: String.raw`\ell_n = -\sum_k w_k\, q_{nk} \log p_{nk}`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = p_{nj} \sum_k w_k q_{nk} - w_j q_{nj}`,
  references: [
    {
      authors: 'Szegedy, Vanhoucke, Ioffe, Shlens, Wojna',
      title: 'Rethinking the Inception Architecture for Computer Vision',
      year: 2016,
      url: 'https://arxiv.org/abs/1512.00567',
    },
  ],
  torch:
    'F.cross_entropy(logits, targets, weight=class_weights, ignore_index=-100, reduction="mean", label_smoothing=0.1)',
  others: [
    'keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)(targets, logits)',
    'optax.softmax_cross_entropy(logits, optax.smooth_labels(targets, 0.1))',
  ],
  oracle: `
    if y is not None:
        return F.cross_entropy(z, y, weight=w, reduction='none', label_smoothing=s)
    return F.cross_entropy(z, q, weight=w, reduction='none')`,
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
  },
  affineInSmoothing: () => true,
  warnings: classWeightsMoveOptimum,

  evaluate: (block) =>
    isSparse(block.targets) ? crossEntropyOfLabels(block, block.targets) : crossEntropyOfDistributions(block),

  reference: ({ scores, target, classWeights }) => weightedCrossEntropy(target, classWeights, logSoftmax(scores)),
})
