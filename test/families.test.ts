import { describe, expect, test } from 'vitest'
import { sigmoidFamily } from '../src/families/sigmoid.ts'
import { labels } from '../src/target-kinds.ts'
import { askUnlisted, unlistedLoss } from './helpers/unlisted.ts'

const LN3 = Math.log(3)
/** -log of 3/4 and of 1/4. */
const RIGHT = Math.log(4 / 3)
const WRONG = Math.log(4)

describe('the sigmoid family', () => {
  const loss = unlistedLoss({ targets: labels, family: sigmoidFamily })
  const ask = (request: object) => askUnlisted(loss, { logits: [[LN3, -LN3]], targets: [[1, 1]], ...request })

  test('asks each class a question of its own', () => {
    const { probabilities, logProbabilities, predictions } = ask({})
    expect(probabilities).toEqual([expect.closeTo(0.75, 15), expect.closeTo(0.25, 15)])
    expect(logProbabilities).toEqual([expect.closeTo(-RIGHT, 15), expect.closeTo(-WRONG, 15)])
    expect(predictions).toEqual([1, 0])
  })

  test('keeps its digits at both ends', () => {
    const { probabilities, logProbabilities } = ask({
      logits: [
        [800, -800],
        [-Infinity, 0],
        [40, -40],
      ],
      targets: [0, 1, 0],
    })
    expect(probabilities.slice(0, 4)).toEqual([1, 0, 0, 0.5])
    expect(probabilities[5]).toBeCloseTo(Math.exp(-40), 30)
    expect(logProbabilities.slice(0, 3)).toEqual([0, -800, -Infinity])
    expect(logProbabilities[4]! / -Math.exp(-40)).toBeCloseTo(1, 14)
    expect(logProbabilities[5]).toBeCloseTo(-40, 14)
  })

  test('is accurate where a logit above 0 meets a label above 1/2, element by element', () => {
    const { metrics } = ask({})
    expect(metrics.accuracy).toBe(0.5)
    expect(metrics.nll).toBeCloseTo((RIGHT + WRONG) / 2, 14)
    expect(metrics.perplexity).toBeCloseTo(Math.exp((RIGHT + WRONG) / 2), 14)
  })

  test('measures the unsmoothed labels of the rows that count', () => {
    const { metrics } = ask({
      logits: [
        [LN3, -LN3],
        [Number.NaN, Infinity],
      ],
      targets: [0, -100],
      label_smoothing: 0.5,
      class_weights: [7, 0],
    })
    expect(metrics).toEqual({ accuracy: 1, nll: expect.closeTo(RIGHT, 14), perplexity: expect.closeTo(4 / 3, 14) })
  })

  test('costs nothing at -Infinity where the label is off, and without end where it is on', () => {
    const logits = [[-Infinity, LN3]]
    expect(ask({ logits, targets: [[0, 1]] }).metrics.nll).toBeCloseTo(RIGHT / 2, 14)
    expect(ask({ logits, targets: [[0.5, 1]] }).metrics.nll).toBe(Infinity)
  })

  test('counts a row for every class whose label is on', () => {
    const falling = unlistedLoss({
      targets: labels,
      family: sigmoidFamily,
      evaluate({ engine, losses, numRows }) {
        engine.memory.f64(losses, numRows).set(Array.from({ length: numRows }, (_, row) => numRows - row))
        return -1
      },
    })
    const { perClass, hardestRows } = askUnlisted(falling, {
      logits: [
        [LN3, -LN3],
        [LN3, LN3],
        [0, 0],
      ],
      targets: [
        [1, 1],
        [0, 0.7],
        [0.5, 0],
      ],
    })
    expect(perClass).toEqual({
      count: [1, 2],
      loss: [3, 2.5],
      accuracy: [1, 0.5],
      confidence: [expect.closeTo(0.75, 15), expect.closeTo(0.75, 15)],
    })
    expect(hardestRows).toEqual({ index: [0, 1], loss: [3, 2], target: [1, 1, 0, 1], prediction: [1, 0, 1, 1] })
  })
})
