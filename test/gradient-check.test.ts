import { describe, expect, test } from 'vitest'
import { evaluateBatch, prepareBatch } from '../src/batch.ts'
import { checkGradients } from '../src/gradient-check.ts'
import type { LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import { sampleOf } from '../src/random.ts'
import { requestOf } from './helpers/arbitraries.ts'
import { capabilitiesOf, takes, variantsOf } from './helpers/capabilities.ts'
import { ask, engines, type LossAnswer, post } from './helpers/evaluate.ts'
import { randomOf } from './helpers/model.ts'
import { unlistedLoss } from './helpers/unlisted.ts'

interface CheckAnswer {
  readonly checked: number
  readonly skipped: number
  readonly max_abs_error: number
  readonly max_rel_error: number
  readonly worst?: { pointer: string; analytic: number; numeric: number }
  readonly tolerance: number
  readonly ok: boolean
}

const LOGITS = [
  [2, 1, 0.1],
  [0.5, 2.5, 0.3],
]
const PLAIN = { logits: LOGITS, targets: [0, 1], dtype: 'float64' }

for (const engine of engines) {
  const check = (request: object) => ask<CheckAnswer>('gradient-check', { ...PLAIN, ...request }, engine)

  describe.each([...losses])(`the gradient of $name on ${engine.kernels.name} kernels`, (definition) => {
    const random = randomOf(`check ${definition.name}`)
    const { groupSize } = capabilitiesOf(definition)
    const classes = 5
    const rows = 4 * groupSize
    const request = {
      logits: Array.from({ length: rows }, () => Array.from({ length: classes }, () => 4 * random() - 2)),
      targets: Array.from({ length: rows }, (_, i) => i % classes),
      class_weights: Array.from({ length: classes }, () => 0.5 + random()),
      sample_weights: Array.from({ length: rows }, () => 0.5 + random()),
      label_smoothing: 0.1,
      mixup: { lam: 0.3 },
    }
    const teacher = { teacher_logits: request.logits.map((row) => row.toReversed()) }
    const body = { ...requestOf(definition, request), ...(takes(definition, 'teacher_logits') ? teacher : {}) }
    const variants = variantsOf(definition, classes, random)

    test.each(variants.map((variant) => ({ variant, shown: JSON.stringify(variant) })))(
      'is that of its differences with $shown',
      ({ variant }) => {
        for (const [dtype, tolerance] of [
          ['float64', 1e-6],
          ['float32', 5e-5],
        ] as const) {
          const answer = ask<CheckAnswer>('gradient-check', { ...body, ...variant, dtype, samples: 4096 }, engine)
          expect(answer, JSON.stringify(answer)).toMatchObject({ ok: true, tolerance })
          expect(answer.checked + answer.skipped).toBe(rows * classes)
          expect(answer.checked, JSON.stringify(answer)).toBeGreaterThan(0)
        }
      },
    )
  })

  describe(`a check of gradients on ${engine.kernels.name} kernels`, () => {
    test('names the worst coordinate, with what /loss answers there', () => {
      const { gradients } = ask<LossAnswer>('loss', { ...PLAIN, label_smoothing: 0.1 }, engine)
      const { worst, checked, skipped, ok } = check({ label_smoothing: 0.1 })
      expect({ checked, skipped, ok }).toEqual({ checked: 6, skipped: 0, ok: true })
      const [, field, row, label] = worst!.pointer.split('/')
      expect(field).toBe('logits')
      expect(worst!.analytic).toBe(gradients[Number(row)]![Number(label)])
      expect(worst!.numeric).toBeCloseTo(worst!.analytic, 8)
    })

    test('takes every coordinate where there are no more than samples, and else as many as that', () => {
      const logits = Array.from({ length: 50 }, (_, i) => [i / 50, 0.5, 1, 0])
      const targets = logits.map((_, i) => (i % 2 === 0 ? -100 : 3))
      expect(check({ logits, targets, samples: 4096 }).checked).toBe(100)
      expect(check({ logits, targets }).checked).toBe(64)
      expect(check({ logits, targets, samples: 7 }).checked).toBe(7)
    })

    test('is the same for the same seed, and another for another', () => {
      const logits = Array.from({ length: 50 }, (_, i) => [Math.sin(i), Math.cos(i), 1, 0])
      const request = { logits, targets: logits.map(() => 2), samples: 5 }
      expect(check({ ...request, seed: 1 })).toEqual(check({ ...request, seed: 1 }))
      expect(check({ ...request, seed: 1 })).not.toEqual(check({ ...request, seed: 2 }))
    })

    test('has pointers into tokens and pixels', () => {
      const tokens = check({ logits: [LOGITS], targets: [[0, 1]] })
      expect(tokens.worst!.pointer).toMatch(/^\/logits\/0\/[01]\/[012]$/)
      const pixels = check({
        logits: [
          [
            [2, 0.5],
            [1, 2.5],
            [0.1, 0.3],
          ],
        ],
        targets: [[0, 1]],
        class_axis: 1,
      })
      expect(pixels.worst!.pointer).toMatch(/^\/logits\/0\/[012]\/[01]$/)
      expect(pixels.max_abs_error).toBe(tokens.max_abs_error)
    })

    test('skips what has no difference to take', () => {
      const masked = { logits: [[1, 0, -Infinity]], targets: [0] }
      expect(check(masked)).toMatchObject({ checked: 2, skipped: 1, ok: true })
      expect(check({ ...masked, label_smoothing: 0.1 })).toMatchObject({ checked: 0, skipped: 3, ok: true })
      const huge = check({ logits: [[1e9, 0, 0]], targets: [1] })
      expect(huge).toMatchObject({ checked: 0, skipped: 3 })
      expect(huge).not.toHaveProperty('worst')
      expect(check({ targets: [-100, -100] })).toMatchObject({ checked: 0, skipped: 0, max_abs_error: 0 })
    })

    test.each(['mean', 'sum', 'none'])('is of the loss reduced by %s', (reduction) => {
      expect(check({ reduction, sample_weights: [5, 0.1], class_weights: [3, 1, 0] })).toMatchObject({ ok: true })
    })

    test('sees a gradient that is wrong, and how much', () => {
      const answer = runCheck(steep(1.01), { logits: LOGITS, targets: [0, 1] })
      expect(answer.maxRelError).toBeCloseTo(0.01 / 1.01, 6)
      expect(answer.maxAbsError).toBeCloseTo(0.01, 6)
      expect(runCheck(steep(1), { logits: LOGITS, targets: [0, 1] }).maxRelError).toBeLessThan(1e-9)
    })

    test('skips rows next to a kink', () => {
      const kinked = {
        ...steep(1),
        distanceToKink: ({ scores }: { scores: readonly number[] }) => Math.abs(scores[0]! - 2),
      }
      expect(runCheck(kinked, { logits: LOGITS, targets: [0, 1] })).toMatchObject({ checked: 3, skipped: 3 })
    })

    test('evaluates the rows that a coordinate touches, and no others', () => {
      const sizes: number[] = []
      const watched = {
        ...steep(1),
        evaluate: (block: never, params: never) => {
          sizes.push((block as { numRows: number }).numRows)
          return steep(1).evaluate(block, params)
        },
      }
      const logits = Array.from({ length: 40 }, () => LOGITS[0]!)
      runCheck(watched, { logits, targets: logits.map(() => 0) }, 5)
      expect(sizes).toEqual([40, 2, 2, 2, 2, 2])
    })

    function runCheck(
      definition: LossDefinition,
      { logits, targets }: { logits: number[][]; targets: number[] },
      samples = 64,
    ) {
      engine.memory.reset()
      const tensorOf = (values: readonly number[], shape: readonly number[]) => {
        const pointer = engine.memory.allocate(8 * values.length)
        engine.memory.f64(pointer, values.length).set(values)
        const tensor = { dtype: 'F64', shape, pointer, as: () => tensor }
        return tensor
      }
      const fields = {
        logits: tensorOf(logits.flat(), [logits.length, logits[0]!.length]),
        targets: tensorOf(targets, [targets.length]),
        class_axis: -1,
        dtype: 'float64',
        reduction: 'sum',
      } as never
      const batch = prepareBatch(engine, definition, fields)
      const evaluated = evaluateBatch(batch, definition, fields, true)
      return checkGradients(batch, definition, evaluated, { samples, step: 1e-5, seed: 0 })
    }
  })
}

/** The sum of its logits, with a gradient of `slope` in place of 1. */
function steep(slope: number): LossDefinition {
  return unlistedLoss({
    evaluate({ engine: { memory }, numRows, numClasses, scores, losses, gradients, gradientScale }) {
      const z = memory.f64(scores, numRows * numClasses)
      const scales = memory.f64(gradientScale, numRows)
      for (let n = 0; n < numRows; n++) {
        memory.f64(losses, numRows)[n] = z.subarray(n * numClasses, (n + 1) * numClasses).reduce((a, b) => a + b)
        if (gradients !== 0)
          memory.f64(gradients, numRows * numClasses).fill(slope * scales[n]!, n * numClasses, (n + 1) * numClasses)
      }
      return -1
    },
  })
}

describe('a sample', () => {
  test('has different numbers in range, rising, and all of them where there are no more', () => {
    const random = randomOf('sample')
    for (const [total, count] of [
      [10, 9],
      [1000, 3],
      [5, 5],
      [5, 50],
    ] as const) {
      const sample = sampleOf(total, count, random)
      expect(new Set(sample).size).toBe(Math.min(total, count))
      expect(sample).toEqual(sample.toSorted((a, b) => a - b))
      expect(sample.every((i) => Number.isInteger(i) && i >= 0 && i < total)).toBe(true)
    }
  })

  test('may hold any of them', () => {
    const random = randomOf('any')
    const seen = new Set(Array.from({ length: 200 }, () => sampleOf(20, 2, random)).flat())
    expect(seen.size).toBe(20)
  })
})

test('a float32 gradient is the one that /loss answers in float32', () => {
  const request = { ...PLAIN, dtype: 'float32' }
  const { answer } = post('gradient-check', request)
  const { worst } = answer as CheckAnswer
  const [, , row, label] = worst!.pointer.split('/')
  const { gradients } = post('loss', request).answer as LossAnswer
  expect(Math.fround(worst!.analytic)).toBe(Math.fround(gradients[Number(row)]![Number(label)]!))
})
