import { type ModelRequest, randomOf, softmax, sum } from './model.ts'

/** A request for any loss: its scores are logits, from which a loss of another family makes its own. */
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

type Targets = 'indices' | 'probabilities'

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

/**
 * The product of everything that has gone wrong together somewhere: kind of target, mixing, smoothing, class weights, ignored rows,
 * reduction. Sizes, ranges of logits and sample weights go round beside it, at steps that have no factor in common with it.
 */
export function composedCases(): Case[] {
  const cases: Case[] = []
  for (const targets of ['indices', 'probabilities'] as const) {
    for (const mixup of Object.keys(MIXUPS)) {
      for (const smoothing of Object.keys(SMOOTHINGS)) {
        for (const isWeighted of [false, true]) {
          for (const ignores of targets === 'indices' ? [false, true] : [false]) {
            const other = OTHER_REDUCTIONS[(cases.length / 2) % OTHER_REDUCTIONS.length]!
            for (const reduction of ['mean', other])
              cases.push(compose({ targets, mixup, smoothing, isWeighted, ignores, reduction }, cases.length))
          }
        }
      }
    }
  }
  return cases
}

interface Parts {
  readonly targets: Targets
  readonly mixup: string
  readonly smoothing: string
  readonly isWeighted: boolean
  readonly ignores: boolean
  readonly reduction: string
}

function compose({ targets, mixup, smoothing, isWeighted, ignores, reduction }: Parts, index: number): Case {
  const isAway = smoothing === 'others' || smoothing === 'away'
  const sizes = isAway ? CLASSES.slice(1) : CLASSES
  const k = index % MANY_CLASSES_EVERY === 0 ? MANY_CLASSES : sizes[index % sizes.length]!
  const n = k === MANY_CLASSES ? 2 : ROWS[Math.floor(index / 3) % ROWS.length]!
  const ranges = Object.keys(LOGITS)
  const range = ranges[Math.floor(index / 7) % ranges.length]!
  const hasSampleWeights = Math.floor(index / 5) % 2 === 1
  const name = [
    targets,
    ...(mixup === 'plain' ? [] : [mixup]),
    ...(isWeighted ? ['weights'] : []),
    ...(smoothing === 'hard' ? [] : [smoothing]),
    ...(ignores ? ['ignore'] : []),
    ...(hasSampleWeights ? ['samples'] : []),
    reduction,
    range,
    `${n}x${k}`,
  ].join('_')
  const random = randomOf(name)
  const mixed = MIXUPS[mixup]!(n, random)
  return {
    name,
    logits: Array.from({ length: n }, () => LOGITS[range]!(k, random)),
    request: {
      targets: targets === 'indices' ? indices(n, k, ignores, random) : probabilities(n, k, random),
      ...SMOOTHINGS[smoothing]!(k, random),
      ...(mixed ? { mixup: mixed } : {}),
      ...(isWeighted ? { class_weights: Array.from({ length: k }, () => 2 * random()) } : {}),
      ...(hasSampleWeights
        ? { sample_weights: Array.from({ length: n }, (_, i) => (i === 3 ? 0 : 3 * random())) }
        : {}),
      ...(ignores ? { ignore_index: [-1, 7000] } : {}),
      ...REDUCTIONS[reduction]!,
    },
  }
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
