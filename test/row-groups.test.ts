import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Block } from '../src/losses/definition.ts'
import { Refusal } from '../src/problems.ts'
import { countedRows } from '../src/reduction.ts'
import { askUnlisted, unlistedLoss } from './helpers/unlisted.ts'

/** Each row's loss is its first logit times that of every other row of its group, and 0.1 for its label. */
const together = unlistedLoss({
  params: { splits: z.int().default(3) },
  rowsTogether: ({ splits }) => splits as number,
  denominator:
    ({ splits }) =>
    (rows) =>
      countedRows(rows) / (splits as number),
  evaluate(block, { splits }) {
    const size = splits as number
    expect(block.numRows % size).toBe(0)
    const { z, losses, gradients, labels } = viewsOf(block)
    for (let group = 0; group < block.numRows; group += size) {
      const rows = Array.from({ length: size }, (_, i) => group + i)
      const product = rows.reduce((all, row) => all * z[row * block.numClasses]!, 1)
      for (const row of rows) {
        if (Number.isNaN(product)) return row
        losses[row] = product + 0.1 * labels[row]!
        gradients.fill(0, row * block.numClasses, (row + 1) * block.numClasses)
        gradients[row * block.numClasses] = product
      }
    }
    return -1
  },
})

function viewsOf({ engine: { memory }, numRows, numClasses, scores, losses, gradients, targets }: Block) {
  if (targets.kind === 'dense') throw new Error('expected class indices')
  return {
    z: memory.f64(scores, numRows * numClasses),
    losses: memory.f64(losses, numRows),
    gradients: memory.f64(gradients, numRows * numClasses),
    labels: memory.i32(targets.labels, numRows),
  }
}

const logits = [2, 3, 5, 7, 11, 13].map((first) => [first, 0])

describe('rows together', () => {
  test('are i, i + N/m, i + 2N/m, and answers keep the order of the client', () => {
    // With three splits rows 0, 2, 4 and rows 1, 3, 5.
    const answer = askUnlisted(together, { logits, targets: [0, 1, 0, 0, 0, 0], reduction: 'none' })
    const [a, b] = [2 * 5 * 11, 3 * 7 * 13]
    expect(answer.losses).toEqual([a, b + 0.1, a, b + 0.1, a, b + 0.1])
    expect(answer.gradients.filter((_, i) => i % 2 === 0)).toEqual([a, b, a, b, a, b])
    const halves = askUnlisted(together, { logits, targets: [0, 0, 0, 0, 0, 0], splits: 2 })
    expect(halves.losses).toEqual([14, 33, 65, 14, 33, 65])
  })

  test('may have a denominator of their own', () => {
    expect(askUnlisted(together, { logits, targets: [0, 1, 0, 0, 0, 0] }).normalizer).toBe(2)
    expect(askUnlisted(together, { logits, targets: [-100, 1, 0, 0, 0, 0] }).normalizer).toBe(1)
  })

  test('have the target of their first row, by which they count or do not', () => {
    const answer = askUnlisted(together, { logits, targets: [-100, 1, 0, -100, 1, -100], reduction: 'sum' })
    expect(answer.losses.map((loss) => loss > 0)).toEqual([false, true, false, true, false, true])
    expect(answer.smoothedTargets).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1])
    expect(answer.gradients.filter((_, i) => i % 4 < 2)).toEqual([0, 0, 0, 0, 0, 0])
  })

  test('are checked, every one of them', () => {
    expect(() => askUnlisted(together, { logits, targets: [0, 0, 0, 0, 0, 2] })).toThrow('/targets/5')
    const holed = logits.with(4, [Number.NaN, 0])
    expect(() => askUnlisted(together, { logits: holed, targets: [0, 0, 0, 0, 0, 0] })).toThrow(Refusal)
  })

  test('name a row that has no softmax by its place in the request', () => {
    const third = unlistedLoss({ ...together, evaluate: () => 5 })
    // The sixth row in the order of groups is the last of the second group: row 5; the fifth is row 3 in thirds of two.
    const holed = logits.with(5, [Number.NaN, 0])
    expect(() => askUnlisted(third, { logits: holed, targets: [0, 0, 0, 0, 0, 0] })).toThrow('/logits/5/0')
    const fourth = unlistedLoss({ ...together, evaluate: () => 4 })
    expect(() => askUnlisted(fourth, { logits: logits.with(3, [Number.NaN, 0]), targets: [0, 0, 0, 0, 0, 0] })).toThrow(
      '/logits/3/0',
    )
  })

  test('are never cut between blocks', () => {
    const wide = Array.from({ length: 12 }, (_, row) =>
      Array.from({ length: 30_000 }, (_, k) => (k === 0 ? row + 1 : 0)),
    )
    const answer = askUnlisted(together, { logits: wide, targets: new Array(12).fill(0), reduction: 'none' })
    expect(answer.losses.slice(0, 4)).toEqual([1 * 5 * 9, 2 * 6 * 10, 3 * 7 * 11, 4 * 8 * 12])
  })

  test('need a first axis of as many splits', () => {
    const ask = () => askUnlisted(together, { logits: logits.slice(2), targets: [0, 0, 0, 0] })
    expect(ask).toThrow('/logits: expected a first axis of 3 splits of the same length, got a length of 4')
  })
})
