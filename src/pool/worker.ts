import { workerData } from 'node:worker_threads'
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { evaluate } from '../evaluate.ts'
import { createEngine } from '../kernels/engine.ts'
import { warmUp } from '../warm-up.ts'
import { CANCEL_SLOTS, clock, type EvaluateTask, type Task, type TaskResult, type WorkerData } from './message.ts'

/** Linear memory never shrinks: an engine that a large request has grown beyond this is replaced by a fresh one. */
const MAX_IDLE_BYTES = 64 * 2 ** 20
/** How long a worker waits for the others to come up before it gets to work alone. */
const WARM_TIMEOUT_MS = 30_000

const { kernelModule, cancelled, warm, workers } = workerData as WorkerData

let engine = createEngine(kernelModule)
warmUp(engine)

/** Piscina's task: one evaluation, bytes to bytes. */
export default function run(task: Task): unknown {
  return task.kind === 'warm' ? meetTheOthers() : runEvaluation(task)
}

/** Returns when every worker has got here, so that the pool knows that each of them is up. */
function meetTheOthers(): void {
  const arrived = Atomics.add(warm, 0, 1) + 1
  Atomics.notify(warm, 0)
  for (let count = arrived; count < workers; count = Atomics.load(warm, 0)) {
    if (Atomics.wait(warm, 0, count, WARM_TIMEOUT_MS) === 'timed-out') return
  }
}

const NOTHING = { body: undefined, mediaType: undefined, headers: undefined, problem: undefined }

function runEvaluation({ id, operation, body, formats }: EvaluateTask): unknown {
  const startedAt = clock()
  if (Atomics.load(cancelled, id % CANCEL_SLOTS) === id) return undefined
  try {
    const { result, loss, rows, decodeMs, computeMs, encodeMs } = evaluate(
      engine,
      operation,
      new Uint8Array(body),
      formats,
    )
    const report = { loss, rows, startedAt, decodeMs, computeMs, encodeMs }
    if (!result.ok) return { ...NOTHING, problem: result.problem, report } satisfies TaskResult
    const { bytes, mediaType, headers } = result
    const answer = { ...NOTHING, body: bytes.buffer, mediaType, headers, report } satisfies TaskResult
    return moved(answer, answer.body)
  } finally {
    if (engine.memory.byteLength > MAX_IDLE_BYTES) engine = createEngine(kernelModule)
  }
}

/** The result with its bytes transferred, not copied. */
function moved(result: TaskResult, body: ArrayBuffer): unknown {
  return move({ [transferableSymbol]: body, [valueSymbol]: result } as never)
}
