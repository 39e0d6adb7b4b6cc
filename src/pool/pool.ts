import { createRequire } from 'node:module'
import { Piscina } from 'piscina'
import { type Formats, isProportional, type OperationName } from '../evaluate.ts'
import { createEngine } from '../kernels/engine.ts'
import { loadKernelModule } from '../kernels/load.ts'
import { Refusal } from '../problems.ts'
import { CANCEL_SLOTS, type EvaluateTask, type TaskResult, type WarmTask, type WorkerData } from './message.ts'
import { runTask } from './run.ts'

export interface Pool {
  /** Resolves when every worker has compiled its kernels and passed its self-test. */
  readonly ready: Promise<void>
  /** Requests that wait for a worker. */
  readonly queueDepth: number
  /** Piscina's own pool, for its threads. */
  readonly threads: Piscina['threads']
  /**
   * Evaluates on a worker, or at once on this thread where the body is so small that handing it over would take longer. `body` is
   * transferred and gone afterwards.
   *
   * @param signal when it aborts, nobody waits any more: work still queued is skipped, work begun goes on (ending it would kill its thread
   *               and the warm kernels in it) and its result is dropped. The promise then rejects with the signal's reason
   * Throws `overloaded` when the queue is full; rejects with an ordinary error when the worker died.
   */
  evaluate(operation: OperationName, body: ArrayBuffer, formats: Formats, signal: AbortSignal): Promise<TaskResult>
  close(): Promise<void>
}

export interface PoolOptions {
  readonly workers: number
  readonly maxQueue: number
  /** The largest body that is evaluated on this thread; 0 is none. */
  readonly inlineMaxBytes: number
}

const MAX_TASK_ID = 2 ** 31 - 1

/** Worker threads that each run the pipeline from bytes to bytes. */
export function createPool({ workers, maxQueue, inlineMaxBytes }: PoolOptions): Pool {
  const cancelled = new Int32Array(new SharedArrayBuffer(CANCEL_SLOTS * Int32Array.BYTES_PER_ELEMENT))
  const warm = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const kernelModule = loadKernelModule()
  const workerData: WorkerData = { kernelModule, cancelled, warm, workers }
  const piscina = new Piscina({
    filename: createRequire(import.meta.url).resolve('#worker'),
    minThreads: workers,
    maxThreads: workers,
    maxQueue: Number.POSITIVE_INFINITY,
    // The main thread moves bytes and is idle most of the time; when it wakes it must not queue behind its own workers.
    niceIncrement: 10,
    workerData,
  })
  const warmTask: WarmTask = { kind: 'warm' }
  const ready = Promise.all(Array.from({ length: workers }, () => piscina.run(warmTask))).then(() => undefined)
  const inlineEngine = createEngine(kernelModule)
  const running = new Set<Promise<unknown>>()
  let lastId = 0

  return {
    ready,
    get queueDepth() {
      return piscina.queueSize
    },
    get threads() {
      return piscina.threads
    },
    async evaluate(operation, body, formats, signal) {
      signal.throwIfAborted()
      const id = (lastId % MAX_TASK_ID) + 1
      lastId = id
      const task: EvaluateTask = { kind: 'evaluate', id, operation, body, formats }
      if (body.byteLength <= inlineMaxBytes && isProportional(operation)) return runTask(inlineEngine, task)
      if (piscina.queueSize >= maxQueue) throw new Refusal('overloaded', `${maxQueue} requests are waiting already`)
      const result = piscina.run(task, { transferList: [body] }) as Promise<TaskResult>
      running.add(result)
      result.catch(() => undefined).finally(() => running.delete(result))
      return orAborted(result, signal, () => Atomics.store(cancelled, id % CANCEL_SLOTS, id))
    },
    async close() {
      // Piscina's own close ends a worker between two tasks, and throws outside every promise when the second one answers.
      while (running.size > 0) await Promise.allSettled(running)
      await piscina.close({ force: false })
    },
  }
}

/** The result, or a rejection with the signal's reason as soon as it aborts. */
function orAborted<T>(result: Promise<T>, signal: AbortSignal, onAbort: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      onAbort()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
