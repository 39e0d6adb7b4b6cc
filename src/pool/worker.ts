import { workerData } from 'node:worker_threads'
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { createEngine } from '../kernels/engine.ts'
import { warmUp } from '../warm-up.ts'
import { createArena, isLent } from './arena.ts'
import { CANCEL_SLOTS, type EvaluateTask, type Task, type TaskResult, type WorkerData } from './message.ts'
import { runTask } from './run.ts'

/**
 * Linear memory never shrinks: an engine that a large request has grown beyond this is replaced by a fresh one. Half of it or more
 * was reserved and never written, and is not resident.
 */
const MAX_IDLE_BYTES = 256 * 2 ** 20
/** How long a worker waits for the others to come up before it gets to work alone. */
const WARM_TIMEOUT_MS = 30_000

/** Bytes of answers that are on their way out at the same time; more go through buffers of their own. */
const ANSWER_BYTES = 128 * 2 ** 20

const { kernelModule, cancelled, warm, workers } = workerData as WorkerData

const answers = createArena(ANSWER_BYTES)
const room = (bytes: number) => answers.lend(bytes) ?? Buffer.allocUnsafeSlow(bytes)
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

function runEvaluation(task: EvaluateTask): unknown {
  if (Atomics.load(cancelled, task.id % CANCEL_SLOTS) === task.id) return undefined
  try {
    const result = runTask(engine, task, room)
    return result.body && !isLent(result.body) ? moved(result, result.body.buffer as ArrayBuffer) : result
  } finally {
    if (engine.memory.byteLength > MAX_IDLE_BYTES) engine = createEngine(kernelModule)
  }
}

/** The result with its bytes transferred, not copied. */
function moved(result: TaskResult, body: ArrayBuffer): unknown {
  return move({ [transferableSymbol]: body, [valueSymbol]: result } as never)
}
