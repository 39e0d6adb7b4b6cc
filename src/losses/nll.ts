import { logProbabilityFamily } from '../families/log-probability.ts'
import { smoothedValue } from '../smoothing.ts'
import { distributions } from '../target-kinds.ts'
import { type SparseRows, writeSmoothed } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
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

  evaluate(block) {
    const faulty = firstWithoutDistribution(block)
    if (faulty !== -1) return faulty
    if (block.targets.kind === 'sparse') sparseRows(block, block.targets)
    else denseRows(block)
    return -1
  },

  reference: ({ scores, target, classWeights }) => weightedCrossEntropy(target, classWeights, scores),
})

/** The first row that holds NaN, or whose largest is infinite: found where the largest is. */
function firstWithoutDistribution({ engine, dtype, numRows, numClasses, scores }: Block): number {
  const { memory, typed } = engine
  return memory.scratch(() => {
    const positions = memory.allocate(numRows * ELEMENT_BYTES.I32)
    typed[dtype].argmax(scores, numRows, numClasses, positions)
    const values = viewOf(memory, dtype, scores, numRows * numClasses)
    return memory.i32(positions, numRows).findIndex((k, n) => !Number.isFinite(values[n * numClasses + k]!))
  })
}

/** What all rows are smoothed towards, and then the labels. */
function sparseRows(block: Block, targets: SparseRows): void {
  const { engine, dtype, numRows, numClasses, classWeights } = block
  const { memory } = engine
  const { smoothing, entries } = targets
  const logProbabilities = viewOf(memory, dtype, block.scores, numRows * numClasses)
  const gradient = block.gradients === 0 ? undefined : viewOf(memory, dtype, block.gradients, numRows * numClasses)
  const losses = memory.f64(block.losses, numRows)
  const scales = memory.f64(block.gradientScale, numRows)
  const labels = memory.i32(targets.labels, numRows * entries)
  const shares = memory.f64(targets.shares, numRows * entries)
  const base = new Float64Array(numClasses)
  if (smoothing.mass !== 0)
    for (let k = 0; k < numClasses; k++)
      base[k] = (classWeights ? classWeights[k]! : 1) * smoothedValue(smoothing, k, 0)

  for (let n = 0; n < numRows; n++) {
    const start = n * numClasses
    if (gradient && smoothing.mass === 0) gradient.fill(0, start, start + numClasses)
    else if (gradient) for (let k = 0; k < numClasses; k++) gradient[start + k] = -base[k]! * scales[n]! + 0
    // The whole share of a class that has an entry is the entry's.
    const labelOf = (entry: number) => (shares[entry]! > 0 ? labels[entry]! : -1)
    const first = labelOf(n * entries)
    const last = labelOf((n + 1) * entries - 1)
    let loss = 0
    if (smoothing.mass !== 0) {
      for (let k = 0; k < numClasses; k++)
        if (base[k] !== 0 && k !== first && k !== last) loss -= base[k]! * logProbabilities[start + k]!
    }
    for (let entry = n * entries; entry < (n + 1) * entries; entry++) {
      const k = labelOf(entry)
      if (k === -1) continue
      const share = (classWeights ? classWeights[k]! : 1) * smoothedValue(smoothing, k, shares[entry]!)
      if (share !== 0) loss -= share * logProbabilities[start + k]!
      if (gradient) gradient[start + k] = -share * scales[n]! + 0
    }
    losses[n] = loss + 0
  }
}

function denseRows({ engine, dtype, numRows, numClasses, scores, targets, classWeights, ...block }: Block): void {
  const { memory } = engine
  memory.scratch(() => {
    const size = numRows * numClasses
    const q = memory.allocate(size * ELEMENT_BYTES[dtype])
    writeSmoothed(memory, dtype, targets, numRows, numClasses, q)
    const logProbabilities = viewOf(memory, dtype, scores, size)
    const target = viewOf(memory, dtype, q, size)
    const gradient = block.gradients === 0 ? undefined : viewOf(memory, dtype, block.gradients, size)
    const losses = memory.f64(block.losses, numRows)
    const scales = memory.f64(block.gradientScale, numRows)
    for (let n = 0, i = 0; n < numRows; n++) {
      let loss = 0
      for (let k = 0; k < numClasses; k++, i++) {
        const share = classWeights ? classWeights[k]! * target[i]! : target[i]!
        if (share !== 0) loss -= share * logProbabilities[i]!
        if (gradient) gradient[i] = share === 0 ? 0 : -share * scales[n]!
      }
      losses[n] = loss
    }
  })
}
