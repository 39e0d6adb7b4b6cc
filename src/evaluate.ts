import type { Engine } from './kernels/engine.ts'
import { calibrationOperation } from './operations/calibration.ts'
import { convertSmoothingOperation } from './operations/convert-smoothing.ts'
import { equivalenceOperation } from './operations/equivalence.ts'
import { gradientCheckOperation } from './operations/gradient-check.ts'
import { lossOperation } from './operations/loss.ts'
import type { Operation, RoomApart } from './operations/operation.ts'
import { sweepOperation } from './operations/sweep.ts'
import { targetsOperation } from './operations/targets.ts'
import { type Problem, Refusal } from './problems.ts'
import { OpenedBody } from './wire/body.ts'
import type { Format, Hints, Wishes } from './wire/format.ts'
import { formats } from './wire/index.ts'
import type { Insertion } from './wire/outside.ts'

const operations = {
  loss: lossOperation,
  targets: targetsOperation,
  equivalence: equivalenceOperation,
  sweep: sweepOperation,
  'gradient-check': gradientCheckOperation,
  calibration: calibrationOperation,
  'smoothing/convert': convertSmoothingOperation,
} satisfies Record<string, Operation>

export type OperationName = keyof typeof operations

/** Whether a small body of this operation is little work and a small answer. */
export function isProportional(operation: OperationName): boolean {
  return operations[operation].isProportional
}

/** Names of the formats a request came in and its answer is wanted in. */
export interface Formats {
  readonly request: string
  readonly response: string
  readonly hints?: Hints
}

export interface Answered {
  readonly ok: true
  readonly bytes: Uint8Array
  /** What belongs in the middle of `bytes`. */
  readonly insertion: Insertion | undefined
  readonly mediaType: string
  readonly headers: Readonly<Record<string, string>> | undefined
}

export interface Evaluation {
  /** The answer's bytes, or why there are none. */
  readonly result: Answered | { readonly ok: false; readonly problem: Problem }
  /** Loss evaluated, where it came to that. */
  readonly loss: string | undefined
  readonly rows: number
  readonly decodeMs: number
  readonly computeMs: number
  readonly encodeMs: number
}

/** Where the bytes of an evaluation come from and go to. */
export interface Surroundings {
  /** Gives an answer its bytes, which are written whole. */
  room(bytes: number): Uint8Array
  /** Gives a large output bytes of its own, so that it need not be copied to those of the answer; absent: it has none. */
  readonly apart?: {
    room(bytes: number): Uint8Array
    /** Told of such bytes that became no part of an answer. */
    unused(bytes: Uint8Array): void
  }
  /** Told as soon as the bytes of the body are needed no more. */
  bodyRead(body: Uint8Array): void
}

/** Of small answers several share a block, which costs less than one each. */
const ALONE: Surroundings = { room: Buffer.allocUnsafe, bodyRead: () => undefined }

/**
 * Bytes in, bytes out: the whole service as one function. It knows no HTTP and no thread, depends on nothing but its arguments, and gives an
 * answer or a problem for any bytes.
 *
 * @param engine its memory is emptied first, so an engine serves one call at a time
 */
export function evaluate(
  engine: Engine,
  operation: OperationName,
  body: Uint8Array,
  { request, response, hints = {} }: Formats,
  { room, apart, bodyRead }: Surroundings = ALONE,
): Evaluation {
  const { memory } = engine
  const startedAt = performance.now()
  let decodedAt = startedAt
  let computedAt = startedAt
  let lender: Lender | undefined
  memory.reset()
  const opened = new OpenedBody(memory, body, bodyRead)
  try {
    const { run, tensorFields } = operations[operation]
    const { envelope, wishes = {} } = formats[request]!.read(engine, opened, tensorFields, hints)
    const format = formats[response]!
    lender = new Lender(format, wishes, apart)
    decodedAt = computedAt = performance.now()
    const { answer, loss, rows } = run(engine, envelope, lender)
    computedAt = performance.now()
    const { length, writeTo, insertion, mediaType, headers } = format.write(engine, answer, hints, wishes)
    const bytes = room(length)
    writeTo(bytes)
    // What was lent is the answer's from here on.
    if (insertion) lender = undefined
    return {
      result: { ok: true, bytes, insertion, mediaType, headers },
      loss,
      rows,
      decodeMs: decodedAt - startedAt,
      computeMs: computedAt - decodedAt,
      encodeMs: performance.now() - computedAt,
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const result = { ok: false, problem: error.problem } as const
    const [decodeMs, computeMs] = [decodedAt - startedAt, computedAt - decodedAt]
    return { result, loss: undefined, rows: 0, decodeMs, computeMs, encodeMs: 0 }
  } finally {
    opened.close()
    lender?.giveBack()
  }
}

/** Lends room apart for an output, where the format of the answer takes it from there. */
class Lender implements RoomApart {
  readonly #format: Format
  readonly #wishes: Wishes
  readonly #apart: Surroundings['apart']
  #lent: Uint8Array | undefined

  constructor(format: Format, wishes: Wishes, apart: Surroundings['apart']) {
    this.#format = format
    this.#wishes = wishes
    this.#apart = apart
  }

  take(output: string, bytes: number): Uint8Array | undefined {
    if (this.#lent || !this.#apart || !this.#format.takesOutside(output, this.#wishes)) return undefined
    this.#lent = this.#apart.room(bytes)
    return this.#lent
  }

  giveBack(): void {
    if (this.#lent) this.#apart!.unused(this.#lent)
  }
}
