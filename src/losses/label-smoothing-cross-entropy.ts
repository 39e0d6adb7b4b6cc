import { LabelSmoothing } from '../../schemas/fields.ts'
import { softmaxFamily } from '../families/softmax.ts'
import type { Smoothing } from '../smoothing.ts'
import { distributions } from '../target-kinds.ts'
import { ELEMENT_BYTES } from '../wire/tensor.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { crossEntropyOfDistributions, crossEntropyOfLabels } from './cross-entropy-routes.ts'
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
  others: ['F.cross_entropy(logits, targets, label_smoothing=0.1)'],
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
  affineInSmoothing: () => true,
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

const UNSMOOTHED: Smoothing = { keep: 1, mass: 0, offValue: 0, onValue: 1, prior: undefined }

/** Each term by itself, and then their sum. */
function nllPlusUniform(block: Block): number {
  const { targets } = block
  const { keep, mass } = targets.smoothing
  if (mass === 0) return nllTerm(block)
  if (keep === 0) return uniformTerm(block)
  const { memory, typed } = block.engine
  const size = block.numRows * block.numClasses
  return memory.scratch(() => {
    const nll = memory.allocate(block.numRows * ELEMENT_BYTES.F64)
    const nllGradients = block.gradients === 0 ? 0 : memory.allocate(size * ELEMENT_BYTES[block.dtype])
    const faulty = nllTerm({ ...scaledBlock(block, keep), losses: nll, gradients: nllGradients })
    if (faulty !== -1) return faulty
    uniformTerm(scaledBlock(block, mass))
    const losses = memory.f64(block.losses, block.numRows)
    memory.f64(nll, block.numRows).forEach((loss, n) => {
      losses[n] = keep * loss + mass * losses[n]!
    })
    if (nllGradients !== 0) typed[block.dtype].add(block.gradients, nllGradients, size)
    return -1
  })
}

function nllTerm(block: Block): number {
  const targets = { ...block.targets, smoothing: UNSMOOTHED }
  return targets.kind === 'sparse'
    ? crossEntropyOfLabels(block, targets)
    : crossEntropyOfDistributions({ ...block, targets })
}

/** Cross entropy of what every row is smoothed towards: no row has a label of its own. */
function uniformTerm(block: Block): number {
  const { memory } = block.engine
  const { numRows, numClasses } = block
  const { prior } = block.targets.smoothing
  return memory.scratch(() => {
    const labels = memory.allocate(numRows * ELEMENT_BYTES.I32)
    const shares = memory.allocate(numRows * ELEMENT_BYTES.F64)
    memory.i32(labels, numRows).fill(0)
    memory.f64(shares, numRows).fill(0)
    const smoothing = { keep: 0, mass: 1, offValue: 1 / numClasses, onValue: 1 / numClasses, prior }
    return crossEntropyOfLabels(block, { kind: 'sparse', smoothing, labels, shares, entries: 1 })
  })
}

/** The same rows with their gradients multiplied by a factor. Lives in scratch memory. */
function scaledBlock(block: Block, factor: number): Block {
  const { memory } = block.engine
  const gradientScale = memory.allocate(block.numRows * ELEMENT_BYTES.F64)
  const scales = memory.f64(block.gradientScale, block.numRows)
  memory.f64(gradientScale, block.numRows).forEach((_, n, scaled) => {
    scaled[n] = factor * scales[n]!
  })
  return { ...block, gradientScale }
}
