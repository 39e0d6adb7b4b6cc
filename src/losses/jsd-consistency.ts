import { z } from 'zod'
import { LabelSmoothing } from '../../schemas/fields.ts'
import { softmaxFamily } from '../families/softmax.ts'
import { countedRows } from '../reduction.ts'
import { distributions } from '../target-kinds.ts'
import { smoothedStrips } from '../target-rows.ts'
import { ELEMENT_BYTES } from '../wire/tensor.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { type Block, defineLoss } from './definition.ts'
import { logSoftmax, weightedCrossEntropy } from './reference.ts'

export const jsdConsistency = defineLoss({
  name: 'jsd_consistency',
  title: 'Jensen-Shannon consistency',
  summary:
    'Cross entropy of the first split of a batch, and how far the splits, which are views of the same inputs, are from agreeing.',
  whenToUse:
    'Training with AugMix: the batch holds each input as it is and augmented, one split after the other, and the model is to say the same of all of them.',
  formula: String.raw`\ell_{mb} = [m = 0] \Big(-\sum_k w_k\, q_{bk} \log p_{0bk}\Big) + \frac{\alpha}{M} \sum_k p_{mbk} (\log p_{mbk} - \log \bar p_{bk}), \quad \bar p_b = \frac{1}{M} \sum_m p_{mb}, \quad n = m B + b`,
  gradient: String.raw`\frac{\partial}{\partial z_{mbj}} \sum_m \ell_{mb} = [m = 0] \Big(p_{0bj} \sum_k w_k q_{bk} - w_j q_{bj}\Big) + \frac{\alpha}{M}\, p_{mbj} \Big(\log \frac{p_{mbj}}{\bar p_{bj}} - \sum_k p_{mbk} \log \frac{p_{mbk}}{\bar p_{bk}}\Big)`,
  references: [
    {
      authors: 'Hendrycks, Mu, Cubuk, Zoph, Gilmer, Lakshminarayanan',
      title: 'AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty',
      year: 2020,
      url: 'https://arxiv.org/abs/1912.02781',
    },
    {
      authors: 'Wightman',
      title: 'PyTorch Image Models: JsdCrossEntropy',
      year: 2019,
      url: 'https://github.com/huggingface/pytorch-image-models',
    },
  ],
  torch: 'timm.loss.JsdCrossEntropy(num_splits=3, alpha=12, smoothing=0.1)(logits, targets)',
  oracle: `
    size = z.shape[0] // splits
    if y is not None:
        entropy = F.cross_entropy(z[:size], y[:size], weight=w, reduction='none', label_smoothing=s)
    else:
        entropy = F.cross_entropy(z[:size], q[:size], weight=w, reduction='none')
    log_p = F.log_softmax(z, dim=-1).view(splits, size, K)
    mixture = torch.logsumexp(log_p, dim=0, keepdim=True) - torch.log(torch.tensor(splits, dtype=z.dtype))
    divergence = F.kl_div(mixture.expand_as(log_p), log_p, log_target=True, reduction='none').sum(dim=-1)
    losses = (alpha / splits * divergence).flatten()
    return torch.cat([losses[:size] + entropy, losses[size:]]), size`,
  family: softmaxFamily,
  targets: distributions,
  params: {
    splits: z
      .int()
      .min(2)
      .default(3)
      .describe(
        'Number of splits M of the first axis, >= 2: rows b, b + N/M, b + 2N/M, ... are views of one input, whose target is that of the first.',
      ),
    alpha: z.number().min(0).default(12).describe('Factor of the divergence, >= 0.'),
    label_smoothing: LabelSmoothing.default(0.1),
  },
  variants: [{ alpha: 0 }, { alpha: 1 }, { splits: 2 }],
  rowsTogether: ({ splits }) => splits,
  denominator:
    ({ splits }) =>
    (rows) =>
      countedRows(rows) / splits,
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
      [1.5, 1.25, 0],
      [0, 2, 0.75],
      [2.5, 0.5, 0.25],
      [0.25, 1.5, 1],
    ],
    targets: [0, 1, 0, 1, 0, 1],
  },

  warnings: classWeightsMoveOptimum,

  evaluate: evaluateGroups,

  reference({ group, member, target, classWeights }, { alpha }) {
    const logs = group.map(logSoftmax)
    const own = logs[member]!
    const mean = (k: number) => logs.reduce((sum, each) => sum + Math.exp(each[k]!), 0) / group.length
    const divergence = own.reduce((sum, logP, k) => {
      const p = Math.exp(logP)
      return p === 0 ? sum : sum + p * (logP - Math.log(mean(k)))
    }, 0)
    const entropy = member === 0 ? weightedCrossEntropy(target, classWeights, own) : 0
    return entropy + (alpha / group.length) * divergence
  },
})

interface Params {
  readonly splits: number
  readonly alpha: number
}

function evaluateGroups(block: Block, { splits, alpha }: Params): number {
  const { engine, dtype, numRows, numClasses, scores, classWeights } = block
  const { memory, typed } = engine
  const rowBytes = numClasses * ELEMENT_BYTES[dtype]
  return memory.scratch(() => {
    const float64 = (length: number) => memory.allocate(length * ELEMENT_BYTES.F64)
    const [rowMax, logSum, smoothed, scratch] = [numRows, numRows, numClasses, 3 * numClasses].map(float64)
    const target = classWeights ? float64(numClasses) : smoothed!
    // The gradient starts as the probabilities.
    const probabilities = block.gradients === 0 ? memory.allocate(numRows * rowBytes) : block.gradients
    const { softmax, consistency } = typed[dtype]
    const faulty = softmax(scores, numRows, numClasses, probabilities, rowMax!, logSum!)
    if (faulty !== -1) return faulty

    const [q, weighted] = [memory.f64(smoothed!, numClasses), memory.f64(target, numClasses)]
    const writeTarget = smoothedStrips(memory, dtype, block.targets, numRows, 1, numClasses, smoothed!)
    for (let first = 0; first < numRows; first += splits) {
      writeTarget(first, 1)
      if (classWeights) for (let k = 0; k < numClasses; k++) weighted[k] = q[k]! * classWeights[k]!
      const [row, perRow] = [first * rowBytes, first * ELEMENT_BYTES.F64]
      // Arguments one by one: spread, they take as long as a hundred classes.
      consistency(
        scores + row,
        splits,
        numClasses,
        rowMax! + perRow,
        logSum! + perRow,
        target,
        block.gradientScale + perRow,
        alpha / splits,
        scratch!,
        block.losses + perRow,
        probabilities + row,
      )
    }
    return -1
  })
}
