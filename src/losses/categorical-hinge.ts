import { z } from 'zod'
import { softmaxFamily } from '../families/softmax.ts'
import { classIndices } from '../target-kinds.ts'
import { defineLoss } from './definition.ts'
import { evaluateMargins, type MarginRow } from './margin-rows.ts'

export const categoricalHinge = defineLoss({
  name: 'categorical_hinge',
  title: 'Categorical hinge loss',
  summary: 'How far the best of the other classes comes within a margin of the class of the target.',
  whenToUse:
    'A support vector machine of several classes: only the strongest rival counts, and a row that is right by the margin has no gradient.',
  formula: String.raw`\ell_n = w_{y_n} \max\big(0,\ m + \max_{k \ne y_n} z_{nk} - z_{n y_n}\big)`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = w_{y_n} [\ell_n > 0] \big([j = r_n] - [j = y_n]\big), \quad r_n = \arg\max_{k \ne y_n} z_{nk}`,
  references: [
    {
      authors: 'Crammer, Singer',
      title: 'On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines',
      year: 2001,
      url: 'https://www.jmlr.org/papers/v2/crammer01a.html',
    },
  ],
  torch:
    'F.relu(1 + logits.scatter(1, targets[:, None], -math.inf).max(dim=1).values - logits.gather(1, targets[:, None]).squeeze(1)).mean()',
  others: [
    'optax.losses.multiclass_hinge_loss(logits, targets).mean()',
    'keras.losses.CategoricalHinge()(one_hot, logits)  # the same where a logit of another class is at least 0',
  ],
  oracle: `
    own = z.gather(1, y.unsqueeze(1)).squeeze(1)
    rival = z.scatter(1, y.unsqueeze(1), -float('inf')).max(dim=1).values
    return w[y] * F.relu(rival - own + margin)`,
  family: softmaxFamily,
  targets: classIndices,
  params: {
    margin: z
      .number()
      .default(1)
      .describe(
        'How far the logit of the target has to be above the best other one to cost nothing; any finite number.',
      ),
  },
  variants: [{ margin: 0.25 }, { margin: -0.5 }, { margin: 0 }],
  example: {
    logits: [
      [2, 1.5, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
  },

  evaluate: (block, params) => evaluateMargins(block, rowLoss, params),

  reference({ scores, hardTarget, classWeights }, { margin }) {
    const y = hardTarget.indexOf(1)
    const rival = Math.max(...scores.filter((_, k) => k !== y))
    if (rival === Number.NEGATIVE_INFINITY || classWeights[y] === 0) return 0
    return classWeights[y]! * Math.max(0, rival - scores[y]! + margin)
  },

  distanceToKink({ scores, hardTarget }, { margin }) {
    const y = hardTarget.indexOf(1)
    const [rival = Number.NEGATIVE_INFINITY, next = Number.NEGATIVE_INFINITY] = scores
      .filter((_, k) => k !== y)
      .sort((a, b) => b - a)
    const excess = rival - scores[y]! + margin
    return Math.min(Math.abs(excess), excess > 0 ? rival - next : Number.POSITIVE_INFINITY)
  },
})

/** On a tie the lowest of the rivals has the gradient. */
function rowLoss(row: MarginRow, { margin }: { readonly margin: number }): number {
  const { z, start, numClasses, label, gradients, factor } = row
  const rival = row.top === label ? bestOther(row) : row.top
  gradients?.fill(0, start, start + numClasses)
  if (rival === -1) return 0
  const excess = z[start + rival]! - z[start + label]! + margin
  if (!(excess > 0)) return 0
  if (gradients) {
    gradients[start + rival] = factor
    gradients[start + label] = 0 - factor
  }
  return excess
}

/** The class of the largest logit but that of the label; -1 where no other one is above -Infinity. */
function bestOther({ z, start, numClasses, label }: MarginRow): number {
  let best = -1
  let most = Number.NEGATIVE_INFINITY
  for (let k = 0; k < numClasses; k++) {
    if (z[start + k]! > most && k !== label) {
      most = z[start + k]!
      best = k
    }
  }
  return best
}
