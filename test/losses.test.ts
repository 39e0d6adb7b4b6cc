import { expect, test } from 'vitest'
import type { LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import { logSoftmax } from '../src/losses/reference.ts'
import { type Case, composedCases } from './helpers/cases.ts'
import { ask, engines } from './helpers/evaluate.ts'
import { centralDifferences, type Expected, expected, gradientFormula, type ModelRequest } from './helpers/model.ts'

const DTYPES = ['float32', 'float64'] as const
/** Relative, of losses and everything else that is float64. */
const FLOAT64_TOLERANCE = 1e-12
const FLOAT32_ULPS = 2
/** Of gradients before sample weights and reduction, absolute, where class weights are at most 1. */
const GRADIENT_TOLERANCE = { float32: 1e-7, float64: 1e-13 } as const
/** What the reduction may add, relative: the rounding of its factor and that of the product. */
const REDUCTION_TOLERANCE = { float32: 2 ** -23, float64: 2 ** -52 } as const
const DIFFERENCE_TOLERANCE = 1e-6
/** Two evaluations a class, each of them over every class. */
const MAX_CLASSES_FOR_DIFFERENCES = 9

const cases = composedCases()

for (const definition of losses) {
  const formula = gradientFormula(definition)
  for (const engine of engines) {
    for (const each of cases) {
      test(`${definition.name} ${each.name} on ${engine.kernels.name} kernels agrees with its reference`, () => {
        for (const dtype of DTYPES) {
          const request = requestOf(definition, each, dtype)
          const { scores, ...fields } = request
          const answer = ask('loss', { loss: definition.name, [definition.family.field]: scores, ...fields }, engine)
          const model = expected(definition, request)

          closeTo(answer.normalizer, model.normalizer, dtype, 'normalizer')
          answer.losses.forEach((loss, n) => {
            closeTo(loss, model.losses[n]!, dtype, `losses[${n}]`)
          })
          if (request.reduction === 'none') expect(answer.loss, 'loss').toBeUndefined()
          else closeTo(answer.loss, model.loss, dtype, 'loss')
          checkTargets(answer.smoothed_targets, model, dtype)
          checkGradients(answer.gradients, request, model, dtype)
        }
      })
    }
  }

  function checkGradients(
    gradients: number[][],
    request: ModelRequest,
    model: Expected,
    dtype: 'float32' | 'float64',
  ): void {
    const weight = Math.max(1, ...(request.class_weights ?? []))
    const round = dtype === 'float64' ? (value: number) => value : Math.fround
    gradients.forEach((row, n) => {
      const scale = model.scales[n]!
      if (scale === 0) {
        expect(row, `gradients[${n}]`).toEqual(row.map(() => 0))
        return
      }
      const scores = request.scores[n]!.map(round)
      const scaled = (values: number[]) => values.map((value) => scale * value)
      const tolerance = scale * weight * GRADIENT_TOLERANCE[dtype]
      if (formula) {
        const exact = scaled(formula(scores, model.weighted[n]!))
        within(row, exact, tolerance, REDUCTION_TOLERANCE[dtype], `gradients[${n}]`)
      }
      const isTame = scores.every((score) => Math.abs(score) <= 1000)
      if (dtype === 'float32' || !isTame || scores.length > MAX_CLASSES_FOR_DIFFERENCES) return
      const differences = scaled(centralDifferences((values) => model.rowLoss(n, values), scores))
      within(row, differences, scale * weight * DIFFERENCE_TOLERANCE, 0, `gradients[${n}] by differences`)
    })
  }
}

function requestOf(definition: LossDefinition, { logits, request }: Case, dtype: 'float32' | 'float64'): ModelRequest {
  return { ...request, dtype, scores: definition.family.field === 'logits' ? logits : logits.map(logSoftmax) }
}

function checkTargets(targets: number[][], model: Expected, dtype: 'float32' | 'float64'): void {
  const tolerance = dtype === 'float64' ? 1e-15 : 1.2e-7
  targets.forEach((row, n) => {
    within(row, model.smoothed[n]!, tolerance, 0, `smoothed_targets[${n}]`)
    if (!model.counted[n]) expect(row, `smoothed_targets[${n}]`).toEqual(row.map(() => 0))
    expect(Math.min(...row), `smoothed_targets[${n}]`).toBeGreaterThanOrEqual(0)
  })
}

function within(
  actual: readonly number[],
  wanted: readonly number[],
  absolute: number,
  relative: number,
  what: string,
): void {
  expect(actual.length, what).toBe(wanted.length)
  actual.forEach((value, k) => {
    const difference = Math.abs(value - wanted[k]!)
    const allowed = absolute + relative * Math.abs(wanted[k]!)
    if (!(difference <= allowed))
      expect.fail(`${what}[${k}]: ${value}, expected ${wanted[k]}; off by ${difference}, allowed ${allowed}`)
  })
}

function closeTo(actual: number, wanted: number, dtype: 'float32' | 'float64', what: string): void {
  if (Object.is(actual, wanted)) return
  const difference = Math.abs(actual - wanted)
  const tolerance =
    dtype === 'float64' ? FLOAT64_TOLERANCE * Math.abs(wanted) : FLOAT32_ULPS * float32Ulp(Math.fround(wanted))
  if (!(difference <= tolerance) && actual !== Math.fround(wanted))
    expect.fail(`${what} (${dtype}): ${actual}, expected ${wanted}; off by ${difference}, allowed ${tolerance}`)
}

/** Distance from a float32 to the next one away from zero. */
function float32Ulp(value: number): number {
  const bits = new Int32Array(Float32Array.of(Math.abs(value)).buffer)
  const next = new Float32Array(Int32Array.of(bits[0]! + 1).buffer)[0]!
  return next - Math.abs(value)
}
