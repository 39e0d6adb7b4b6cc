import { LabelSmoothing } from '../../schemas/fields.ts'
import { softmaxFamily } from '../families/softmax.ts'
import { distributions } from '../target-kinds.ts'
import { labelShares } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { crossEntropyOfDistributions } from './cross-entropy-routes.ts'
import { type Block, defineLoss } from './definition.ts'
import { logSoftmax, weightedCrossEntropy } from './reference.ts'

export const labelSmoothingCrossEntropy = defineLoss({
  name: 'label_smoothing_cross_entropy',
  title: 'Label-smoothing cross entropy',
  summary:
    'The NLL + uniform form: (1-s) times the negative log-likelihood plus s times the mean of -log p over the classes.',
  whenToUse: 'Training recipes written for timm, whose smoothing of 0.1 is the default here.',
  formula: String.raw`\ell_n = (1-s) \Big(-\sum_k w_k\, t_{nk} \log p_{nk}\Big) + s \Big(-\sum_k w_k\, u_k \log p_{nk}\Big), \quad u_k = 1/K`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = (1-s) \Big(p_{nj} \sum_k w_k t_{nk} - w_j t_{nj}\Big) + s \Big(p_{nj} \sum_k w_k u_k - w_j u_j\Big)`,
  references: [
    {
      authors: 'Wightman',
      title: 'PyTorch Image Models: LabelSmoothingCrossEntropy',
      year: 2019,
      url: 'https://github.com/huggingface/pytorch-image-models',
    },
    {
      authors: 'Müller, Kornblith, Hinton',
      title: 'When Does Label Smoothing Help?',
      year: 2019,
      url: 'https://arxiv.org/abs/1906.02629',
    },
  ],
  torch: 'timm.loss.LabelSmoothingCrossEntropy(smoothing=0.1)(logits, targets)',
  oracle: `
    if y is not None:
        return F.cross_entropy(z, y, weight=w, reduction='none', label_smoothing=s)
    return F.cross_entropy(z, q, weight=w, reduction='none')`,
  family: softmaxFamily,
  targets: distributions,
  params: { label_smoothing: LabelSmoothing.default(0.1) },
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
  },
  warnings: classWeightsMoveOptimum,

  // The two terms have opposite signs where "others" gives the label less than the rest, and would meet as Infinity - Infinity.
  evaluate: (block) => (block.targets.smoothing.keep >= 0 ? nllPlusUniform(block) : crossEntropyOfDistributions(block)),

  reference({ scores, hardTarget, target, prior, classWeights, keep, mass }) {
    const logProbabilities = logSoftmax(scores)
    if (keep < 0) return weightedCrossEntropy(target, classWeights, logProbabilities)
    return (
      (keep === 0 ? 0 : keep * weightedCrossEntropy(hardTarget, classWeights, logProbabilities)) +
      (mass === 0 ? 0 : mass * weightedCrossEntropy(prior, classWeights, logProbabilities))
    )
  },
})

function nllPlusUniform(block: Block): number {
  const { memory, typed } = block.engine
  const { numRows, numClasses, dtype, targets } = block
  const { keep, mass, prior } = targets.smoothing
  const size = numRows * numClasses
  const classWeights = block.classWeights ?? new Float64Array(numClasses).fill(1)
  const uniform = classWeights.map((weight, k) => weight * (prior ? prior[k]! : 1 / numClasses))
  const uniformSum = uniform.reduce((sum, share) => sum + share, 0)
  return memory.scratch(() => {
    const rowMax = memory.allocate(numRows * ELEMENT_BYTES.F64)
    const logSum = memory.allocate(numRows * ELEMENT_BYTES.F64)
    // The gradient starts as the probabilities.
    const faulty = typed[dtype].softmax(block.scores, numRows, numClasses, block.gradients, rowMax, logSum)
    if (faulty !== -1) return faulty

    const scores = viewOf(memory, dtype, block.scores, size)
    const gradients = block.gradients === 0 ? undefined : viewOf(memory, dtype, block.gradients, size)
    const maxima = memory.f64(rowMax, numRows)
    const logSums = memory.f64(logSum, numRows)
    const scales = memory.f64(block.gradientScale, numRows)
    const losses = memory.f64(block.losses, numRows)
    const shares = labelShares(memory, dtype, targets, numRows, numClasses)

    for (let n = 0; n < numRows; n++) {
      const row = n * numClasses
      const max = maxima[n]!
      const logPartition = logSums[n]!
      let nll = 0
      let labelSum = 0
      for (let i = n * shares.stride; i < (n + 1) * shares.stride; i++) {
        const k = shares.classOf(i)
        const share = shares.shareOf(i) * classWeights[k]!
        if (share > 0) nll += share * (max - scores[row + k]! + logPartition)
        labelSum += share
      }
      let smooth = 0
      for (let k = 0; k < numClasses; k++)
        if (uniform[k]! > 0) smooth += uniform[k]! * (max - scores[row + k]! + logPartition)
      losses[n] = (keep === 0 ? 0 : keep * nll) + (mass === 0 ? 0 : mass * smooth)
      if (!gradients) continue
      const scale = scales[n]!
      const sum = keep * labelSum + mass * uniformSum
      for (let k = 0; k < numClasses; k++) gradients[row + k] = scale * (sum * gradients[row + k]! - mass * uniform[k]!)
      for (let i = n * shares.stride; i < (n + 1) * shares.stride; i++) {
        const k = shares.classOf(i)
        gradients[row + k] = gradients[row + k]! - scale * keep * shares.shareOf(i) * classWeights[k]!
      }
    }
    return -1
  })
}
