import { z } from 'zod'
import { softmaxFamily } from '../families/softmax.ts'
import { classIndices } from '../target-kinds.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import { type Block, defineLoss } from './definition.ts'
import { findTops, labelsOf } from './margin-rows.ts'

export const multiMargin = defineLoss({
  name: 'multi_margin',
  title: 'Multi-class margin loss',
  summary:
    'The sum over the other classes of how far each comes within a margin of the target, over the number of classes.',
  whenToUse:
    'A linear classifier in the manner of a support vector machine: a row that is right by the margin has no gradient. Logits are scores then, not log-odds.',
  formula: String.raw`\ell_n = \frac{w_{y_n}}{K} \sum_{k \ne y_n} v_{nk}^p, \quad v_{nk} = \max(0,\ m - z_{n y_n} + z_{nk})`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = \frac{w_{y_n}}{K}\, p\, v_{nj}^{p-1} [v_{nj} > 0] \ (j \ne y_n), \quad \frac{\partial \ell_n}{\partial z_{n y_n}} = -\sum_{k \ne y_n} \frac{\partial \ell_n}{\partial z_{nk}}`,
  references: [
    {
      authors: 'Weston, Watkins',
      title: 'Support Vector Machines for Multi-Class Pattern Recognition',
      year: 1999,
      url: 'https://www.esann.org/sites/default/files/proceedings/legacy/es1999-461.pdf',
    },
    {
      authors: 'Crammer, Singer',
      title: 'On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines',
      year: 2001,
      url: 'https://www.jmlr.org/papers/v2/crammer01a.html',
    },
  ],
  torch:
    'F.multi_margin_loss(logits, targets, p=1, margin=1.0, weight=class_weights)  # its mean divides by N: the same with normalizer N',
  oracle: `return F.multi_margin_loss(z, y, p=params.p, margin=margin, weight=w, reduction='none')`,
  family: softmaxFamily,
  targets: classIndices,
  params: {
    p: z
      .union([z.literal(1), z.literal(2)], { error: 'expected 1 or 2' })
      .default(1)
      .describe('Power of what comes within the margin: 1 or 2.'),
    margin: z
      .number()
      .default(1)
      .describe('How far the logit of the target has to be above each other one to cost nothing; any finite number.'),
  },
  variants: [{ p: 2 }, { margin: 0.25 }, { p: 2, margin: -0.5 }, { margin: 0 }],
  example: {
    logits: [
      [2, 1.5, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
  },

  evaluate,

  reference({ scores, hardTarget, classWeights }, { p, margin }) {
    const y = hardTarget.indexOf(1)
    if (classWeights[y] === 0) return 0
    const cost = (score: number, k: number) =>
      k === y || score === Number.NEGATIVE_INFINITY ? 0 : Math.max(0, score - scores[y]! + margin) ** p
    return (classWeights[y]! * scores.reduce((sum, score, k) => sum + cost(score, k), 0)) / scores.length
  },

  distanceToKink({ scores, hardTarget }, { p, margin }) {
    const y = hardTarget.indexOf(1)
    if (p === 2) return Number.POSITIVE_INFINITY
    return Math.min(
      ...scores.map((score, k) => (k === y ? Number.POSITIVE_INFINITY : Math.abs(score - scores[y]! + margin))),
    )
  },
})

interface Params {
  readonly p: 1 | 2
  readonly margin: number
}

function evaluate(block: Block, { p, margin }: Params): number {
  const { engine, dtype, numRows, numClasses, scores, targets, classWeights, losses, gradients } = block
  const { memory, typed } = engine
  return memory.scratch(() => {
    const { faulty } = findTops(block)
    if (faulty !== -1) return faulty
    const labels = labelsOf(targets)
    const factors = memory.allocate(numRows * ELEMENT_BYTES.F64)
    const factor = memory.f64(factors, numRows)
    const scales = memory.f64(block.gradientScale, numRows)
    const classes = memory.i32(labels, numRows)
    const weightOf = (n: number) => (classWeights ? classWeights[classes[n]!]! : 1) / numClasses
    for (let n = 0; n < numRows; n++) factor[n] = p * scales[n]! * weightOf(n)
    typed[dtype].margins(scores, numRows, numClasses, labels, margin, p - 1, factors, losses, gradients)

    const loss = memory.f64(losses, numRows)
    const z = viewOf(memory, dtype, scores, numRows * numClasses)
    const gradient = gradients === 0 ? undefined : viewOf(memory, dtype, gradients, numRows * numClasses)
    for (let n = 0; n < numRows; n++) {
      loss[n] = weightOf(n) === 0 ? 0 : weightOf(n) * loss[n]!
      // The squares of what is infinite have an infinite slope, which is given as 0.
      if (p === 2 && z[n * numClasses + classes[n]!] === Number.NEGATIVE_INFINITY)
        gradient?.fill(0, n * numClasses, (n + 1) * numClasses)
    }
    return -1
  })
}
