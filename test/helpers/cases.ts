import type { LossDefinition } from '../../src/losses/definition.ts'
import { type Capabilities, capabilitiesOf, groupSizeOf, variantsOf } from './capabilities.ts'
import { allPairs } from './covering.ts'
import { gradientFormula, type ModelRequest, randomOf, softmax, sum } from './model.ts'

/** A request for a loss: its scores are logits, from which a loss of another family makes its own. */
export interface Case {
  readonly name: string
  readonly request: Omit<ModelRequest, 'scores'>
  readonly logits: readonly (readonly number[])[]
}

/** Around the widths of a vector register. */
const CLASSES = [1, 2, 3, 4, 5, 7, 8, 9, 31, 33]
/** Slow in a model of plain loops: one case in so many. */
const MANY_CLASSES = 1000
const MANY_CLASSES_EVERY = 37
const ROWS = [3, 1, 5, 2]

type Random = () => number
type Row = (k: number, random: Random) => number[]

const LOGITS: Record<string, Row> = {
  small: (k, random) => Array.from({ length: k }, () => 4 * random() - 2),
  // exp overflows without the maximum taken off.
  hundred: (k, random) => Array.from({ length: k }, () => 90 + 10 * random()),
  huge: (k, random) => Array.from({ length: k }, () => (random() < 0.5 ? 1e30 : -1e30)),
  equal: (k, random) => new Array(k).fill(4 * random() - 2),
  masked: (k, random) => Array.from({ length: k }, (_, c) => (c > 0 && random() < 0.4 ? -Infinity : random())),
}

type Targets = Capabilities['forms'][number]

const MIXUPS: Record<string, (n: number, random: Random) => ModelRequest['mixup']> = {
  plain: () => undefined,
  mixed: () => ({ lam: 0.3 }),
  rolled: (n, random) => ({ lam: Array.from({ length: n }, (_, i) => [random(), 1, 0][i % 3]!), pairing: 'roll' }),
  named: (n, random) => ({ lam: 0.75, pairing: Array.from({ length: n }, () => Math.floor(random() * n)) }),
}

const SMOOTHINGS: Record<string, (k: number, random: Random) => Pick<ModelRequest, 'label_smoothing' | 'prior'>> = {
  hard: () => ({ label_smoothing: 0 }),
  smoothing: () => ({ label_smoothing: 0.1 }),
  flat: () => ({ label_smoothing: 1 }),
  others: () => ({ label_smoothing: 0.1, smoothing: 'others' }),
  away: () => ({ label_smoothing: 1, smoothing: 'others' }),
  prior: (k, random) => ({ label_smoothing: 0.1, prior: distribution(k, random) }),
  half: () => ({ label_smoothing: 0.1, smoothing: 'half' }),
}

const REDUCTIONS: Record<string, Pick<ModelRequest, 'reduction' | 'normalizer'>> = {
  mean: { reduction: 'mean' },
  sum: { reduction: 'sum' },
  none: { reduction: 'none' },
  normalizer: { reduction: 'mean', normalizer: 12.5 },
}

/** The mean has the most ways to go wrong and is in every combination; the others take turns beside it. */
const OTHER_REDUCTIONS = Object.keys(REDUCTIONS).filter((reduction) => reduction !== 'mean')

export function distribution(k: number, random: Random): number[] {
  return softmax(Array.from({ length: k }, () => 3 * random()))
}

/** Requests of this loss, with everything it takes. */
export function casesOf(definition: LossDefinition): Case[] {
  const pairs = everyPair(definition)
  // A cross entropy whose parameters are not the default is one of the losses around it.
  return gradientFormula(definition) ? [...productOfEverything(), ...pairs.filter(hasParams)] : pairs
}

function hasParams({ request }: Case): boolean {
  return request.params !== undefined
}

/**
 * For cross entropies, the product of everything that has gone wrong together somewhere: kind of target, mixing, smoothing, class
 * weights, ignored rows, reduction. Sizes, ranges of logits and sample weights go round beside it, at steps that have no factor in
 * common with it.
 */
function productOfEverything(): Case[] {
  const cases: Case[] = []
  for (const targets of ['indices', 'probabilities'] as const) {
    for (const mixup of Object.keys(MIXUPS)) {
      for (const smoothing of Object.keys(SMOOTHINGS).filter((each) => each !== 'half')) {
        for (const isWeighted of [false, true]) {
          for (const ignores of targets === 'indices' ? [false, true] : [false]) {
            const other = OTHER_REDUCTIONS[(cases.length / 2) % OTHER_REDUCTIONS.length]!
            for (const reduction of ['mean', other]) {
              const parts = { targets, mixup, smoothing, isWeighted, ignores, reduction, variant: 0 }
              cases.push(compose({ ...parts, ...turns(cases.length, smoothing) }))
            }
          }
        }
      }
    }
  }
  return cases
}

function turns(index: number, smoothing: string): Pick<Parts, 'numClasses' | 'numRows' | 'range' | 'hasSampleWeights'> {
  const sizes = needsOthers(smoothing) ? CLASSES.slice(1) : CLASSES
  const numClasses = index % MANY_CLASSES_EVERY === 0 ? MANY_CLASSES : sizes[index % sizes.length]!
  const ranges = Object.keys(LOGITS)
  return {
    numClasses,
    numRows: numClasses === MANY_CLASSES ? 2 : ROWS[Math.floor(index / 3) % ROWS.length]!,
    range: ranges[Math.floor(index / 7) % ranges.length]!,
    hasSampleWeights: Math.floor(index / 5) % 2 === 1,
  }
}

/** For the losses around them every pair of that, and the settings of their own parameters. */
function everyPair(definition: LossDefinition): Case[] {
  const { forms, mixes, smooths, weighsClasses, ignores } = capabilitiesOf(definition)
  const smoothings = Object.keys(SMOOTHINGS).filter((each) => each !== 'half' || forms.includes('labels'))
  const random = randomOf(definition.name)
  const rows = allPairs<Parts>(
    {
      targets: forms,
      mixup: mixes ? Object.keys(MIXUPS) : ['plain'],
      smoothing: smooths ? smoothings : ['hard'],
      isWeighted: weighsClasses ? [false, true] : [false],
      ignores: ignores ? [false, true] : [false],
      reduction: Object.keys(REDUCTIONS),
      variant: variantsOf(definition, 1, random).map((_, index) => index),
      numClasses: CLASSES,
      numRows: ROWS,
      range: Object.keys(LOGITS),
      hasSampleWeights: [false, true],
    },
    random,
    ({ targets, ignores, smoothing, numClasses }) =>
      !(ignores && targets !== undefined && targets !== 'indices') &&
      !(numClasses === 1 && smoothing !== undefined && needsOthers(smoothing)),
  )
  return rows.map((row) => compose(row, definition))
}

function needsOthers(smoothing: string): boolean {
  return smoothing === 'others' || smoothing === 'away'
}

type Parts = {
  targets: Targets
  mixup: string
  smoothing: string
  isWeighted: boolean
  ignores: boolean
  reduction: string
  /** Index of a setting of the loss's parameters. */
  variant: number
  numClasses: number
  /** Of groups of rows. */
  numRows: number
  range: string
  hasSampleWeights: boolean
}

function compose(parts: Parts, definition?: LossDefinition): Case {
  const { targets, mixup, smoothing, isWeighted, ignores, reduction, variant, range, hasSampleWeights } = parts
  const k = parts.numClasses
  const params = definition && variant > 0 ? definition.variants![variant - 1]! : {}
  const n = parts.numRows * (definition ? groupSizeOf(definition, params) : 1)
  const name = [
    targets,
    ...(mixup === 'plain' ? [] : [mixup]),
    ...(isWeighted ? ['weights'] : []),
    ...(smoothing === 'hard' ? [] : [smoothing]),
    ...(ignores ? ['ignore'] : []),
    ...(hasSampleWeights ? ['samples'] : []),
    ...(variant === 0 ? [] : [`variant${variant}`]),
    reduction,
    range,
    `${n}x${k}`,
  ].join('_')
  const random = randomOf(name)
  const mixed = MIXUPS[mixup]!(n, random)
  const logits = Array.from({ length: n }, () => LOGITS[range]!(k, random))
  return {
    name,
    logits,
    request: {
      ...TARGETS[targets](n, k, random, ignores),
      ...SMOOTHINGS[smoothing]!(k, random),
      ...(mixed ? { mixup: mixed } : {}),
      ...(isWeighted ? { class_weights: Array.from({ length: k }, () => 2 * random()) } : {}),
      ...(hasSampleWeights
        ? { sample_weights: Array.from({ length: n }, (_, i) => (i === 3 ? 0 : 3 * random())) }
        : {}),
      ...(ignores ? { ignore_index: [-1, 7000] } : {}),
      ...REDUCTIONS[reduction]!,
      ...(definition && variant > 0 ? { params: variantsOf(definition, k, random)[variant]! } : {}),
    },
  }
}

type TargetFields = Pick<ModelRequest, 'targets' | 'teacher_logits'>

const TARGETS: Record<Targets, (n: number, k: number, random: Random, ignores: boolean) => TargetFields> = {
  indices: (n, k, random, ignores) => ({ targets: indices(n, k, ignores, random) }),
  probabilities: (n, k, random) => ({ targets: probabilities(n, k, random) }),
  labels: (n, k, random) => ({
    targets: Array.from({ length: n }, (_, i) =>
      Array.from({ length: k }, () => (i % 2 === 1 ? Math.round(random()) : Math.round(64 * random()) / 64)),
    ),
  }),
  logits: (n, k, random) => ({
    targets: [],
    teacher_logits: Array.from({ length: n }, () => LOGITS.masked!(k, random).map((logit) => 4 * logit)),
  }),
}

/** With ignored rows every second one is, so that a batch of one is ignored whole. */
function indices(n: number, k: number, ignores: boolean, random: Random): number[] {
  return Array.from({ length: n }, (_, i) =>
    ignores && i % 2 === 0 ? (i === 0 ? -1 : 7000) : Math.floor(random() * k),
  )
}

/** One row in two is one-hot: a share of 0 and one of 1 are where rounding shows. */
function probabilities(n: number, k: number, random: Random): number[][] {
  return Array.from({ length: n }, (_, i) => {
    if (i % 2 === 1) return Array.from({ length: k }, (_, c) => (c === i % k ? 1 : 0))
    const row = distribution(k, random).map((share) => Math.round(share * 64) / 64)
    return row.map((share, c) => (c === 0 ? share + 1 - sum(row) : share)).every((share) => share >= 0)
      ? row.map((share, c) => (c === 0 ? share + 1 - sum(row) : share))
      : distribution(k, random)
  })
}
