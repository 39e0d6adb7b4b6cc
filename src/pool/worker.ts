import { parentPort, workerData } from 'node:worker_threads'
import { move, transferableSymbol, valueSymbol } from 'piscina'
import type { Surroundings } from '../evaluate.ts'
import { createEngine } from '../kernels/engine.ts'
import { warmUp } from '../warm-up.ts'
import { createArena, giveBack, isLent } from './arena.ts'
import { type Crew, help, withCrew } from './crew.ts'
import {
  bytesOf,
  CANCEL_SLOTS,
  type EvaluateTask,
  type Evaluation,
  type HelpTask,
  Load,
  type Outcome,
  type Task,
  type WorkerData,
} from './message.ts'
import { runEvaluation } from './run.ts'

/**
 * Linear memory never shrinks: an engine that a large request has grown beyond this is replaced by a fresh one. Half of it or more
 * was reserved and never written, and is not resident.
 */
const MAX_IDLE_BYTES = 256 * 2 ** 20
/** How long a worker waits for the others to come up before it gets to work alone. */
const WARM_TIMEOUT_MS = 30_000

/** How long a chunk of a shared job may take. */
const PATIENCE_MS = 5000

/** Bytes of answers that are on their way out, and of work that others help with, at the same time; more answers go through buffers of their own. */
const ANSWER_BYTES = 128 * 2 ** 20

const { kernelModule, cancelled, warm, load, workers } = workerData as WorkerData

const answers = createArena(ANSWER_BYTES)
const room = (bytes: number) => answers.lend(bytes) ?? Buffer.allocUnsafeSlow(bytes)
const surroundings: Surroundings = { room, apart: { room, unused: giveBack }, bodyRead: giveBack }
const crew: Crew = {
  arena: answers,
  threads: workers,
  mayCall: () => Atomics.load(load, Load.tasks) < workers,
  call: (job) => parentPort!.postMessage(job),
  patienceMs: PATIENCE_MS,
}
let engine = createEngine(kernelModule)
let crewEngine = withCrew(engine, crew)
warmUp(crewEngine)

const work = {
  warm: meetTheOthers,
  evaluate: evaluateAll,
  help: ({ job }: HelpTask) => help(engine, job, () => Atomics.load(load, Load.waiting) > 0),
}

/** Piscina's task: one evaluation, bytes to bytes. */
export default function run(task: Task): unknown {
  try {
    return work[task.kind](task as never)
  } finally {
    keepEngineSmall()
  }
}

function keepEngineSmall(): void {
  if (engine.memory.byteLength <= MAX_IDLE_BYTES) return
  engine = createEngine(kernelModule)
  crewEngine = withCrew(engine, crew)
}

/** Returns when every worker has got here, so that the pool knows that each of them is up. */
function meetTheOthers(): void {
  const arrived = Atomics.add(warm, 0, 1) + 1
  Atomics.notify(warm, 0)
  for (let count = arrived; count < workers; count = Atomics.load(warm, 0)) {
    if (Atomics.wait(warm, 0, count, WARM_TIMEOUT_MS) === 'timed-out') return
  }
}

/** What became of the evaluations, in their order; bytes are transferred where they are not lent. */
function evaluateAll({ evaluations }: EvaluateTask): unknown {
  const outcomes = evaluations.map(evaluateOne)
  const buffers = outcomes
    .flatMap((outcome) => ('result' in outcome && outcome.result ? bytesOf(outcome.result) : []))
    .flatMap((bytes) => (isLent(bytes) ? [] : [bytes.buffer as ArrayBuffer]))
  return buffers.length === 0 ? outcomes : move({ [transferableSymbol]: buffers, [valueSymbol]: outcomes } as never)
}

function evaluateOne(evaluation: Evaluation): Outcome {
  if (Atomics.load(cancelled, evaluation.id % CANCEL_SLOTS) === evaluation.id) {
    giveBack(evaluation.body)
    return { result: undefined }
  }
  try {
    return { result: runEvaluation(crewEngine, evaluation, surroundings) }
  } catch (error) {
    return { error: error as Error }
  }
}
