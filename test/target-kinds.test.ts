import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { sigmoidFamily } from '../src/families/sigmoid.ts'
import { Refusal } from '../src/problems.ts'
import { countedElements } from '../src/reduction.ts'
import { classIndices, distributions, labels, smoothedIndices, teacher } from '../src/target-kinds.ts'
import { askUnlisted, type UnlistedAnswer, unlistedLoss } from './helpers/unlisted.ts'

const LOGITS = [
  [2, 1, 0],
  [0, 3, -1],
]

function problemOf(ask: () => UnlistedAnswer) {
  try {
    ask()
  } catch (error) {
    if (error instanceof Refusal) return error.problem
    throw error
  }
  return expect.fail('expected a refusal')
}

function near(actual: readonly number[], wanted: readonly number[]): void {
  expect(actual).toEqual(wanted.map((value) => expect.closeTo(value, 14)))
}

describe('class indices', () => {
  const loss = unlistedLoss({ targets: classIndices })
  const ask = (request: object) => askUnlisted(loss, { logits: LOGITS, targets: [0, 2], ...request })

  test('are one-hot', () => {
    expect(ask({}).smoothedTargets).toEqual([1, 0, 0, 0, 0, 1])
  })

  test('may be ignored and weighted', () => {
    const answer = ask({ targets: [0, 7], ignore_index: 7, class_weights: [3, 1, 1] })
    expect(answer.smoothedTargets).toEqual([1, 0, 0, 0, 0, 0])
    expect(answer.normalizer).toBe(3)
  })

  test('are no probabilities', () => {
    const { code, detail } = problemOf(() => ask({ targets: LOGITS }))
    expect(code).toBe('shape_mismatch')
    expect(detail).toBe('/targets: expected class indices of shape [2], got shape [2, 3]')
  })

  test.each(['label_smoothing', 'smoothing', 'prior', 'mixup'])('take no %s', (field) => {
    expect(() => ask({ [field]: 0 })).toThrow(z.ZodError)
  })
})

describe('smoothed class indices', () => {
  const loss = unlistedLoss({ targets: smoothedIndices })
  const ask = (request: object) => askUnlisted(loss, { logits: LOGITS, targets: [0, 2], ...request })

  test('are smoothed in every convention of distributions', () => {
    near(ask({ label_smoothing: 0.3 }).smoothedTargets, [0.8, 0.1, 0.1, 0.1, 0.1, 0.8])
    near(ask({ label_smoothing: 0.3, smoothing: 'others' }).smoothedTargets, [0.7, 0.15, 0.15, 0.15, 0.15, 0.7])
    const prior = [0.5, 0.25, 0.25]
    near(ask({ label_smoothing: 0.2, prior }).smoothedTargets, [0.9, 0.05, 0.05, 0.1, 0.05, 0.85])
  })

  test('are no probabilities and not mixed', () => {
    expect(problemOf(() => ask({ targets: LOGITS })).code).toBe('shape_mismatch')
    expect(() => ask({ mixup: { lam: 0.5 } })).toThrow(z.ZodError)
  })
})

describe('labels', () => {
  const loss = unlistedLoss({ targets: labels, family: sigmoidFamily, denominator: () => countedElements })
  const ask = (request: object) => askUnlisted(loss, { logits: LOGITS, targets: [0, 2], ...request })
  const dense = [
    [1, 0.25, 1],
    [0, 0, 0],
  ]

  test('of class indices are on for the class and off for the others', () => {
    near(ask({ label_smoothing: 0.3 }).smoothedTargets, [0.8, 0.1, 0.1, 0.1, 0.1, 0.8])
  })

  test('need not sum to 1', () => {
    expect(ask({ targets: dense }).smoothedTargets).toEqual(dense.flat())
  })

  test.each([
    ['uniform', (t: number) => 0.7 * t + 0.1],
    ['others', (t: number) => 0.7 * t + 0.15 * (1 - t)],
    ['half', (t: number) => 0.7 * t + 0.15],
  ])('are smoothed label by label in the convention "%s"', (smoothing, smoothed) => {
    const answer = ask({ targets: dense, label_smoothing: 0.3, smoothing })
    near(answer.smoothedTargets, dense.flat().map(smoothed))
  })

  test('are smoothed towards a prior as they are', () => {
    const prior = [0.5, 0.25, 0.25]
    near(ask({ targets: dense, label_smoothing: 0.2, prior }).smoothedTargets, [0.9, 0.25, 0.85, 0.1, 0.05, 0.05])
    expect(problemOf(() => ask({ prior, smoothing: 'half' })).detail).toContain('moves every label towards 1/2')
  })

  test('are mixed', () => {
    near(ask({ targets: dense, mixup: { lam: 0.75 } }).smoothedTargets, [0.75, 0.1875, 0.75, 0.25, 0.0625, 0.25])
  })

  test('lie in [0, 1]', () => {
    for (const [value, at] of [
      [1.5, '/targets/1/2'],
      [-0.1, '/targets/0/1'],
      [Number.NaN, '/targets/0/0'],
    ] as const) {
      const [, row, k] = /(\d)\/(\d)/.exec(at)!
      const targets = dense.with(Number(row), dense[Number(row)]!.with(Number(k), value))
      const { code, errors } = problemOf(() => ask({ targets }))
      expect(code).toBe('validation_failed')
      expect(errors).toEqual([{ pointer: at, detail: `expected a label in [0, 1], got ${value}` }])
    }
  })

  test('divide a mean by the elements of the rows that count', () => {
    const weights = { class_weights: [3, 0, 1], sample_weights: [2, 5] }
    expect(ask(weights).normalizer).toBe(6)
    expect(ask({ ...weights, targets: [0, -100] }).normalizer).toBe(3)
    expect(ask({ targets: dense }).normalizer).toBe(6)
  })
})

describe('a teacher', () => {
  const loss = unlistedLoss({ targets: teacher, params: { temperature: z.number().positive().default(1) } })
  const teacherLogits = [
    [Math.log(3), 0, -Infinity],
    [5, 5, 5],
  ]
  const ask = (request: object) => askUnlisted(loss, { logits: LOGITS, teacher_logits: teacherLogits, ...request })

  test('gives the softmax of its logits over the temperature', () => {
    near(ask({}).smoothedTargets, [3 / 4, 1 / 4, 0, 1 / 3, 1 / 3, 1 / 3])
    const root = Math.sqrt(3)
    near(ask({ temperature: 2 }).smoothedTargets.slice(0, 3), [root / (1 + root), 1 / (1 + root), 0])
    expect(ask({ temperature: 1e-300 }).smoothedTargets.slice(0, 3)).toEqual([1, 0, 0])
  })

  test('divides a mean by rows', () => {
    expect(ask({ sample_weights: [3, 5] }).normalizer).toBe(2)
  })

  test.each([
    ['another shape', [[1, 2, 3]], 'shape_mismatch', '/teacher_logits'],
    ['NaN', [LOGITS[0], [0, Number.NaN, 0]], 'logits_not_finite', '/teacher_logits/1/1'],
    ['Infinity', [[0, 1, Infinity], LOGITS[0]], 'logits_not_finite', '/teacher_logits/0/2'],
    ['nothing but -Infinity', [LOGITS[0], [-Infinity, -Infinity, -Infinity]], 'logits_not_finite', '/teacher_logits/1'],
  ])('is refused with %s', (_, logits, code, at) => {
    const problem = problemOf(() => ask({ teacher_logits: logits }))
    expect(problem.code).toBe(code)
    expect(problem.errors![0]!.pointer).toBe(at)
  })

  test.each(Object.keys(distributions.shape))('takes no %s', (field) => {
    expect(() => ask({ [field]: [0, 1] })).toThrow(z.ZodError)
  })
})
