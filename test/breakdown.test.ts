import { describe, expect, test } from 'vitest'
import { losses } from '../src/losses/index.ts'
import { ask, engines, type LossAnswer } from './helpers/evaluate.ts'
import { randomOf } from './helpers/model.ts'

/** softmax([ln 3, 0]) = [3/4, 1/4]: a row that is right costs ln(4/3), one that is wrong ln 4. */
const LN3 = Math.log(3)
const RIGHT = Math.log(4 / 3)
const WRONG = Math.log(4)
const near = (...values: number[]) => values.map((value) => expect.closeTo(value, 12))

for (const engine of engines) {
  const evaluate = (request: object) =>
    ask('loss', { outputs: ['losses', 'per_class', 'hardest_rows'], dtype: 'float64', ...request }, engine)

  describe(`per_class on ${engine.kernels.name} kernels`, () => {
    const logits = [
      [LN3, 0, -Infinity],
      [LN3, 0, -Infinity],
      [0, LN3, -Infinity],
      [5, 5, 5],
    ]

    test('has count, mean loss, accuracy and mean confidence of the rows of each class', () => {
      const { per_class: classes } = evaluate({ logits, targets: [0, 1, 1, -100] })
      expect(classes).toEqual({
        count: [1, 2, 0],
        loss: [...near(RIGHT, (WRONG + RIGHT) / 2), Number.NaN],
        accuracy: [1, 0.5, Number.NaN],
        confidence: [...near(0.75, 0.75), Number.NaN],
      })
    })

    test('has losses with their weights, and counts without', () => {
      const weights = { class_weights: [2, 1, 1], sample_weights: [3, 1, 5, 1] }
      const answer = evaluate({ logits, targets: [0, 1, 1, -100], ...weights })
      const { count, loss } = answer.per_class!
      expect(loss.slice(0, 2)).toEqual(near(6 * RIGHT, (WRONG + 5 * RIGHT) / 2))
      const total = answer.losses.reduce((sum, each) => sum + each)
      expect(count[0]! * loss[0]! + count[1]! * loss[1]!).toBeCloseTo(total, 12)
    })

    test('takes the class that a mixed target or probabilities give most, the lowest on a tie', () => {
      const two = logits.slice(0, 2).map((row) => row.slice(0, 2))
      const count = (request: object) => evaluate({ logits: two, ...request }).per_class!.count
      const probabilities = [
        [0.5, 0.5],
        [0.4, 0.6],
      ]
      expect(count({ targets: probabilities })).toEqual([1, 1])
      expect(count({ targets: [0, 1], mixup: { lam: 0.3 } })).toEqual([1, 1])
      expect(count({ targets: [0, 1], mixup: { lam: 0.5 } })).toEqual([2, 0])
    })

    test('is that of tokens and pixels as of their rows', () => {
      const flat = evaluate({ logits: logits.slice(0, 2), targets: [0, 1] }).per_class
      const tokens = evaluate({ logits: [logits.slice(0, 2)], targets: [[0, 1]] }).per_class
      const pixels = [
        [
          [LN3, LN3],
          [0, 0],
          [-Infinity, -Infinity],
        ],
      ]
      expect(tokens).toEqual(flat)
      expect(evaluate({ logits: pixels, targets: [[0, 1]], class_axis: 1 }).per_class).toEqual(flat)
    })
  })

  describe(`hardest_rows on ${engine.kernels.name} kernels`, () => {
    const random = randomOf('hardest')
    const logits = Array.from({ length: 60 }, () => Array.from({ length: 4 }, () => 6 * random() - 3))
    const targets = logits.map((_, i) => (i % 7 === 0 ? -100 : i % 4))
    const argmax = (row: number[]) => row.indexOf(Math.max(...row))
    const sorted = ({ losses }: LossAnswer) =>
      losses
        .map((loss, row) => ({ loss, row }))
        .filter(({ row }) => targets[row] !== -100)
        .sort((a, b) => b.loss - a.loss || a.row - b.row)

    test.each([1, 7, 10, 1000])('are the %d rows of the largest loss that count', (hardest) => {
      const answer = evaluate({ logits, targets, hardest })
      const wanted = sorted(answer).slice(0, hardest)
      expect(answer.hardest_rows).toEqual({
        index: wanted.map(({ row }) => [row]),
        loss: wanted.map(({ loss }) => loss),
        target: wanted.map(({ row }) => targets[row]),
        prediction: wanted.map(({ row }) => argmax(logits[row]!)),
      })
    })

    test('are ten unless the request says how many, the first of equal ones first', () => {
      const same = logits.map(() => [0, 1])
      const { hardest_rows: rows } = evaluate({ logits: same, targets: same.map((_, i) => (i < 50 ? 1 : 0)) })
      expect(rows!.index).toEqual(Array.from({ length: 10 }, (_, i) => [50 + i]))
    })

    test('have their indices in the batch', () => {
      const tokens = [logits.slice(0, 3), logits.slice(3, 6)]
      const answer = evaluate({ logits: tokens, targets: [targets.slice(0, 3), targets.slice(3, 6)] })
      const wanted = sorted(evaluate({ logits: logits.slice(0, 6), targets: targets.slice(0, 6) }))
      expect(answer.hardest_rows!.index).toEqual(wanted.map(({ row }) => [Math.floor(row / 3), row % 3]))
    })

    test('may have an infinite loss, and are none where no row counts', () => {
      const answer = evaluate({
        logits: [
          [0, -Infinity],
          [3, 0],
        ],
        targets: [1, 1],
      })
      expect(answer.hardest_rows!.loss).toEqual([Infinity, expect.closeTo(Math.log1p(Math.exp(3)), 12)])
      const none = evaluate({ logits: [[0, 1]], targets: [-100] })
      expect(none.hardest_rows).toEqual({ index: [], loss: [], target: [], prediction: [] })
      expect(none.per_class!.count).toEqual([0, 0])
    })
  })
}

describe.each([...losses])('$name', (definition) => {
  const ofRows = definition.family.predictsFor === 'row'

  test('has counts of its counted rows or labels, and rows that are the largest of its losses', () => {
    const { example, name } = definition
    const outputs = ['losses', 'predictions', 'per_class', 'hardest_rows']
    const answer = ask('loss', { loss: name, ...example, outputs, hardest: 2 })
    const { per_class: classes, hardest_rows: rows } = answer
    if (ofRows) expect(classes!.count.reduce((sum, count) => sum + count)).toBe(answer.losses.length)
    expect(rows!.loss).toEqual(answer.losses.toSorted((a, b) => b - a).slice(0, 2))
    expect(rows!.prediction).toEqual(rows!.index.map(([row]) => answer.predictions[row!]))
  })
})
