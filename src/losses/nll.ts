import { logProbabilityFamily } from '../families/log-probability.ts'
import { distributions } from '../target-kinds.ts'
import { writeSmoothed } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { defineLoss } from './definition.ts'
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

  evaluate({ engine, dtype, numRows, numClasses, scores, targets, classWeights, gradientScale, losses, gradients }) {
    const { memory, typed } = engine
    return memory.scratch(() => {
      const size = numRows * numClasses
      const q = memory.allocate(size * ELEMENT_BYTES[dtype])
      const rowMax = memory.allocate(numRows * ELEMENT_BYTES.F64)
      // Read for its verdict on the rows alone.
      const faulty = typed[dtype].softmax(scores, numRows, numClasses, 0, rowMax, rowMax)
      if (faulty !== -1) return faulty

      writeSmoothed(memory, dtype, targets, numRows, numClasses, q)
      const logProbabilities = viewOf(memory, dtype, scores, size)
      const target = viewOf(memory, dtype, q, size)
      const gradient = gradients === 0 ? undefined : viewOf(memory, dtype, gradients, size)
      const lossView = memory.f64(losses, numRows)
      const scales = memory.f64(gradientScale, numRows)
      for (let n = 0, i = 0; n < numRows; n++) {
        let loss = 0
        for (let k = 0; k < numClasses; k++, i++) {
          const share = classWeights ? classWeights[k]! * target[i]! : target[i]!
          if (share !== 0) loss -= share * logProbabilities[i]!
          if (gradient) gradient[i] = share === 0 ? 0 : -share * scales[n]!
        }
        lossView[n] = loss
      }
      return -1
    })
  },

  reference: ({ scores, target, classWeights }) => weightedCrossEntropy(target, classWeights, scores),
})
