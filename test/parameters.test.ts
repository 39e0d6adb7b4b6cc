import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import { ask, engines, refusal } from './helpers/evaluate.ts'

const LOGITS = [
  [2, 1, 0.1],
  [0.5, 2.5, 0.3],
]
const REQUEST = { logits: LOGITS, targets: [0, 1], dtype: 'float64' }

/** A number just outside of each end of a range. */
function outside(schema: z.core.JSONSchema.BaseSchema): number[] {
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum } = schema
  const ends: [unknown, number][] = [
    [minimum, -1],
    [exclusiveMinimum, 0],
    [maximum, 1],
    [exclusiveMaximum, 0],
  ]
  return ends.flatMap(([end, step]) =>
    typeof end === 'number' && Math.abs(end) < Number.MAX_SAFE_INTEGER ? [end + step] : [],
  )
}

const ranges = losses.flatMap((loss) =>
  Object.entries(loss.params).flatMap(([name, schema]) => {
    const { $schema: _, ...json } = z.toJSONSchema(schema as z.ZodType, { io: 'input', unrepresentable: 'any' })
    return outside(json).map((value) => ({ loss, name, value }))
  }),
)

describe('a parameter', () => {
  test.each(ranges)('$name of $loss.name is not $value', ({ loss, name, value }) => {
    const { code, errors } = refusal('loss', { loss: loss.name, ...loss.example, [name]: value })
    expect(code).toBe('validation_failed')
    expect(errors![0]!.pointer).toBe(`/${name}`)
    expect(errors![0]!.detail).toMatch(new RegExp(`^expected .*(?:<|>).*got ${value}$`))
  })

  test('that is for each class has one weight >= 0 for each of them', () => {
    const problems = [[1, 2], [1, -1, 1], [[1, 2, 3]]].map((alpha) =>
      refusal('loss', { loss: 'focal', ...REQUEST, alpha }),
    )
    expect(problems.map(({ code, errors }) => [code, errors![0]!.pointer])).toEqual([
      ['shape_mismatch', '/alpha'],
      ['validation_failed', '/alpha/1'],
      ['shape_mismatch', '/alpha'],
    ])
  })

  test('that is for each class is checked where no row counts, too', () => {
    const request = { loss: 'focal', ...REQUEST, targets: [-100, -100], alpha: [1] }
    expect(refusal('loss', request).errors![0]!.pointer).toBe('/alpha')
  })

  test('that is one number is not one for each class', () => {
    const { errors } = refusal('loss', { loss: 'symmetric_cross_entropy', ...REQUEST, alpha: [1, 2, 3] })
    expect(errors).toEqual([{ pointer: '/alpha', detail: 'expected number, got a tensor of shape [3]' }])
  })
})

describe('a field', () => {
  const detailOf = (request: object) => refusal('loss', { ...REQUEST, ...request }).errors![0]!.detail

  test('of another loss is refused with the losses that take it', () => {
    expect(detailOf({ gamma: 2 })).toMatch(/^cross_entropy does not take it; focal(?:, [a-z0-9_]+)* (?:do|does)$/)
    expect(detailOf({ loss: 'focal', z_loss: 0.1 })).toBe('focal does not take it; cross_entropy does')
  })

  test('that no loss has gets the closest name of those this loss has', () => {
    expect(detailOf({ loss: 'focal', gama: 2 })).toBe('unknown field; did you mean "gamma"?')
    expect(detailOf({ loss: 'poly1', epsilom: 2 })).toBe('unknown field; did you mean "epsilon"?')
  })
})

describe('/equivalence', () => {
  test.each([
    ['z_loss', 0.1, 'expected 0, got 0.1'],
    ['softcap', 30, 'expected it to be absent, got 30'],
    ['temperature', 2, 'expected 1, got 2'],
  ])('compares without %s', (field, value, detail) => {
    const { code, errors } = refusal('equivalence', { ...REQUEST, [field]: value })
    expect(code).toBe('validation_failed')
    expect(errors).toEqual([{ pointer: `/${field}`, detail: expect.stringContaining(detail) }])
  })

  test('takes them where they change nothing', () => {
    expect(ask('equivalence', { ...REQUEST, z_loss: 0, temperature: 1 })).toEqual(ask('equivalence', REQUEST))
  })
})

const softmaxLosses = losses.filter(
  ({ family, targets, rowsTogether }) =>
    family.name === 'softmax' && targets.forms.includes('probabilities') && !rowsTogether,
)

/** The default of a loss's parameters, and every setting of theirs that is a number or more. */
function settingsOf({ variants = [] }: LossDefinition): Record<string, unknown>[] {
  return [{}, ...variants.filter((variant) => !Object.values(variant).some((value) => typeof value === 'string'))]
}

for (const engine of engines) {
  describe.each(softmaxLosses)(
    `a row far beyond the range of exp on ${engine.kernels.name} kernels, of $name`,
    (loss) => {
      const answerTo = (request: object) =>
        settingsOf(loss).flatMap((params) =>
          ['float32', 'float64'].map((dtype) =>
            ask('loss', { ...REQUEST, loss: loss.name, reduction: 'sum', ...params, ...request, dtype }, engine),
          ),
        )
      const areFinite = (gradients: number[][]) => gradients.flat().every(Number.isFinite)

      test.each([
        ['right', 0],
        ['wrong', 1],
      ])('has a finite loss and gradient where it is %s', (_, target) => {
        for (const gap of [50, 100, 800, 1e30]) {
          for (const label_smoothing of [0, 0.1]) {
            const request = { logits: [[gap, 0, -gap]], targets: [target], label_smoothing }
            for (const { loss: value, gradients } of answerTo(request)) {
              expect(value).toBeGreaterThanOrEqual(0)
              expect(areFinite(gradients) && !Number.isNaN(value)).toBe(true)
            }
          }
        }
      })

      test('has gradient 0 for a class that is masked out and has no share of the target', () => {
        for (const targets of [[0], [[0.75, 0.25, 0]]]) {
          const request = { logits: [[2, 1, -Infinity]], targets, label_smoothing: 0 }
          for (const { loss: value, gradients } of answerTo(request)) {
            expect(Number.isFinite(value)).toBe(true)
            expect(gradients[0]![2]).toBe(0)
          }
        }
      })

      test('has a finite gradient where the target is a class that is masked out', () => {
        for (const targets of [[2], [[0.75, 0, 0.25]]]) {
          const request = { logits: [[2, 1, -Infinity]], targets, label_smoothing: 0 }
          for (const { loss: value, gradients } of answerTo(request)) {
            expect(value).toBeGreaterThan(0)
            expect(areFinite(gradients)).toBe(true)
          }
        }
      })
    },
  )
}
