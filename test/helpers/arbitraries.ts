import fc from 'fast-check'
import type { LossDefinition } from '../../src/losses/definition.ts'
import { logSoftmax } from '../../src/losses/reference.ts'
import { capabilitiesOf, takes } from './capabilities.ts'
import { expected, type ModelRequest, sum } from './model.ts'

/** A request [N, K] as a client would write it, without its loss and its scores' field. */
export interface Request {
  readonly logits: number[][]
  readonly targets: number[] | number[][]
  readonly dtype: 'float32' | 'float64'
  readonly label_smoothing: number
  readonly smoothing?: 'uniform' | 'others'
  readonly prior?: number[]
  readonly class_weights?: number[]
  readonly sample_weights?: number[]
  readonly reduction?: 'mean' | 'sum' | 'none'
  readonly mixup?: { lam: number | number[]; pairing?: 'flip' | 'roll' | number[] }
}

/** What a request may have beside logits, targets and smoothing. */
export type Extra = 'prior' | 'class_weights' | 'sample_weights' | 'reduction' | 'mixup' | 'masks' | 'probabilities'

export interface Sizes {
  readonly minRows?: number
  readonly maxRows?: number
  readonly minClasses?: number
  readonly maxClasses?: number
}

/** float32 numbers, so that both precisions read the same ones. */
const numberIn = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true }).map((value) => Math.fround(value) + 0)

const logit = numberIn(-30, 30)
const weight = fc.oneof({ weight: 4, arbitrary: numberIn(1e-3, 5) }, fc.constantFrom(0, 1))
/** A number in [0, 1], its ends included. What is next to nothing in float64 is nothing in float32, and is left out. */
const fraction = fc.oneof(
  { weight: 3, arbitrary: fc.double({ min: 1e-9, max: 1, noNaN: true }) },
  fc.constantFrom(0, 0.1, 1),
)
export const smoothingFactor = fraction
const share = fraction

const vector = <T>(length: number, element: fc.Arbitrary<T>) =>
  fc.array(element, { minLength: length, maxLength: length })

/** Shares that are multiples of 1/64 and sum to 1 exactly, some of them 0. */
export function distributionOf(k: number): fc.Arbitrary<number[]> {
  return vector(64, fc.nat(k - 1)).map((draws) =>
    Array.from({ length: k }, (_, c) => draws.filter((draw) => draw === c).length / 64),
  )
}

/** Requests with some of these extras, all of them equally well without. */
export function requests(extras: readonly Extra[], sizes: Sizes = {}): fc.Arbitrary<Request> {
  const { minRows = 1, maxRows = 5, minClasses = 1, maxClasses = 9 } = sizes
  const has = (extra: Extra) => extras.includes(extra)
  const rowsOf = (k: number) =>
    has('masks')
      ? vector(k, fc.oneof({ weight: 5, arbitrary: logit }, fc.constant(-Infinity))).map((row) =>
          row.with(0, finite(row[0]!)),
        )
      : vector(k, logit)
  return fc
    .record({
      n: fc.integer({ min: minRows, max: maxRows }),
      k: fc.integer({ min: minClasses, max: maxClasses }),
    })
    .chain(({ n, k }) => {
      const indices = vector(n, fc.nat(k - 1))
      return fc.record(
        {
          logits: vector(n, rowsOf(k)),
          targets: has('probabilities') ? fc.oneof(indices, vector(n, distributionOf(k))) : indices,
          dtype: fc.constantFrom('float32' as const, 'float64' as const),
          label_smoothing: smoothingFactor,
          ...(has('prior') ? { prior: distributionOf(k) } : {}),
          ...(has('class_weights') ? { class_weights: vector(k, weight) } : {}),
          ...(has('sample_weights') ? { sample_weights: vector(n, weight) } : {}),
          ...(has('reduction') ? { reduction: fc.constantFrom('mean' as const, 'sum' as const, 'none' as const) } : {}),
          ...(has('mixup')
            ? {
                mixup: fc.record(
                  {
                    lam: fc.oneof(share, vector(n, share)),
                    pairing: fc.oneof(fc.constantFrom('flip' as const, 'roll' as const), vector(n, fc.nat(n - 1))),
                  },
                  { requiredKeys: ['lam'] },
                ),
              }
            : {}),
        },
        { requiredKeys: ['logits', 'targets', 'dtype', 'label_smoothing'] },
      ) as fc.Arbitrary<Request>
    })
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0
}

/** A request of this loss: its scores under the name its family gives them, its targets as it takes them, and nothing that it does not take. */
export function requestOf(definition: LossDefinition, { logits, targets, ...request }: Partial<Request>): object {
  const { field } = definition.family
  const taken = Object.entries({ ...request, ...targetsOf(definition, targets, logits) }).filter(([name]) =>
    takes(definition, name),
  )
  return {
    loss: definition.name,
    [field]: field === 'logits' ? logits : logits?.map(logSoftmax),
    ...Object.fromEntries(taken),
  }
}

/** Rounding decides which way a loss goes that is nearer to a place without a derivative. */
const LEAST_DISTANCE_TO_KINK = 1e-6

/** Whether the gradient of this request is one that rounding does not change. */
export function isSmooth(definition: LossDefinition, request: Request): boolean {
  if (!definition.distanceToKink) return true
  const body = requestOf(definition, request) as Record<string, unknown>
  const fields = { targets: [], label_smoothing: 0, ...body, scores: body[definition.family.field] }
  const { distanceToKink } = expected(definition, fields as unknown as ModelRequest)
  return request.logits.every((_, row) => distanceToKink(row) > LEAST_DISTANCE_TO_KINK)
}

function targetsOf(definition: LossDefinition, targets: Partial<Request>['targets'], logits?: number[][]): object {
  const { forms, takesDense } = capabilitiesOf(definition)
  const rows = targets?.map((target) =>
    typeof target === 'number' ? (logits?.[0] ?? []).map((_, k) => (k === target ? 1 : 0)) : target,
  )
  // Nothing is nearly nothing: a teacher that excludes a class makes a loss infinite.
  if (forms.includes('logits'))
    return { teacher_logits: rows?.map((row) => row.map((share) => Math.log(share + 1e-3))) }
  const isDense = typeof targets?.[0] === 'object'
  return { targets: isDense && !takesDense ? rows?.map((row) => row.indexOf(Math.max(...row))) : targets }
}

export function permuted<T>(values: readonly T[], order: readonly number[]): T[] {
  return order.map((from) => values[from]!)
}

/** A random order of `length` things. */
export function orderOf(length: number): fc.Arbitrary<number[]> {
  const inOrder = Array.from({ length }, (_, i) => i)
  return fc.shuffledSubarray(inOrder, { minLength: length, maxLength: length })
}

/** What rounding may cost a sum of numbers of this size. */
export function toleranceOf(dtype: 'float32' | 'float64', values: readonly number[]): number {
  const size = sum(values.map(Math.abs).filter(Number.isFinite))
  return (dtype === 'float64' ? 1e-12 : 1e-6) * (1 + size)
}
