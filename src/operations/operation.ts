import type { Answer } from '../answer.ts'
import type { RoomApart } from '../batch.ts'
import type { Engine } from '../kernels/engine.ts'
import type { Envelope } from '../wire/format.ts'

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
