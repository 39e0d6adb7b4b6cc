import type { LossDefinition } from '../../src/losses/definition.ts'
import { logSoftmax } from '../../src/losses/reference.ts'
import {
  countedElements,
  countedRows,
  type Denominator,
  type DenominatorRows,
  labelWeights,
} from '../../src/reduction.ts'
import { paramsOf } from './capabilities.ts'

/**
 * What `POST /loss` has to answer to logits [N, K], from the words of the contract in plain float64 loops: it shares no code with
 * the service but the slow `reference` of each loss, and always builds the dense target that the service avoids.
 */
export interface ModelRequest {
  /** What the loss reads: logits, or log-probabilities. */
  readonly scores: readonly (readonly number[])[]
  readonly targets: readonly number[] | readonly (readonly number[])[]
  /** In place of targets, where a teacher stands for them. */
  readonly teacher_logits?: readonly (readonly number[])[]
  readonly label_smoothing: number
  readonly smoothing?: 'uniform' | 'others' | 'half'
  readonly prior?: readonly number[]
  readonly class_weights?: readonly number[]
  readonly sample_weights?: readonly number[]
  readonly ignore_index?: number | readonly number[]
  readonly reduction?: 'mean' | 'sum' | 'none'
  readonly normalizer?: number
  readonly mixup?: { readonly lam: number | readonly number[]; readonly pairing?: 'flip' | 'roll' | readonly number[] }
  readonly dtype?: 'float32' | 'float64'
  /** Parameters of the loss. */
  readonly params?: Readonly<Record<string, unknown>>
}

export interface Expected {
  readonly counted: readonly boolean[]
  readonly losses: readonly number[]
  readonly loss: number
  readonly normalizer: number
  readonly smoothed: readonly (readonly number[])[]
  /** What the gradient of each row is multiplied by: its sample weight over the normalizer, 0 where there is nothing to divide by. */
  readonly scales: readonly number[]
  /** The part of the reduced loss that depends on the scores of this row, as a function of them; for derivatives. */
  readonly objective: (row: number, scores: readonly number[]) => number
  /** How far the scores of a row are from the nearest place without a derivative. */
  readonly distanceToKink: (row: number) => number
  /** Class weights times smoothed target, [N, K]. */
  readonly weighted: readonly (readonly number[])[]
}

/** What the denominators of the house mean. */
const DENOMINATORS: ReadonlyMap<Denominator, Denominator> = new Map([
  [
    labelWeights,
    ({ counted, labels, classWeights, sampleWeights }) =>
      sum(
        Array.from(counted, (counts, row) =>
          counts && labels ? (classWeights?.[labels[row]!] ?? 1) * (sampleWeights?.[row] ?? 1) : counts,
        ),
      ),
  ],
  [countedRows, ({ counted }) => sum([...counted])],
  [countedElements, ({ counted, numClasses }) => sum([...counted]) * numClasses],
])

export function expected(definition: LossDefinition, request: ModelRequest): Expected {
  const { reduction = 'mean', sample_weights: sampleWeights } = request
  const round = request.dtype === 'float64' ? (value: number) => value : Math.fround
  const scores = request.scores.map((row) => row.map(round))
  const n = scores.length
  const k = scores[0]!.length
  const rows = Array.from({ length: n }, (_, row) => row)
  const classes = Array.from({ length: k }, (_, index) => index)
  const weights = request.class_weights ?? classes.map(() => 1)
  const params = paramsOf(definition, { label_smoothing: request.label_smoothing, ...request.params })
  const groups = n / (definition.rowsTogether?.(params as never) ?? 1)

  const { hard, counted, labels } = sharedByGroups(hardTargets(request, n, k, round, params), groups)
  const { keep, mass, prior } = coefficients(request, k)
  const threshold = params.target_threshold as number | undefined
  const thresholded = (value: number) => (threshold === undefined ? value : round(value) > round(threshold) ? 1 : 0)
  const smoothed = hard.map((row, index) =>
    row.map((share, c) => (counted[index] ? thresholded(keep * share + mass * prior[c]!) : 0)),
  )

  const isIndexRoute = labels !== undefined && request.mixup === undefined
  const own = definition.denominator?.(params as never) ?? labelWeights
  const denominator = DENOMINATORS.get(own) ?? own
  const given: DenominatorRows = {
    numClasses: k,
    counted: Uint8Array.from(counted, Number),
    labels: isIndexRoute ? Int32Array.from(labels) : undefined,
    classWeights: request.class_weights && Float64Array.from(request.class_weights),
    sampleWeights: sampleWeights && Float64Array.from(sampleWeights),
  }
  const isConventional = reduction === 'mean' && request.normalizer === undefined
  const normalizer = isConventional ? denominator(given) : (request.normalizer ?? 1)
  const withoutWeights = isConventional ? denominator({ ...given, classWeights: undefined }) : normalizer

  const membersOf = (row: number) => rows.filter((other) => other % groups === row % groups)
  const referenceRow = (row: number, changed: number, values: readonly number[]) => ({
    scores: row === changed ? values : scores[row]!,
    hardTarget: hard[row]!,
    target: smoothed[row]!.map(withoutRounding),
    prior,
    classWeights: weights,
    keep,
    mass,
    unweighted: withoutWeights === 0 ? 1 : normalizer / withoutWeights,
    group: membersOf(row).map((member) => (member === changed ? values : scores[member]!)),
    member: membersOf(row).indexOf(row),
  })
  const rowLoss = (row: number, changed: number, values: readonly number[]) =>
    definition.reference(referenceRow(row, changed, values), params as never)
  const weightOf = (row: number) => (sampleWeights ? sampleWeights[row]! : 1)
  const losses = rows.map((row) =>
    counted[row] && weightOf(row) > 0 ? weightOf(row) * rowLoss(row, row, scores[row]!) : 0,
  )
  const scales = rows.map((row) => (counted[row] && normalizer > 0 ? weightOf(row) / normalizer : 0))
  return {
    counted,
    losses,
    loss: normalizer === 0 ? Number.NaN : sum(losses) / normalizer,
    normalizer,
    smoothed,
    scales,
    objective: (row, values) =>
      sum(membersOf(row).map((member) => (scales[member] === 0 ? 0 : scales[member]! * rowLoss(member, row, values)))),
    distanceToKink: (row) =>
      definition.distanceToKink?.(referenceRow(row, row, scores[row]!), params as never) ?? Number.POSITIVE_INFINITY,
    weighted: smoothed.map((row) => row.map((q, c) => weights[c]! * withoutRounding(q))),
  }
}

/** Shares of the unsmoothed target and of what it is smoothed towards. "others" at s is "uniform" at sK/(K-1). */
function coefficients(
  { label_smoothing: s, smoothing, prior }: ModelRequest,
  k: number,
): { keep: number; mass: number; prior: readonly number[] } {
  const mass = smoothing === 'others' ? (s * k) / (k - 1) : s
  const towards = new Array<number>(k).fill(smoothing === 'half' ? 1 / 2 : 1 / k)
  return { keep: 1 - mass, mass, prior: prior ?? towards }
}

/** A share that would be 0 but for the rounding of keep + mass / K. */
function withoutRounding(share: number): number {
  return Math.abs(share) < 1e-15 ? 0 : share
}

interface HardTargets {
  /** [N, K], mixed but not smoothed. */
  readonly hard: readonly (readonly number[])[]
  readonly counted: readonly boolean[]
  /** Where they are class indices. */
  readonly labels: readonly number[] | undefined
}

/** The first row's target for every row of its group. */
function sharedByGroups({ hard, counted, labels }: HardTargets, groups: number): HardTargets {
  return {
    hard: hard.map((_, row) => hard[row % groups]!),
    counted: counted.map((_, row) => counted[row % groups]!),
    labels: labels?.map((_, row) => labels[row % groups]!),
  }
}

/** One-hot rows, probabilities, labels or a teacher's softmax; which rows count; the labels where they are indices. */
function hardTargets(
  request: ModelRequest,
  n: number,
  k: number,
  round: (value: number) => number,
  { temperature = 1 }: Readonly<Record<string, unknown>>,
): HardTargets {
  const { targets, mixup, ignore_index: ignoreIndex = -100, teacher_logits: teacher } = request
  if (teacher) {
    const hard = teacher.map((row) => softmax(row.map((logit) => round(logit) / (temperature as number))))
    return { hard, counted: hard.map(() => true), labels: undefined }
  }
  const isIndices = typeof targets[0] === 'number'
  const labels = isIndices ? (targets as readonly number[]) : undefined
  const ignored = new Set(typeof ignoreIndex === 'number' ? [ignoreIndex] : ignoreIndex)
  const own = labels
    ? labels.map((label) => Array.from({ length: k }, (_, c) => (c === label ? 1 : 0)))
    : (targets as readonly (readonly number[])[]).map((row) => row.map(round))
  const ownCounts = own.map((_, row) => !labels || !ignored.has(labels[row]!))
  if (!mixup) return { hard: own, counted: ownCounts, labels }

  const lamOf = (row: number) => (typeof mixup.lam === 'number' ? mixup.lam : mixup.lam[row]!)
  const partnerOf = (row: number) => {
    if (mixup.pairing === 'roll') return row === 0 ? n - 1 : row - 1
    return mixup.pairing === undefined || mixup.pairing === 'flip' ? n - 1 - row : mixup.pairing[row]!
  }
  const hard = own.map((row, index) => {
    const lam = lamOf(index)
    return row.map((share, c) => lam * share + (1 - lam) * own[partnerOf(index)]![c]!)
  })
  const counted = ownCounts.map((counts, row) => counts && (lamOf(row) === 1 || ownCounts[partnerOf(row)]!))
  return { hard, counted, labels }
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** Derivatives of a function of a row by central differences; what is at -Infinity stays there. */
export function centralDifferences(loss: (scores: readonly number[]) => number, scores: readonly number[]): number[] {
  const h = 1e-6
  return scores.map((score, k) =>
    score === Number.NEGATIVE_INFINITY
      ? 0
      : (loss(scores.with(k, score + h)) - loss(scores.with(k, score - h))) / (2 * h),
  )
}

/** softmax(z), stable. */
export function softmax(logits: readonly number[]): number[] {
  const max = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - max))
  const total = sum(powers)
  return powers.map((power) => power / total)
}

type GradientFormula = (scores: readonly number[], weightedTarget: readonly number[]) => number[]

const GRADIENT_FORMULAS: readonly GradientFormula[] = [
  // S p - w q: cross entropy with respect to logits.
  (scores, target) => {
    const total = sum(target)
    return softmax(scores).map((p, k) => total * p - target[k]!)
  },
  // -w q: with respect to log-probabilities.
  (_, target) => target.map((share) => 0 - share),
]

/**
 * The closed form of a loss's gradient, where it is a cross entropy: it holds where no difference can be taken, at infinities
 * and at 1e30. Found by comparing loss and differences on a row that is anything but special, so that no test has to know a loss.
 */
export function gradientFormula(definition: LossDefinition): GradientFormula | undefined {
  if (!definition.targets.forms.includes('probabilities') || definition.rowsTogether) return undefined
  const scores = [[0.3, -1.2, 0.9, -0.1]]
  const { objective, weighted } = expected(definition, {
    scores,
    targets: [2],
    label_smoothing: 0.2,
    class_weights: [1, 2, 0.5, 3],
    reduction: 'sum',
    dtype: 'float64',
  })
  const logProbabilities = definition.family.field === 'logits' ? logSoftmax(scores[0]!) : scores[0]!
  const crossEntropy = -sum(logProbabilities.map((logP, k) => weighted[0]![k]! * logP))
  if (Math.abs(objective(0, scores[0]!) - crossEntropy) > 1e-12) return undefined
  const differences = centralDifferences((values) => objective(0, values), scores[0]!)
  return GRADIENT_FORMULAS.find((formula) =>
    formula(scores[0]!, weighted[0]!).every((value, k) => Math.abs(value - differences[k]!) < 1e-7),
  )
}

/** Numbers in [0, 1) that are the same in every run: mulberry32, started from the characters of a name. */
export function randomOf(name: string): () => number {
  let state = [...name].reduce((hash, letter) => Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193), 0x811c9dc5)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
