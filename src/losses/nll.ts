import { logProbabilityFamily } from '../families/log-probability.ts'
import { distributions } from '../target-kinds.ts'
import type { SparseRows } from '../target-rows.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { builtTarget, isSparse, unbuiltTarget } from './cross-entropy-routes.ts'
import { type Block, defineLoss } from './definition.ts'
import { weightedCrossEntropy } from './reference.ts'

export const nll = defineLoss({
  name: 'nll',
  title: 'Negative log-likelihood',
  summary: 'Takes log-probabilities, for example those of a log-softmax; gradients are with respect to them.',
  whenToUse: 'A model that ends in a log-softmax of its own, or whose log-probabilities come from somewhere else.',
  formula: String.raw`\ell_n = -\sum_k w_k\, q_{nk} \log p_{nk}`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial \log p_{nj}} = -w_j q_{nj}`,
  references: [
    {
      authors: 'Paszke et al.',
      title: 'PyTorch: An Imperative Style, High-Performance Deep Learning Library',
      year: 2019,
      url: 'https://arxiv.org/abs/1912.01703',
    },
  ],
  torch: 'F.nll_loss(log_probabilities, targets, weight=class_weights, ignore_index=-100, reduction="mean")',
  others: [
    'fairseq.criterions.label_smoothed_cross_entropy.label_smoothed_nll_loss(log_probabilities, targets, epsilon=0.1)[0]  # label_smoothing: 0.1, smoothing: "others", reduction: "sum"',
  ],
  oracle: `
    if y is not None and s == 0:
        return F.nll_loss(z, y, weight=w, reduction='none')
    return torch.sum(-w * q * z, dim=-1)`,
  family: logProbabilityFamily,
  targets: distributions,
  params: {},
  example: {
    log_probabilities: [
      [-0.417, -1.417, -2.317],
      [-2.219, -0.219, -2.419],
    ],
    targets: [0, 1],
  },
  warnings: classWeightsMoveOptimum,

  evaluate: (block) => (isSparse(block.targets) ? ofLabels(block, block.targets) : ofDistributions(block)),

  reference: ({ scores, target, classWeights }) => weightedCrossEntropy(target, classWeights, scores),
})

function ofLabels(block: Block, targets: SparseRows): number {
  const { memory, typed } = block.engine
  const { scores, numRows, numClasses, dtype } = block
  return memory.scratch(() => {
    const { coefficients, base, baseValue } = unbuiltTarget(block, targets)
    return typed[dtype].nllSparse(
      scores,
      numRows,
      numClasses,
      targets.labels,
      coefficients,
      targets.entries,
      base,
      baseValue,
      block.gradientScale,
      block.losses,
      block.gradients,
    )
  })
}

function ofDistributions(block: Block): number {
  const { memory, typed } = block.engine
  const { scores, numRows, numClasses, dtype, gradientScale, losses, gradients } = block
  return memory.scratch(() => {
    const [q, weights] = builtTarget(block)
    return typed[dtype].nllDense(scores, numRows, numClasses, q, weights, gradientScale, losses, gradients)
  })
}
