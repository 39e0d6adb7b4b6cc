import type { Answer } from '../answer.ts'
import type { Engine } from '../kernels/engine.ts'
import type { Insertion } from './outside.ts'

/** The fields of a request: plain ones as JSON.parse gives them, tensors as `Tensor` or as the `TensorFault` that says why not. */
export type Envelope = Record<string, unknown>

/** A request body where it came in. */
export interface Body {
  /** Not to be looked at once all of them have been loaded: they may be another request's by then. */
  readonly bytes: Uint8Array
  /** Copies the first `length` bytes, by default all of them, to kernel memory. */
  load(length?: number): Loaded
}

/** Bytes in kernel memory. */
export interface Loaded {
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

/** What a request says about the way its answer is written. */
export interface Wishes {
  /** The client's name for the request, given back. */
  readonly id?: string
  /** Names of outputs, in the order they are wanted in; absent: all there are. */
  readonly outputs?: readonly string[]
  /** Whether an output is wanted as bytes behind the JSON. */
  isBinary?(output: string): boolean
}

export interface Reading {
  readonly envelope: Envelope
  readonly wishes?: Wishes
}

/** An answer whose bytes may go wherever there is room for them; all but the insertion are still in kernel memory. */
export interface Encoded {
  /** Bytes. */
  readonly length: number
  /** Before the engine's memory is used again. */
  writeTo(bytes: Uint8Array): void
  /** What belongs in the middle of those bytes; not counted in `length`. */
  readonly insertion?: Insertion | undefined
  readonly mediaType: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A way to write a request and its answer as bytes. */
export interface Format {
  readonly name: string
  /** Media types of a request body in this format; the first is the answer's. None: its paths imply it. */
  readonly mediaTypes: readonly string[]
  /**
   * Throws a `Refusal` for bytes that are not in this format.
   *
   * @param tensorFields dotted paths of the fields that may hold tensors
   */
  read(engine: Engine, body: Body, tensorFields: ReadonlySet<string>, hints: Hints): Reading
  write(engine: Engine, answer: Answer, hints: Hints, wishes: Wishes): Encoded
  /** Whether this output's elements are written as they are in memory, so that they may stay outside of kernel memory. At most one output of an answer may. */
  takesOutside(output: string, wishes: Wishes): boolean
}
