import type { Engine } from '../kernels/engine.ts'
import type { Arena } from './arena.ts'
import { helpToPrint, type PrintJob, withPrinters } from './print-crew.ts'
import { helpToRead, type ReadJob, withReaders } from './read-crew.ts'

/** Work of one thread that others may help with. */
export type CrewJob = PrintJob | ReadJob

/** What a thread that may call for help has. */
export interface Crew {
  /** Of this thread. */
  readonly arena: Arena
  /** How many threads there are. */
  readonly threads: number
  /** Whether one of them may be free. */
  mayCall(): boolean
  /** Asks those that are free to `help`. */
  call(job: CrewJob): void
  /** How long to wait for a chunk that another thread has claimed: many times as long as one takes, so whoever claimed it has died. */
  readonly patienceMs: number
}

/** An engine that shares what is large with other threads; nothing that it gives differs by that. */
export function withCrew(engine: Engine, crew: Crew): Engine {
  return withReaders(withPrinters(engine, crew), crew)
}

const HELP = { print: helpToPrint, read: helpToRead }

/**
 * Does chunks of another thread's job until none is left.
 *
 * @param engine one that does not call for help itself
 * @param mustStop whether something waits for this thread
 */
export function help(engine: Engine, job: CrewJob, mustStop: () => boolean = () => false): void {
  HELP[job.kind](engine, job as never, mustStop)
}
