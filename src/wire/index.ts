import type { Answer } from '../answer.ts'
import type { Engine } from '../kernels/engine.ts'
import { type Envelope, readJson } from './json-reader.ts'
import { writeJson } from './json-writer.ts'

/** A way to write a request and its answer as bytes. */
export interface Format {
  readonly name: string
  /** Media types of a request body in this format; the first is the answer's. */
  readonly mediaTypes: readonly string[]
  /** @param tensorFields dotted paths of the fields that may hold tensors */
  read(engine: Engine, body: number, length: number, tensorFields: ReadonlySet<string>): Envelope
  write(engine: Engine, answer: Answer): Uint8Array<ArrayBuffer>
}

const json: Format = { name: 'json', mediaTypes: ['application/json'], read: readJson, write: writeJson }

/** Every format, one line each. */
export const formats: Readonly<Record<string, Format>> = { json }
