import { z } from 'zod'
import { LabelSmoothing } from '../../schemas/fields.ts'
import { softmaxFamily } from '../families/softmax.ts'
import { countedRows } from '../reduction.ts'
import { distributions } from '../target-kinds.ts'
import { rowsFrom, writeSmoothed } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
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
      year: 2020,
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
  const { engine, dtype, numRows, numClasses, classWeights } = block
  const { memory, typed } = engine
  const size = numRows * numClasses
  return memory.scratch(() => {
    const rowMax = memory.allocate(numRows * ELEMENT_BYTES.F64)
    const logSum = memory.allocate(numRows * ELEMENT_BYTES.F64)
    const smoothed = memory.allocate(numClasses * ELEMENT_BYTES.F64)
    // The gradient starts as the probabilities.
    const probabilities = block.gradients === 0 ? memory.allocate(size * ELEMENT_BYTES[dtype]) : block.gradients
    const faulty = typed[dtype].softmax(block.scores, numRows, numClasses, probabilities, rowMax, logSum)
    if (faulty !== -1) return faulty

    const rows: Rows = {
      numClasses,
      z: viewOf(memory, dtype, block.scores, size),
      p: viewOf(memory, dtype, probabilities, size),
      rowMax: memory.f64(rowMax, numRows),
      logSum: memory.f64(logSum, numRows),
      scales: memory.f64(block.gradientScale, numRows),
      target: memory.f64(smoothed, numClasses),
      logMean: new Float64Array(numClasses),
      pull: new Float64Array(numClasses),
      logRatio: new Float64Array(numClasses),
    }
    const losses = memory.f64(block.losses, numRows)
    for (let first = 0; first < numRows; first += splits) {
      const targets = rowsFrom(block.targets, first, numClasses, dtype)
      writeSmoothed(memory, dtype, targets, 1, numClasses, smoothed, 'F64')
      if (classWeights) for (let k = 0; k < numClasses; k++) rows.target[k]! *= classWeights[k]!
      mixtureOf(rows, first, splits)
      for (let n = first; n < first + splits; n++) {
        const entropy = n === first ? crossEntropy(rows, n) : 0
        losses[n] = entropy + (alpha / splits) * diverge(rows, n, n === first, alpha / splits) + 0
      }
    }
    return -1
  })
}

interface Rows {
  readonly numClasses: number
  readonly z: Float32Array | Float64Array
  /** Written: the gradient. */
  readonly p: Float32Array | Float64Array
  readonly rowMax: Float64Array
  readonly logSum: Float64Array
  readonly scales: Float64Array
  /** Of the group at hand, float64 [numClasses]: weighted target, log of the mean of p, and what moving that mean costs. */
  readonly target: Float64Array
  readonly logMean: Float64Array
  readonly pull: Float64Array
  readonly logRatio: Float64Array
}

/** The pull is the mean weight of the rows that a class has its probability from: where they weigh the same it cancels in the gradient. */
function mixtureOf({ numClasses, p, scales, logMean, pull }: Rows, first: number, splits: number): void {
  for (let k = 0; k < numClasses; k++) {
    let total = 0
    let weighed = 0
    for (let n = first; n < first + splits; n++) {
      total += p[n * numClasses + k]!
      weighed += scales[n]! * p[n * numClasses + k]!
    }
    logMean[k] = Math.log(total / splits)
    pull[k] = total === 0 ? 0 : weighed / total
  }
}

function crossEntropy({ numClasses, z, rowMax, logSum, target }: Rows, n: number): number {
  let loss = 0
  for (let k = 0; k < numClasses; k++)
    if (target[k]! > 0) loss += target[k]! * (rowMax[n]! - z[n * numClasses + k]! + logSum[n]!)
  return loss
}

/** Gives KL of a row to the mixture, and turns its probabilities to its gradient. */
function diverge(rows: Rows, n: number, hasTarget: boolean, factor: number): number {
  const { numClasses, z, p, rowMax, logSum, scales, target, logMean, pull, logRatio } = rows
  const [max, rest, scale, start] = [rowMax[n]!, logSum[n]!, scales[n]!, n * numClasses]
  let divergence = 0
  let drift = 0
  let mass = 0
  for (let k = 0; k < numClasses; k++) {
    const share = p[start + k]!
    logRatio[k] = share === 0 ? 0 : z[start + k]! - max - rest - logMean[k]!
    divergence += share * logRatio[k]!
    drift += share * pull[k]!
    if (hasTarget) mass += target[k]!
  }
  for (let k = 0; k < numClasses; k++) {
    const share = p[start + k]!
    const slope = share * (scale * (logRatio[k]! - divergence) - (pull[k]! - drift))
    p[start + k] = factor * slope + (hasTarget ? scale * (mass * share - target[k]!) : 0) + 0
  }
  return divergence
}
