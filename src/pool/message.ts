import type { Formats, OperationName } from '../evaluate.ts'
import type { Problem } from '../problems.ts'
import type { Insertion } from '../wire/outside.ts'
import type { CrewJob } from './crew.ts'

/** What crosses between the main thread and a worker, and no other types. */

export interface WorkerData {
  /** Compiled once, shared by every worker; absent where SIMD is not supported. */
  readonly kernelModule: WebAssembly.Module | undefined
  /** int32 [CANCEL_SLOTS], shared: the id of a task that nobody waits for any more, at the slot of its id. */
  readonly cancelled: Int32Array<SharedArrayBuffer>
  /** int32 [1], shared: workers that have run their warm-up. */
  readonly warm: Int32Array<SharedArrayBuffer>
  /** int32, shared: the counts of `Load`. */
  readonly load: Int32Array<SharedArrayBuffer>
  readonly workers: number
}

/** Tasks that workers have or will have; evaluations that wait for a worker. */
export const Load = { tasks: 0, waiting: 1 } as const
export const LOAD_WORDS = 2

export const CANCEL_SLOTS = 65_536

export interface WarmTask {
  readonly kind: 'warm'
}

export interface EvaluateTask {
  readonly kind: 'evaluate'
  /** One behind the other; the results come back together. */
  readonly evaluations: readonly Evaluation[]
}

export interface Evaluation {
  /** 1 to 2^31 - 1, then again from 1. */
  readonly id: number
  readonly operation: OperationName
  /** Lent, else transferred. */
  readonly body: Uint8Array
  readonly formats: Formats
}

/** A call for help that a worker has made. */
export interface HelpTask {
  readonly kind: 'help'
  readonly job: CrewJob
}

export type Task = WarmTask | EvaluateTask | HelpTask

export interface TaskResult {
  /** Lent, to be given back by whoever has sent it; else transferred. */
  readonly body: Uint8Array | undefined
  /** What belongs between the bytes of the body; lent or transferred like them. */
  readonly insertion: Insertion | undefined
  readonly mediaType: string | undefined
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly problem: Problem | undefined
  readonly report: WorkReport
}

/** Everything of an answer that is lent, or transferred. */
export function bytesOf({ body, insertion }: Pick<TaskResult, 'body' | 'insertion'>): Uint8Array[] {
  if (body === undefined) return []
  return insertion ? [body, insertion.bytes] : [body]
}

/** What became of one evaluation of a task: undefined where nobody waits for it any more. A bug that ends one ends no other. */
export type Outcome = { readonly result: TaskResult | undefined } | { readonly error: Error }

/** What a task cost, for headers and metrics. */
export interface WorkReport {
  readonly loss: string | undefined
  readonly rows: number
  /** When a worker took it up: milliseconds since the epoch, on the clock both threads share. */
  readonly startedAt: number
  readonly decodeMs: number
  readonly computeMs: number
  readonly encodeMs: number
}

/** Milliseconds since the epoch with a fraction; performance.now() alone starts anew in each thread. */
export function clock(): number {
  return performance.timeOrigin + performance.now()
}
