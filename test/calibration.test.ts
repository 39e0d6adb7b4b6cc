import { describe, expect, test } from 'vitest'
import { reliabilityOf } from '../src/calibration.ts'
import { ask, engines, post } from './helpers/evaluate.ts'
import { randomOf, softmax, sum } from './helpers/model.ts'

interface Bin {
  readonly lower: number
  readonly upper: number
  readonly count: number
  readonly accuracy: number
  readonly confidence: number
}

interface CalibrationAnswer {
  readonly count: number
  readonly accuracy: number
  readonly confidence: number
  readonly nll: number
  readonly brier: number
  readonly ece: number
  readonly mce: number
  readonly rmsce: number
  readonly temperature?: { value: number; at_limit: boolean; nll: number; ece: number }
  readonly bins: Bin[]
}

const mean = (values: readonly number[]) => sum(values) / values.length

/** Everything by loops over rows and bins, without a thought for speed. */
function reference(logits: readonly (readonly number[])[], targets: readonly number[], numBins: number) {
  const rows = logits.map((row, i) => ({ p: softmax(row), target: targets[i]! })).filter(({ target }) => target >= 0)
  const judged = rows.map(({ p, target }) => {
    const confidence = Math.max(...p)
    return { confidence, hit: p.indexOf(confidence) === target ? 1 : 0 }
  })
  const gaps = Array.from({ length: numBins }, (_, i) => {
    const inside = judged.filter(({ confidence }) => confidence > i / numBins && confidence <= (i + 1) / numBins)
    const gap = Math.abs(mean(inside.map(({ hit }) => hit)) - mean(inside.map(({ confidence }) => confidence)))
    return { share: inside.length / rows.length, gap, count: inside.length }
  }).filter(({ count }) => count > 0)
  return {
    count: rows.length,
    accuracy: mean(judged.map(({ hit }) => hit)),
    confidence: mean(judged.map(({ confidence }) => confidence)),
    nll: mean(rows.map(({ p, target }) => -Math.log(p[target]!))),
    brier: mean(rows.map(({ p, target }) => sum(p.map((share, k) => (share - (k === target ? 1 : 0)) ** 2)))),
    ece: sum(gaps.map(({ share, gap }) => share * gap)),
    mce: Math.max(...gaps.map(({ gap }) => gap)),
    rmsce: Math.sqrt(sum(gaps.map(({ share, gap }) => share * gap ** 2))),
  }
}

/** The temperature where the slope of nll is 0, by halves. */
function bisected(logits: readonly (readonly number[])[], targets: readonly number[]): number {
  const slopeAt = (b: number) =>
    mean(
      logits.flatMap((row, i) => {
        const p = softmax(row.map((z) => z * b))
        return targets[i]! < 0
          ? []
          : [sum(p.map((share, k) => (share === 0 ? 0 : share * row[k]!))) - row[targets[i]!]!]
      }),
    )
  let [low, high] = [1e-3, 1e3]
  for (let step = 0; step < 200; step++) {
    const middle = Math.sqrt(low * high)
    if (slopeAt(middle) < 0) low = middle
    else high = middle
  }
  return 1 / low
}

/** Rows of a model that is right more often than not, and too sure of it by `factor`. */
function batch(name: string, rows: number, classes: number, factor: number) {
  const random = randomOf(name)
  const logits = Array.from({ length: rows }, () => Array.from({ length: classes }, () => 4 * random() - 2))
  const targets = logits.map((row) => {
    const drawn = random()
    const p = softmax(row)
    const label = p.findIndex((_, k) => drawn < sum(p.slice(0, k + 1)))
    return label === -1 ? classes - 1 : label
  })
  return { logits: logits.map((row) => row.map((z) => z * factor)), targets }
}

for (const engine of engines) {
  const calibrate = (request: object) => ask<CalibrationAnswer>('calibration', { dtype: 'float64', ...request }, engine)

  describe(`calibration on ${engine.kernels.name} kernels`, () => {
    test.each([
      { rows: 200, classes: 4, factor: 3, bins: 15 },
      { rows: 64, classes: 10, factor: 0.2, bins: 10 },
      { rows: 31, classes: 2, factor: 1, bins: 1 },
      { rows: 50, classes: 3, factor: 40, bins: 1000 },
    ])('of $rows rows of $classes classes, times $factor, is what loops give', ({ rows, classes, factor, bins }) => {
      const { logits, targets } = batch('loops', rows, classes, factor)
      const ignored = targets.map((label, i) => (i % 5 === 0 ? -100 : label))
      for (const labels of [targets, ignored]) {
        const answer = calibrate({ logits, targets: labels, bins })
        for (const [name, value] of Object.entries(reference(logits, labels, bins)))
          expect(answer[name as 'ece'], name).toBeCloseTo(value, 12)
        const { value, at_limit: atLimit, nll, ece } = answer.temperature!
        expect(atLimit).toBe(false)
        expect(value / bisected(logits, labels)).toBeCloseTo(1, 10)
        const cooled = reference(
          logits.map((row) => row.map((z) => z / value)),
          labels,
          bins,
        )
        expect(nll).toBeCloseTo(cooled.nll, 12)
        expect(ece).toBeCloseTo(cooled.ece, 12)
        expect(nll).toBeLessThanOrEqual(answer.nll)
      }
    })

    test('finds the temperature that the logits were multiplied by', () => {
      const { logits, targets } = batch('factor', 3000, 3, 2.5)
      expect(calibrate({ logits, targets }).temperature!.value).toBeGreaterThan(2.2)
      expect(calibrate({ logits, targets }).temperature!.value).toBeLessThan(2.8)
    })

    test('has bins that tile [0, 1] and hold every row once', () => {
      const { logits, targets } = batch('tiles', 100, 3, 1)
      const { bins, count } = calibrate({ logits, targets })
      expect(bins).toHaveLength(15)
      expect(bins[0]!.lower).toBe(0)
      expect(bins.at(-1)!.upper).toBe(1)
      bins.slice(1).forEach((bin, i) => {
        expect(bin.lower).toBe(bins[i]!.upper)
      })
      expect(sum(bins.map((bin) => bin.count))).toBe(count)
    })

    test.each([
      { what: 'are all right', targets: [0, 1], value: 1e-3, limit: true },
      { what: 'are all wrong', targets: [1, 0], value: 1e3, limit: true },
      {
        what: 'say nothing',
        targets: [0, 1],
        value: 1,
        limit: false,
        logits: [
          [2, 2],
          [7, 7],
        ],
      },
    ])('has a temperature at a limit, or none to choose, where rows $what', ({ targets, value, limit, logits }) => {
      const rows = logits ?? [
        [3, 0],
        [0, 2],
      ]
      const { temperature } = calibrate({ logits: rows, targets })
      expect(temperature).toMatchObject({ at_limit: limit })
      expect(temperature!.value).toBeCloseTo(value, 12)
    })

    test('fits logits of any size', () => {
      const { logits, targets } = batch('sizes', 60, 4, 1)
      const fitted = calibrate({ logits, targets }).temperature!.value
      for (const factor of [1e-2, 30, 500]) {
        const scaled = logits.map((row) => row.map((z) => z * factor))
        expect(calibrate({ logits: scaled, targets }).temperature!.value / (fitted * factor)).toBeCloseTo(1, 9)
      }
      const huge = [
        [1e300, -1e300],
        [-1e300, 1e300],
        [1e300, -1e300],
      ]
      expect(calibrate({ logits: huge, targets: [0, 1, 1] }).temperature).toMatchObject({ value: 1000, at_limit: true })
    })

    test('has no temperature where a target is masked out or no row counts', () => {
      const masked = post('calibration', { logits: [[0, -Infinity]], targets: [1] }, engine)
      expect(masked.answer).toMatchObject({ nll: 'Infinity', accuracy: 0, confidence: 1 })
      expect(masked.answer).not.toHaveProperty('temperature')
      const none = post('calibration', { logits: [[0, 1]], targets: [-100] }, engine)
      expect(none.answer).toMatchObject({ count: 0, nll: 'NaN', ece: 'NaN', mce: 'NaN', brier: 'NaN' })
      expect(none.answer).not.toHaveProperty('temperature')
    })

    test('leaves masked classes and ignored rows out', () => {
      const { logits, targets } = batch('masks', 40, 3, 2)
      const plain = calibrate({ logits, targets })
      const masked = logits.map((row) => [...row, -Infinity])
      expect(calibrate({ logits: masked, targets })).toEqual(plain)
      const beside = { logits: [[Number.NaN, 0, Infinity], ...logits], targets: [7, ...targets], ignore_index: [7, 9] }
      expect(calibrate(beside)).toEqual(plain)
    })

    test('of tokens and pixels is that of their rows', () => {
      const { logits, targets } = batch('shapes', 6, 2, 2)
      const flat = calibrate({ logits, targets })
      const tokens = { logits: [logits.slice(0, 3), logits.slice(3)], targets: [targets.slice(0, 3), targets.slice(3)] }
      expect(calibrate(tokens)).toEqual(flat)
      const pixels = [[logits.map(([z]) => z), logits.map(([, z]) => z)]]
      expect(calibrate({ logits: pixels, targets: [targets], class_axis: 1 })).toEqual(flat)
    })

    test('takes the lowest class of a tie as the prediction', () => {
      expect(calibrate({ logits: [[1, 1]], targets: [0] }).accuracy).toBe(1)
      expect(calibrate({ logits: [[1, 1]], targets: [1] }).accuracy).toBe(0)
    })
  })
}

describe('bins of equal width', () => {
  test('hold their upper end, however its product rounds', () => {
    for (let numBins = 1; numBins <= 200; numBins++) {
      const ends = Float64Array.from({ length: numBins }, (_, i) => (i + 1) / numBins)
      const { bins } = reliabilityOf(ends, new Uint8Array(numBins), numBins)
      expect(bins.map(({ count }) => count)).toEqual(Array(numBins).fill(1))
    }
  })

  test('hold 0 in the first', () => {
    expect(reliabilityOf(Float64Array.of(0), Uint8Array.of(0), 3).bins[0]!.count).toBe(1)
  })
})
