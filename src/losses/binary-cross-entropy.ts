import { z } from 'zod'
import { tensor } from '../../schemas/tensor.ts'
import { logSigmoid, sigmoidFamily } from '../families/sigmoid.ts'
import { countedElements, countedRows } from '../reduction.ts'
import { labels } from '../target-kinds.ts'
import { rowsFrom, stripRowsOf, writeSmoothed } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import { type Block, defineLoss, PER_CLASS } from './definition.ts'

export const binaryCrossEntropy = defineLoss({
  name: 'binary_cross_entropy',
  title: 'Binary cross entropy',
  summary:
    'Each class is a question of its own: the cross entropy of its sigmoid and its label, summed over the classes.',
  whenToUse:
    'Several classes at once may be right, or none. Also for one class out of many, as in training recipes of timm: a class that is off is pushed down whatever the others do.',
  formula: String.raw`\ell_n = -\sum_k w_k \big(P_k\, q_{nk} \log \sigma(z_{nk}) + (1 - q_{nk}) \log \sigma(-z_{nk})\big)`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = w_j \big((1 - q_{nj})\, \sigma(z_{nj}) - P_j\, q_{nj}\, \sigma(-z_{nj})\big)`,
  references: [
    {
      authors: 'Wightman, Touvron, Jégou',
      title: 'ResNet strikes back: An improved training procedure in timm',
      year: 2021,
      url: 'https://arxiv.org/abs/2110.00476',
    },
  ],
  torch:
    'F.binary_cross_entropy_with_logits(logits, targets, weight=class_weights, pos_weight=pos_weight, reduction="mean")',
  others: [
    'timm.loss.BinaryCrossEntropy(smoothing=0.1, target_threshold=0.2)(logits, targets)  # targets: [0, 1], label_smoothing: 0.1, target_threshold: 0.2',
    'timm.loss.BinaryCrossEntropy(smoothing=0.1, smooth_dense=True)(logits, targets)  # label_smoothing: 0.1, smoothing: "half"',
    'keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)(targets, logits)  # label_smoothing: 0.1, smoothing: "half"',
    'optax.sigmoid_binary_cross_entropy(logits, targets).mean()',
  ],
  oracle: `
    if y is not None and s < 1:
        timm_loss = timm.loss.BinaryCrossEntropy(s, target_threshold, weight=w, reduction='none', pos_weight=pos_weight)
        return timm_loss(z, y).sum(dim=-1)
    return F.binary_cross_entropy_with_logits(z, q, weight=w, pos_weight=pos_weight, reduction='none').sum(dim=-1)`,
  family: sigmoidFamily,
  targets: labels,
  params: {
    pos_weight: tensor(
      '[K]',
      [1],
      'Weight >= 0 of each class where its label is on [K], on top of its class weight.',
    ).optional(),
    target_threshold: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('Labels above it, after smoothing and mixing, become 1 and the others 0. In [0, 1].'),
    sum_classes: z
      .boolean()
      .default(false)
      .describe(
        'Whether "mean" divides by rows, so that a row counts the sum over its classes; else by rows times classes.',
      ),
  },
  variants: [{ pos_weight: PER_CLASS }, { target_threshold: 0.21 }, { sum_classes: true, pos_weight: PER_CLASS }],
  denominator: ({ sum_classes: sums }) => (sums ? countedRows : countedElements),
  example: {
    logits: [
      [2, -1, 0.1],
      [0.5, 2.5, -3],
    ],
    targets: [
      [1, 0, 0],
      [0, 1, 1],
    ],
  },

  evaluate,

  reference: ({ scores, target, classWeights }, { pos_weight: positive }) =>
    scores.reduce((sum, z, k) => {
      const on = classWeights[k]! * (positive?.[k] ?? 1) * target[k]!
      const off = classWeights[k]! * (1 - target[k]!)
      return sum - (on === 0 ? 0 : on * logSigmoid(z)) - (off === 0 ? 0 : off * logSigmoid(-z))
    }, 0),
})

/** Rows whose labels are built at a time, so that they stay near the processor. */
const STRIP_ELEMENTS = 16_384

interface Params {
  /** float64 [numClasses] */
  readonly pos_weight?: Float64Array | undefined
}

function evaluate(block: Block, { pos_weight: positive }: Params): number {
  const { engine, dtype, numRows, numClasses, classWeights, gradientScale, losses, gradients } = block
  const { memory, typed } = engine
  const bytes = ELEMENT_BYTES[dtype]
  const stripRows = stripRowsOf(numRows, numClasses, STRIP_ELEMENTS)
  return memory.scratch(() => {
    const labels = memory.allocate(stripRows * numClasses * bytes)
    const onWeights = memory.allocate(numClasses * bytes)
    const offWeights = memory.allocate(numClasses * bytes)
    const on = viewOf(memory, dtype, onWeights, numClasses)
    const off = viewOf(memory, dtype, offWeights, numClasses)
    for (let k = 0; k < numClasses; k++) {
      off[k] = classWeights ? classWeights[k]! : 1
      on[k] = (classWeights ? classWeights[k]! : 1) * (positive ? positive[k]! : 1)
    }
    for (let first = 0; first < numRows; first += stripRows) {
      const count = Math.min(stripRows, numRows - first)
      const offset = first * numClasses * bytes
      writeSmoothed(memory, dtype, rowsFrom(block.targets, first, numClasses, dtype), count, numClasses, labels)
      const faulty = typed[dtype].binaryCrossEntropy(
        block.scores + offset,
        count,
        numClasses,
        labels,
        onWeights,
        offWeights,
        gradientScale + first * ELEMENT_BYTES.F64,
        losses + first * ELEMENT_BYTES.F64,
        gradients === 0 ? 0 : gradients + offset,
      )
      if (faulty !== -1) return first + faulty
    }
    return -1
  })
}
