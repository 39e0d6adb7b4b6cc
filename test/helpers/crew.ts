import { createEngine, type Engine } from '../../src/kernels/engine.ts'
import { loadKernelModule } from '../../src/kernels/load.ts'
import { createArena } from '../../src/pool/arena.ts'
import { type Crew, type CrewJob, help, withCrew } from '../../src/pool/crew.ts'

export const CAPACITY = 128 * 2 ** 20

export function newEngine(): Engine {
  return createEngine(loadKernelModule())
}

/** An engine of two threads, with the other one there and patience that a test has. */
export function crewEngine(overrides: Partial<Crew>): Engine {
  const crew = { arena: createArena(CAPACITY), threads: 2, mayCall: () => true, call: () => undefined, patienceMs: 50 }
  return withCrew(newEngine(), { ...crew, ...overrides })
}

/** What may happen when a thread calls for help. */
export const ANSWERS_TO_A_CALL: Readonly<Record<string, (job: CrewJob) => void>> = {
  'nobody comes': () => undefined,
  'another does it all before it begins': (job) => help(newEngine(), job),
  'another claims chunks and dies': ({ controls }) => {
    // Two chunks from the back, never done.
    Atomics.add(controls, 0, 2 << 16)
  },
}
