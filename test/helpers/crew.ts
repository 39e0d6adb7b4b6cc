import { createEngine, type Engine } from '../../src/kernels/engine.ts'
import { loadKernelModule } from '../../src/kernels/load.ts'
import { createArena } from '../../src/pool/arena.ts'
import { type Crew, type CrewJob, help, withCrew } from '../../src/pool/crew.ts'

export const CAPACITY = 128 * 2 ** 20

export function newEngine(): Engine {
  return createEngine(loadKernelModule())
}

/** An engine of two threads, with the other one there and the patience that a test has. */
export function crewEngine(overrides: Partial<Crew>, engine = newEngine()): Engine {
  const crew = { arena: createArena(CAPACITY), threads: 2, mayCall: () => true, call: () => undefined, patienceMs: 50 }
  return withCrew(engine, { ...crew, ...overrides })
}

/** An engine that counts what it reads and prints itself. */
export function countingEngine(): { engine: Engine; counts: { reads: number; prints: number } } {
  const engine = newEngine()
  const counts = { reads: 0, prints: 0 }
  const counted = (dtype: 'F32' | 'F64') => ({
    ...engine.typed[dtype],
    readArray(...given: Parameters<Engine['typed']['F32']['readArray']>) {
      counts.reads++
      engine.typed[dtype].readArray(...given)
    },
    printRows(...given: Parameters<Engine['typed']['F32']['printRows']>) {
      counts.prints++
      return engine.typed[dtype].printRows(...given)
    },
  })
  return { engine: { ...engine, typed: { F32: counted('F32'), F64: counted('F64') } }, counts }
}

export interface AnswerToACall {
  answer(job: CrewJob): void
  /** How many chunks of a job others take. */
  taken(chunks: number): number
  /** Whether these are never done. */
  readonly isLost: boolean
}

/** The chunks from the back that somebody takes who does not take all. */
const few = (chunks: number) => Math.min(chunks, 2)

/** What may happen when a thread calls for help. */
export const ANSWERS_TO_A_CALL: Readonly<Record<string, AnswerToACall>> = {
  'nobody comes': { answer: () => undefined, taken: () => 0, isLost: false },
  'another does it all before it begins': {
    answer: (job) => help(newEngine(), job),
    taken: (chunks) => chunks,
    isLost: false,
  },
  'another does the last of it': {
    answer(job) {
      // As if those in front were claimed for as long as it helps.
      const claimed = job.chunks - few(job.chunks)
      Atomics.add(job.controls, 0, claimed)
      help(newEngine(), job)
      Atomics.sub(job.controls, 0, claimed)
    },
    taken: few,
    isLost: false,
  },
  'another stops when something waits for it': {
    answer: (job) => help(newEngine(), job, () => true),
    taken: () => 1,
    isLost: false,
  },
  'another claims chunks and dies': {
    answer: ({ controls, chunks }) => Atomics.add(controls, 0, few(chunks) << 16),
    taken: few,
    isLost: true,
  },
}
