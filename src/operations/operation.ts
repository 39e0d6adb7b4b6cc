import type { Answer } from '../answer.ts'
import type { Engine } from '../kernels/engine.ts'
import type { Envelope } from '../wire/format.ts'

/** Room outside of kernel memory. */
export interface RoomApart {
  /** Room for an output of so many bytes, for one output at most; undefined where it cannot be there. */
  take(output: string, bytes: number): Uint8Array | undefined
}

/** What one POST path computes, from the fields of the request to those of the answer. */
export interface Operation {
  readonly name: string
  /** Dotted paths of the fields that may hold tensors. */
  readonly tensorFields: ReadonlySet<string>
  /** Whether work and answer are bounded by the size of the body. */
  readonly isProportional: boolean
  /**
   * Throws a `Refusal` for a request it does not take.
   *
   * @param apart where an output may go that is large
   */
  run(engine: Engine, envelope: Envelope, apart: RoomApart): Computed
}

export interface Computed {
  readonly answer: Answer
  /** Name of the loss evaluated, for the metrics. */
  readonly loss: string
  readonly rows: number
}
