import { type Evaluation, evaluate, type OperationName } from '../../src/evaluate.ts'
import { createEngine, type Engine } from '../../src/kernels/engine.ts'
import { loadKernelModule } from '../../src/kernels/load.ts'
import { PROBLEMS, type Problem } from '../../src/problems.ts'

const kernelModule = loadKernelModule()

export const scalarEngine: Engine = createEngine(undefined)

/** An engine of every kind of kernels this machine has: what holds for one must hold for all. */
export const engines: readonly Engine[] = [...(kernelModule ? [createEngine(kernelModule)] : []), scalarEngine]

/** What the service uses here. */
export const defaultEngine: Engine = engines[0]!

const JSON_TO_JSON = { request: 'json', response: 'json' } as const

/** The pipeline over bytes, as a worker runs it. */
export function evaluateBytes(
  operation: OperationName,
  body: Uint8Array,
  engine: Engine = defaultEngine,
): Evaluation['result'] {
  return evaluate(engine, operation, body, JSON_TO_JSON).result
}

export interface Posted {
  readonly status: number
  /** The answer, or the problem, as JSON.parse gives it: numbers that JSON lacks are strings. */
  readonly answer: unknown
}

/** One request without HTTP. NaN and the infinities may be written as numbers. */
export function post(operation: OperationName, request: object, engine: Engine = defaultEngine): Posted {
  const result = evaluateBytes(operation, encode(request), engine)
  return result.ok
    ? { status: 200, answer: JSON.parse(new TextDecoder().decode(result.bytes)) }
    : { status: PROBLEMS[result.problem.code].status, answer: result.problem }
}

/** A request as JSON bytes, NaN and the infinities as the strings that stand for them. */
export function encode(request: object): Uint8Array {
  const text = JSON.stringify(request, (_, value) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  )
  return new TextEncoder().encode(text)
}

/** The strings "NaN", "Infinity" and "-Infinity" anywhere in an answer as the numbers they stand for. */
export function numbers(value: unknown): unknown {
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  if (Array.isArray(value)) return value.map(numbers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, numbers(member)]))
}

/** What `POST /loss` answers to logits [N, K]. */
export interface LossAnswer {
  readonly loss: number
  readonly normalizer: number
  readonly losses: number[]
  readonly gradients: number[][]
  readonly smoothed_targets: number[][]
  readonly probabilities: number[][]
  readonly log_probabilities: number[][]
  readonly predictions: number[]
  readonly metrics: { readonly accuracy: number; readonly nll: number; readonly perplexity: number }
  readonly per_class?: Readonly<Record<'count' | 'loss' | 'accuracy' | 'confidence', number[]>>
  readonly hardest_rows?: {
    readonly index: number[][]
    readonly loss: number[]
    readonly target: number[] | number[][]
    readonly prediction: number[] | number[][]
  }
  readonly warnings?: readonly { readonly code: string; readonly detail: string }[]
}

/** The answer to a request that is expected to be one the service takes, with its numbers as numbers. */
export function ask<T = LossAnswer>(operation: OperationName, request: object, engine?: Engine): T {
  const { status, answer } = post(operation, request, engine)
  if (status !== 200) throw new Error(`expected an answer, got ${status}: ${JSON.stringify(answer)}`)
  return numbers(answer) as T
}

/** The problem a request is refused with. */
export function refusal(operation: OperationName, request: object, engine?: Engine): Problem {
  const { status, answer } = post(operation, request, engine)
  if (status === 200) throw new Error(`expected a refusal, got ${JSON.stringify(answer)}`)
  return answer as Problem
}
