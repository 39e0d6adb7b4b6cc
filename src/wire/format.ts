import type { Answer } from '../answer.ts'
import type { Engine } from '../kernels/engine.ts'

/** The fields of a request: plain ones as JSON.parse gives them, tensors as `Tensor` or as the `TensorFault` that says why not. */
export type Envelope = Record<string, unknown>

/** A request body in kernel memory. */
export interface Body {
  readonly pointer: number
  readonly length: number
}

/** What a format needs to know beside the bytes, from the path and the headers of the request. */
export interface Hints {
  /** Bytes of the JSON header in front of binary tensor data (`Inference-Header-Content-Length`). */
  readonly headerLength?: number
  /** The loss that the path names. */
  readonly loss?: string
}

export interface Encoded {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly mediaType: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A way to write a request and its answer as bytes. */
export interface Format {
  readonly name: string
  /** Media types of a request body in this format; the first is the answer's. */
  readonly mediaTypes: readonly string[]
  /**
   * Throws a `Refusal` for bytes that are not in this format.
   *
   * @param tensorFields dotted paths of the fields that may hold tensors
   */
  read(engine: Engine, body: Body, tensorFields: ReadonlySet<string>, hints: Hints): Envelope
  write(engine: Engine, answer: Answer, hints: Hints): Encoded
}
