import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numericParameters } from '../schemas/sweep.ts'
import { takesNumber } from '../schemas/tensor.ts'
import type { Engine } from '../src/kernels/engine.ts'
import type { LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import { distributions, labels } from '../src/target-kinds.ts'
import { type Request, requestOf, requests } from './helpers/arbitraries.ts'
import { groupSizeOf, paramsOf, variantsOf } from './helpers/capabilities.ts'
import { ask, defaultEngine, engines, type LossAnswer, post } from './helpers/evaluate.ts'
import { randomOf } from './helpers/model.ts'

interface SweepAnswer {
  readonly parameter: string
  readonly normalizer?: number
  readonly points: { value: number; loss: number; gradient_norm: number }[]
  readonly best?: { value: number; loss: number }
}

const SMOOTHINGS = [0, 1e-3, 0.1, 0.5, 0.9, 1]

function normOf({ gradients }: LossAnswer): number {
  return Math.hypot(...gradients.flat())
}

/** Every point is what `POST /loss` gives there. */
function checkPoints(body: object, parameter: string, values: readonly number[], engine: Engine): void {
  const { points, normalizer, best } = ask<SweepAnswer>('sweep', { ...body, parameter, values }, engine)
  const answers = values.map((value) => ask('loss', { ...body, [parameter]: value }, engine))
  answers.forEach((answer, i) => {
    expect(points[i]!.value).toBe(values[i])
    near(points[i]!.loss, answer.loss, `loss at ${values[i]} of ${JSON.stringify(body)}`)
    near(points[i]!.gradient_norm, normOf(answer), `gradient norm at ${values[i]} of ${JSON.stringify(body)}`)
    if (normalizer !== undefined) expect(normalizer).toBe(answer.normalizer)
  })
  const comparable = points.filter(({ loss }) => !Number.isNaN(loss))
  const least = Math.min(...comparable.map(({ loss }) => loss))
  const first = comparable.find(({ loss }) => loss === least)
  expect(best).toEqual(first && { value: first.value, loss: first.loss })
}

function near(actual: number, wanted: number, what: string): void {
  if (Object.is(actual, wanted)) return
  if (!(Math.abs(actual - wanted) <= 1e-12 * Math.max(1, Math.abs(wanted))))
    expect.fail(`${what}: ${actual}, expected ${wanted}`)
}

/** An engine that counts how often a row's exponentials are taken. */
function counting(engine: Engine): Engine & { readonly calls: string[] } {
  const calls: string[] = []
  const wrap = (typed: Engine['typed']['F64']) =>
    Object.fromEntries(
      Object.entries(typed).map(([name, kernel]) => [
        name,
        (...given: never[]) => {
          if (/softmax|crossEntropy/.test(name)) calls.push(name)
          return (kernel as (...given: never[]) => unknown)(...given)
        },
      ]),
    )
  return { ...engine, calls, typed: { F32: wrap(engine.typed.F32), F64: wrap(engine.typed.F64) } as never }
}

for (const definition of losses) {
  describe(`a sweep of ${definition.name}`, () => {
    const random = randomOf(definition.name)
    const variants = variantsOf(definition, 3, random)
    const parameters = numericParameters(definition)
    // One group of rows, for every setting of how many there are in one.
    const together = variants
      .map((variant) => groupSizeOf(definition, variant))
      .reduce((a, b) => (a % b === 0 ? a : a * b))
    const sizes = together === 1 ? {} : { minRows: together, maxRows: together }

    test.each(parameters.filter((name) => name !== 'label_smoothing'))('along %s is what /loss gives', (parameter) => {
      const settings = [paramsOf(definition, {}), ...variants].map((variant) => variant[parameter])
      const values = settings.filter((value): value is number => typeof value === 'number')
      expect(values.length, `give "${definition.name}" variants of ${parameter}`).toBeGreaterThan(0)
      checkPoints({ loss: definition.name, ...definition.example, dtype: 'float64' }, parameter, values, defaultEngine)
    })

    test.runIf(parameters.includes('label_smoothing'))('along label_smoothing is what /loss gives', () => {
      const cases = fc.record({
        request: requests(['class_weights', 'sample_weights', 'prior', 'mixup', 'masks', 'probabilities'], sizes),
        smoothing: fc.constantFrom('uniform', 'others'),
        variant: fc.constantFrom(...variants.filter((each) => Object.values(each).every(isPlain))),
        ignored: fc.boolean(),
        reduction: fc.constantFrom('mean', 'sum'),
        kernels: fc.constantFrom(...engines.keys()),
      })
      fc.assert(
        fc.property(cases, ({ request, smoothing, variant, ignored, reduction, kernels }) => {
          const isIndices = typeof request.targets[0] === 'number'
          const targets = ignored && isIndices ? [-100, ...request.targets.slice(1)] : request.targets
          const convention = request.prior || request.logits[0]!.length === 1 ? {} : { smoothing }
          const exact = { ...request, ...convention, targets, reduction, dtype: 'float64' } as Request
          const body = { ...requestOf(definition, exact), ...variant }
          checkPoints(body, 'label_smoothing', SMOOTHINGS, engines[kernels]!)
        }),
        { numRuns: 15 },
      )
    })
  })
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object'
}

const logits = [
  [2, 1, 0.1],
  [0.5, 2.5, 0.3],
]
const affine = losses.filter((loss) => loss.affineInSmoothing?.(paramsOf(loss, {}) as never))

describe('a sweep along label smoothing', () => {
  const values = Array.from({ length: 1000 }, (_, i) => i / 999)
  const body = { logits, targets: [0, 1], parameter: 'label_smoothing', values, dtype: 'float64' }

  test('is affine for cross entropies', () => {
    expect(affine.length).toBeGreaterThanOrEqual(3)
  })

  test.each(affine.flatMap(({ name }) => [1, 1000].map((count) => ({ name, count }))))(
    'of $name costs one softmax for $count values',
    ({ name, count }) => {
      const engine = counting(defaultEngine)
      const given = { ...body, loss: name, values: values.slice(0, count) }
      expect(ask<SweepAnswer>('sweep', given, engine).points).toHaveLength(count)
      expect(engine.calls).toEqual(['softmax'])
    },
  )

  test('has no bound on its work', () => {
    const rows = Array.from({ length: 600 }, () => Array.from({ length: 500 }, (_, k) => k / 100))
    const answer = ask<SweepAnswer>('sweep', { ...body, logits: rows, targets: rows.map(() => 3) })
    expect(answer.points).toHaveLength(1000)
  })

  test('keeps the digits of the smallest gradient', () => {
    // p = q at a smoothing of 0.3: the gradient there is 0, and next to it no more than the distance.
    const q = [0.8, 0.1, 0.1]
    const answer = ask<SweepAnswer>('sweep', {
      ...body,
      logits: [q.map(Math.log)],
      targets: [0],
      values: [0.3, 0.3 + 1e-9],
    })
    const [at, beside] = answer.points.map(({ gradient_norm: norm }) => norm)
    expect(at).toBeLessThan(1e-15)
    expect(beside! / (1e-9 * Math.hypot(2 / 3, 1 / 3, 1 / 3))).toBeCloseTo(1, 5)
  })

  test('keeps the digits of a confident row', () => {
    const confident = { ...body, logits: [[50, 0, 0]], targets: [0], values: [0] }
    const [{ loss, gradient_norm: norm }] = ask<SweepAnswer>('sweep', confident).points as [SweepAnswer['points'][0]]
    const rest = Math.exp(-50)
    expect(loss / (2 * rest)).toBeCloseTo(1, 12)
    expect(norm / Math.hypot(2 * rest, rest, rest)).toBeCloseTo(1, 12)
  })

  test('is infinite where a masked class is given anything, and only there', () => {
    const masked = { ...body, logits: [[1, 0, -Infinity]], targets: [0], values: [0, 0.5, 1] }
    const curve = (fields: object) =>
      ask<SweepAnswer>('sweep', { ...masked, ...fields }).points.map(({ loss }) => loss === Infinity)
    expect(curve({})).toEqual([false, true, true])
    expect(curve({ prior: [0.5, 0.5, 0] })).toEqual([false, false, false])
    expect(curve({ targets: [2] })).toEqual([true, true, true])
    expect(curve({ targets: [2], smoothing: 'others' })).toEqual([true, true, false])
    expect(curve({ class_weights: [1, 1, 0] })).toEqual([false, false, false])
    expect(curve({ targets: [[0.5, 0, 0.5]] })).toEqual([true, true, true])
    expect(ask<SweepAnswer>('sweep', { ...masked, targets: [2] }).best).toEqual({ value: 0, loss: Infinity })
  })

  test('over nothing is NaN, and has no best point', () => {
    const { answer } = post('sweep', { ...body, targets: [-100, -100], values: [0, 1] })
    expect(answer).toEqual({
      parameter: 'label_smoothing',
      normalizer: 0,
      points: [
        { value: 0, loss: 'NaN', gradient_norm: 0 },
        { value: 1, loss: 'NaN', gradient_norm: 0 },
      ],
    })
  })

  test('replaces what the body says of the parameter', () => {
    expect(ask('sweep', { ...body, label_smoothing: 0.7 })).toEqual(ask('sweep', body))
  })
})

test('the parameters of a sweep are those that may be a number', () => {
  const taken = (shape: object) => Object.entries(shape).flatMap(([name, field]) => (takesNumber(field) ? [name] : []))
  expect(taken(distributions.shape)).toEqual(['label_smoothing'])
  expect(taken(labels.shape)).toEqual(['label_smoothing'])
  for (const definition of losses as LossDefinition[])
    for (const name of numericParameters(definition)) expect(name).toMatch(/^[a-z_]+$/)
})
