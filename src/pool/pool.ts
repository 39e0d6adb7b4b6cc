import { createRequire } from 'node:module'
import { Piscina } from 'piscina'
import { type Formats, isProportional, type OperationName, type Surroundings } from '../evaluate.ts'
import { createEngine } from '../kernels/engine.ts'
import { loadKernelModule } from '../kernels/load.ts'
import { Refusal } from '../problems.ts'
import { createArena, giveBack, isLent, leaseOf, MIN_LENT_BYTES } from './arena.ts'
import { createBatches, type Waiting } from './batches.ts'
import { chunksLeft } from './claims.ts'
import type { CrewJob } from './crew.ts'
import { createGathered } from './gathered.ts'
import {
  bytesOf,
  CANCEL_SLOTS,
  type EvaluateTask,
  type Evaluation,
  type HelpTask,
  LOAD_WORDS,
  Load,
  type Outcome,
  type TaskResult,
  type WarmTask,
  type WorkerData,
} from './message.ts'
import { runEvaluation } from './run.ts'

/** The part of an AbortSignal that says whether somebody waits. */
export interface Waiter {
  readonly aborted: boolean
  readonly reason: Error
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { once: true }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

export interface Pool {
  /** Resolves when every worker has compiled its kernels and passed its self-test. */
  readonly ready: Promise<void>
  /** Requests that wait for a worker. */
  readonly queueDepth: number
  /** Piscina's own pool, for its threads. */
  readonly threads: Piscina['threads']
  /** Room for a body of so many bytes, uninitialised. It is given to `evaluate`, or given back. */
  newBody(bytes: number): Uint8Array
  /**
   * Evaluates on a worker, or at once on this thread where the body is so small that handing it over would take longer. `body` is
   * gone afterwards, whatever becomes of it; the answer is the caller's to give back.
   *
   * @param signal when it aborts, nobody waits any more: work still queued is skipped, work begun goes on (ending it would kill its thread
   *               and the warm kernels in it) and its result is dropped. The promise then rejects with the signal's reason
   * Throws `overloaded` when the queue is full; rejects with an ordinary error when the worker died.
   */
  evaluate(operation: OperationName, body: Uint8Array, formats: Formats, signal: Waiter): Promise<TaskResult>
  close(): Promise<void>
}

export interface PoolOptions {
  readonly workers: number
  readonly maxQueue: number
  /** The largest body that is evaluated on this thread; 0 is none. */
  readonly inlineMaxBytes: number
}

/** An evaluation that waits for a thread. */
interface Job extends Waiting, Evaluation {
  resolve(result: TaskResult): void
  reject(error: Error): void
}

const MAX_ID = 2 ** 31 - 1
/** Bytes of bodies that are read or evaluated at the same time; more go through buffers of their own. */
const BODY_BYTES = 256 * 2 ** 20

/** Bytes of answers evaluated on this thread that are on their way out at the same time. */
const INLINE_ANSWER_BYTES = 64 * 2 ** 20

/** Worker threads that each run the pipeline from bytes to bytes. */
export function createPool({ workers, maxQueue, inlineMaxBytes }: PoolOptions): Pool {
  const cancelled = new Int32Array(new SharedArrayBuffer(CANCEL_SLOTS * Int32Array.BYTES_PER_ELEMENT))
  const warm = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const load = new Int32Array(new SharedArrayBuffer(LOAD_WORDS * Int32Array.BYTES_PER_ELEMENT))
  const kernelModule = loadKernelModule()
  const workerData: WorkerData = { kernelModule, cancelled, warm, load, workers }
  const piscina = new Piscina({
    filename: createRequire(import.meta.url).resolve('#worker'),
    minThreads: workers,
    maxThreads: workers,
    maxQueue: Number.POSITIVE_INFINITY,
    // The main thread moves bytes and is idle most of the time; when it wakes it must not queue behind its own workers.
    niceIncrement: 15,
    workerData,
  })
  const warmTask: WarmTask = { kind: 'warm' }
  const ready = Promise.all(Array.from({ length: workers }, () => piscina.run(warmTask))).then(() => undefined)
  const inlineEngine = createEngine(kernelModule)
  const gathered = createGathered()
  const bodies = createArena(BODY_BYTES)
  const answers = createArena(INLINE_ANSWER_BYTES)
  const inlineSurroundings: Surroundings = {
    // Of small ones several share a buffer; large ones are freed one by one.
    room: (bytes) =>
      answers.lend(bytes) ?? (bytes < MIN_LENT_BYTES ? Buffer.allocUnsafe : Buffer.allocUnsafeSlow)(bytes),
    // It is given back when the evaluation is over, however far that got.
    bodyRead: () => undefined,
  }
  const running = new Set<Promise<unknown>>()
  const free = () => workers - running.size
  const batches = createBatches<Job>(workers, free, handOver)
  let lastId = 0
  // Threads that nothing waits for help one that has much to read or to print.
  piscina.on('message', (job: CrewJob) => {
    const helpTask: HelpTask = { kind: 'help', job }
    for (let helpers = Math.min(free(), chunksLeft(job)); helpers > 0; helpers--) track(piscina.run(helpTask))
  })

  return {
    ready,
    get queueDepth() {
      return batches.size
    },
    get threads() {
      return piscina.threads
    },
    // Not zeroed: every byte that is handed on has been written, and clearing megabytes would take milliseconds.
    newBody: (bytes) => bodies.lend(bytes) ?? Buffer.allocUnsafeSlow(bytes),
    evaluate(operation, body, formats, signal) {
      const bytes = body.byteLength
      const isInline = bytes <= inlineMaxBytes && isProportional(operation)
      if (signal.aborted || (!isInline && batches.size >= maxQueue)) {
        giveBack(body)
        const overloaded = new Refusal('overloaded', `${maxQueue} requests are waiting already`)
        return Promise.reject(signal.aborted ? signal.reason : overloaded)
      }
      const id = (lastId % MAX_ID) + 1
      lastId = id
      const evaluation: Evaluation = { id, operation, body, formats }
      if (isInline) {
        return gathered(() => {
          try {
            signal.throwIfAborted()
            return runEvaluation(inlineEngine, evaluation, inlineSurroundings)
          } finally {
            giveBack(body)
          }
        })
      }
      const weight = isProportional(operation) ? bytes : Number.POSITIVE_INFINITY
      const { promise, resolve, reject } = withResolvers<TaskResult>()
      const job: Job = { ...evaluation, weight, resolve, reject }
      batches.add(job)
      tellLoad()
      return orAborted(promise, signal, () => {
        if (batches.remove(job)) {
          giveBack(body)
          tellLoad()
        } else Atomics.store(cancelled, id % CANCEL_SLOTS, id)
      })
    },
    async close() {
      // Piscina's own close ends a worker between two tasks, and throws outside every promise when the second one answers.
      while (running.size > 0) await Promise.allSettled(running)
      await piscina.close({ force: false })
    },
  }

  /** Gives a thread several evaluations as one task, and each its own result. */
  function handOver(jobs: readonly Job[]): void {
    const evaluations = jobs.map(({ id, operation, body, formats }): Evaluation => ({ id, operation, body, formats }))
    const task: EvaluateTask = { kind: 'evaluate', evaluations }
    const transferList = evaluations.flatMap(({ body }) => (isLent(body) ? [] : [body.buffer as ArrayBuffer]))
    // The worker gives a body back when it is needed no more, whatever becomes of its evaluation, unless the thread dies before.
    const leases = evaluations.map(({ body }) => (isLent(body) ? leaseOf(body) : undefined))
    const fail = (i: number, error: Error) => {
      const { body, reject } = jobs[i]!
      if (leases[i] !== undefined) giveBack(body, leases[i])
      reject(error)
    }
    track(piscina.run(task, { transferList }) as Promise<Outcome[]>).then(
      (outcomes) => {
        for (const [i, outcome] of outcomes.entries()) {
          if ('error' in outcome) fail(i, outcome.error)
          else jobs[i]!.resolve(outcome.result!)
        }
      },
      (error) => {
        for (const i of jobs.keys()) fail(i, error)
      },
    )
  }

  /** What threads that call for help, or give it, look at. */
  function tellLoad(): void {
    Atomics.store(load, Load.tasks, running.size)
    Atomics.store(load, Load.waiting, batches.size)
  }

  /** Counts a task as long as it is not settled. */
  function track<T>(result: Promise<T>): Promise<T> {
    const settled = () => {
      running.delete(result)
      batches.pump()
      tellLoad()
    }
    running.add(result)
    tellLoad()
    result.then(settled, settled)
    return result
  }
}

function withResolvers<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((...settle) => {
    ;[resolve, reject] = settle
  })
  return { promise, resolve, reject }
}

/** The result, or a rejection with the signal's reason as soon as it aborts; nobody gets the answer that comes after. */
function orAborted(result: Promise<TaskResult | undefined>, signal: Waiter, onAbort: () => void): Promise<TaskResult> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      onAbort()
      reject(signal.reason)
      result
        .then((late) => {
          for (const bytes of late ? bytesOf(late) : []) giveBack(bytes)
        })
        .catch(() => undefined)
    }
    signal.addEventListener('abort', abort, { once: true })
    result.then(resolve as never, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
