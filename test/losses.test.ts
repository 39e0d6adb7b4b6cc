import { describe, expect, test } from 'vitest'
import type { Identity, LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import { logSoftmax } from '../src/losses/reference.ts'
import { capabilitiesOf, groupSizeOf, takes, variantsOf } from './helpers/capabilities.ts'
import { type Case, casesOf } from './helpers/cases.ts'
import { ask, engines, type LossAnswer } from './helpers/evaluate.ts'
import {
  centralDifferences,
  type Expected,
  expected,
  gradientFormula,
  type ModelRequest,
  randomOf,
  sum,
} from './helpers/model.ts'

const DTYPES = ['float32', 'float64'] as const
type Dtype = (typeof DTYPES)[number]

/** Of losses and gradients before sample weights and reduction. */
interface Tolerance {
  readonly relative: number
  /** Where class weights are at most 1. */
  readonly absolute: number
}

/** Cross entropies are the kernels' own, and held to their promise: losses to 2 units in the last place. */
const CROSS_ENTROPY: Record<Dtype, Record<'losses' | 'gradients', Tolerance>> = {
  float32: { losses: { relative: 2 ** -22, absolute: 0 }, gradients: { relative: 2 ** -23, absolute: 1e-7 } },
  float64: { losses: { relative: 1e-12, absolute: 0 }, gradients: { relative: 2 ** -52, absolute: 1e-13 } },
}
/** The others are made of rounded probabilities. */
const OTHERS: typeof CROSS_ENTROPY = {
  float32: { losses: { relative: 2e-5, absolute: 2e-6 }, gradients: { relative: 2e-5, absolute: 2e-6 } },
  float64: { losses: { relative: 1e-10, absolute: 1e-13 }, gradients: { relative: 1e-10, absolute: 1e-13 } },
}
const DIFFERENCES: Tolerance = { relative: 1e-6, absolute: 1e-6 }
/** Two evaluations a class, each of them over every class. */
const MAX_CLASSES_FOR_DIFFERENCES = 9
/** Nearer to a kink a difference is taken across it, and so may rounding be. */
const LEAST_DISTANCE_TO_KINK = 1e-4

for (const definition of losses) {
  describe(definition.name, () => {
    const crossEntropyGradient = gradientFormula(definition)
    for (const each of casesOf(definition)) {
      const formula = each.request.params ? undefined : crossEntropyGradient
      for (const engine of engines) {
        test(`${each.name} on ${engine.kernels.name} kernels agrees with its reference`, () => {
          const answers = Object.fromEntries(
            DTYPES.map((dtype) => [
              dtype,
              ask('loss', bodyOf(definition, modelRequest(definition, each, dtype)), engine),
            ]),
          ) as Record<Dtype, LossAnswer>
          for (const dtype of DTYPES) {
            const request = modelRequest(definition, each, dtype)
            const model = expected(definition, request)
            checkLosses(answers[dtype], request, model, (formula ? CROSS_ENTROPY : OTHERS)[dtype].losses)
            checkTargets(answers[dtype].smoothed_targets, model, dtype)
            checkGradients(answers[dtype].gradients, request, model, dtype, formula)
          }
          if (!formula) checkRounding(answers.float32, each, engine)
        })
      }
    }

    const { isSoftmax, forms, groupSize } = capabilitiesOf(definition)
    test.runIf(isSoftmax && forms.includes('indices') && groupSize === 1)('keeps the digits of a confident row', () => {
      for (const params of variantsOf(definition, 3, randomOf(definition.name))) {
        const request: ModelRequest = {
          scores: [[50, 0, 0.5]],
          targets: [0],
          label_smoothing: 0,
          dtype: 'float64',
          params,
        }
        const model = expected(definition, request)
        // Parameters may make another loss of it, whose differences tell nothing below its own last digit.
        if (model.losses[0]! > 1e-10) continue
        const { losses: rows, gradients } = ask('loss', bodyOf(definition, request))
        within(rows, model.losses, { relative: 1e-10, absolute: 0 }, 'losses')
        const differences = centralDifferences((values) => model.objective(0, values), request.scores[0]!)
        within(gradients[0]!, differences, { relative: 1e-6, absolute: 0 }, 'gradients[0]')
      }
    })

    test.each(definition.identities ?? [])('$says', (identity) => {
      for (const each of identityCases(definition, identity)) checkIdentity(definition, identity, each)
    })
  })

  function checkLosses(answer: LossAnswer, request: ModelRequest, model: Expected, before: Tolerance): void {
    const tolerance = scaled(before, weightOf(request))
    close(answer.normalizer, model.normalizer, { relative: before.relative, absolute: 0 }, 'normalizer')
    answer.losses.forEach((loss, n) => {
      close(loss, model.losses[n]!, scaled(tolerance, sampleWeightOf(request, n)), `losses[${n}]`)
    })
    if (request.reduction === 'none') expect(answer.loss, 'loss').toBeUndefined()
    else close(answer.loss, model.loss, scaled(tolerance, sum(model.scales)), 'loss')
  }

  function checkGradients(
    gradients: number[][],
    request: ModelRequest,
    model: Expected,
    dtype: Dtype,
    formula: ReturnType<typeof gradientFormula>,
  ): void {
    const round = dtype === 'float64' ? (value: number) => value : Math.fround
    gradients.forEach((row, n) => {
      const scale = Math.max(...membersOf(n, request).map((member) => model.scales[member]!))
      if (scale === 0) {
        expect(row, `gradients[${n}]`).toEqual(row.map(() => 0))
        return
      }
      const scores = request.scores[n]!.map(round)
      if (formula) {
        const exact = formula(scores, model.weighted[n]!).map((value) => scale * value)
        within(row, exact, scaled(CROSS_ENTROPY[dtype].gradients, scale * weightOf(request)), `gradients[${n}]`)
      }
      expect(row.every(Number.isFinite), `gradients[${n}] are finite: ${row}`).toBe(true)
      const isTame = scores.every((score) => score === Number.NEGATIVE_INFINITY || Math.abs(score) <= 1000)
      if (dtype === 'float32' || !isTame || scores.length > MAX_CLASSES_FOR_DIFFERENCES) return
      if (!Number.isFinite(model.objective(n, scores)) || model.distanceToKink(n) < LEAST_DISTANCE_TO_KINK) return
      const differences = centralDifferences((values) => model.objective(n, values), scores)
      within(row, differences, scaled(DIFFERENCES, scale * weightOf(request)), `gradients[${n}] by differences`)
    })
  }

  function membersOf(row: number, { scores, params = {} }: ModelRequest): number[] {
    const groups = scores.length / groupSizeOf(definition, params)
    return scores.map((_, other) => other).filter((other) => other % groups === row % groups)
  }

  /** What float32 may cost, against float64 on the same numbers. */
  function checkRounding(answer: LossAnswer, each: Case, engine: (typeof engines)[number]): void {
    const rounded = modelRequest(definition, roundedCase(each), 'float64')
    const exact = ask('loss', bodyOf(definition, rounded), engine)
    const { scales, distanceToKink } = expected(definition, rounded)
    answer.gradients.forEach((row, n) => {
      if (distanceToKink(n) < LEAST_DISTANCE_TO_KINK) return
      const scale = Math.max(...membersOf(n, rounded).map((member) => scales[member]!))
      const tolerance = scaled(OTHERS.float32.gradients, scale * weightOf(rounded))
      within(row, exact.gradients[n]!, tolerance, `gradients[${n}] in float32`)
    })
  }
}

function modelRequest(definition: LossDefinition, { logits, request }: Case, dtype: Dtype): ModelRequest {
  return { ...request, dtype, scores: definition.family.field === 'logits' ? logits : logits.map(logSoftmax) }
}

/** The request as a client writes it to this loss. */
function bodyOf(definition: LossDefinition, { scores, params, ...fields }: ModelRequest): object {
  const taken = Object.entries({ ...fields, ...params }).filter(([field]) => takes(definition, field))
  return { ...Object.fromEntries(taken), loss: definition.name, [definition.family.field]: scores }
}

function roundedCase({ name, logits, request }: Case): Case {
  const round = (rows: readonly (readonly number[])[]) => rows.map((row) => row.map(Math.fround))
  const { targets, teacher_logits: teacher } = request
  return {
    name,
    logits: round(logits),
    request: {
      ...request,
      ...(typeof targets[0] === 'object' ? { targets: round(targets as readonly number[][]) } : {}),
      ...(teacher ? { teacher_logits: round(teacher) } : {}),
    },
  }
}

/** A few real requests, under "sum", where losses of different denominators can be equal. */
function identityCases(definition: LossDefinition, { onlyHard }: Identity): Case[] {
  const { forms, takesDense } = capabilitiesOf(definition)
  const random = randomOf('identities')
  const logits = Array.from({ length: 6 }, () => Array.from({ length: 5 }, () => 6 * random() - 3))
  const base = { targets: [0, 1, 2, 3, 4, 1], reduction: 'sum', label_smoothing: 0 } as const
  const weights = { class_weights: [1, 2, 0.5, 0, 1.5], sample_weights: [1, 2, 0, 1, 3, 0.5] }
  const requests: Case['request'][] = [base, { ...base, ...weights }, { ...base, targets: [0, -100, 2, 3, -100, 1] }]
  if (!onlyHard) {
    requests.push(
      { ...base, ...weights, label_smoothing: 0.1 },
      { ...base, label_smoothing: 0.3, smoothing: 'others' },
      { ...base, label_smoothing: 0.2, smoothing: 'others', mixup: { lam: 0.3 } },
      { ...base, ...weights, label_smoothing: 0.3, targets: logits.map((row) => probabilitiesOf(row).reverse()) },
    )
  }
  const teacher = logits.map((row) => row.toReversed())
  const possible = forms.includes('logits')
    ? requests.map((request) => ({ ...request, targets: [], teacher_logits: teacher }))
    : requests.filter(
        ({ targets, mixup }) =>
          (takesDense || typeof targets[0] === 'number') && (mixup === undefined || takes(definition, 'mixup')),
      )
  return possible.map((request, i) => ({ name: String(i), logits, request }))
}

function probabilitiesOf(logits: readonly number[]): number[] {
  return logSoftmax(logits).map(Math.exp)
}

function checkIdentity(definition: LossDefinition, identity: Identity, each: Case): void {
  const { equals, params, times = 1, plus } = identity
  const other = losses.find(({ name }) => name === equals)
  if (!other) throw new Error(`no loss is called ${equals}`)
  const request = modelRequest(definition, each, 'float64')
  const one = ask('loss', bodyOf(definition, { ...request, params }))
  const same = ask('loss', bodyOf(other, { ...modelRequest(other, each, 'float64'), params: identity.with }))
  const { weighted, smoothed } = expected(definition, request)
  const addend = (n: number) =>
    plus === undefined
      ? 0
      : sampleWeightOf(request, n) *
        sum(weighted[n]!.map((share, k) => (share === 0 ? 0 : share * Math.log(smoothed[n]![k]!))))
  const tolerance = { relative: 1e-12, absolute: 1e-12 }
  one.losses.forEach((loss, n) => {
    close(loss, times * same.losses[n]! + addend(n), tolerance, `losses[${n}] of request ${each.name}`)
  })
  close(one.loss, times * same.loss + sum(one.losses.map((_, n) => addend(n))), tolerance, 'loss')
  one.gradients.forEach((row, n) => {
    const wanted = same.gradients[n]!.map((value) => times * value)
    within(row, wanted, tolerance, `gradients[${n}] of request ${each.name}`)
  })
}

function checkTargets(targets: number[][], model: Expected, dtype: Dtype): void {
  const absolute = dtype === 'float64' ? 1e-15 : 1.2e-7
  targets.forEach((row, n) => {
    within(row, model.smoothed[n]!, { absolute, relative: 0 }, `smoothed_targets[${n}]`)
    if (!model.counted[n]) expect(row, `smoothed_targets[${n}]`).toEqual(row.map(() => 0))
    expect(Math.min(...row), `smoothed_targets[${n}]`).toBeGreaterThanOrEqual(0)
  })
}

function weightOf({ class_weights: weights = [] }: ModelRequest): number {
  return Math.max(1, ...weights)
}

function sampleWeightOf({ sample_weights: weights }: ModelRequest, row: number): number {
  return weights ? weights[row]! : 1
}

function scaled({ relative, absolute }: Tolerance, factor: number): Tolerance {
  return { relative, absolute: absolute * factor }
}

function within(actual: readonly number[], wanted: readonly number[], tolerance: Tolerance, what: string): void {
  expect(actual.length, what).toBe(wanted.length)
  actual.forEach((value, k) => {
    close(value, wanted[k]!, tolerance, `${what}[${k}]`)
  })
}

function close(actual: number, wanted: number, { absolute, relative }: Tolerance, what: string): void {
  if (Object.is(actual, wanted)) return
  const difference = Math.abs(actual - wanted)
  const allowed = absolute + relative * Math.abs(wanted)
  // float32 has no number beside 0 nearer than its smallest.
  if (!(difference <= allowed) && actual !== Math.fround(wanted))
    expect.fail(`${what}: ${actual}, expected ${wanted}; off by ${difference}, allowed ${allowed}`)
}
