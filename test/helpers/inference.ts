import { DATATYPES } from '../../src/wire/inference.ts'
import { ARRAYS, type Dtype, type Packed } from './safetensors.ts'

const DATATYPE_OF = Object.fromEntries(Object.entries(DATATYPES).map(([datatype, dtype]) => [dtype, datatype]))

/** An inference request as bytes, and where its JSON ends. */
export interface InferenceBody {
  readonly body: Buffer
  readonly headerLength: number
}

/** A request with every input as binary data. */
export function binaryRequest(inputs: Readonly<Record<string, Packed>>, more: object = {}): InferenceBody {
  const header = {
    inputs: Object.entries(inputs).map(([name, { dtype, shape, bytes }]) => ({
      name,
      datatype: DATATYPE_OF[dtype],
      shape,
      parameters: { binary_data_size: bytes.length },
    })),
    ...more,
  }
  return withData(
    header,
    Object.values(inputs).map(({ bytes }) => bytes),
  )
}

/** Any JSON before any data. */
export function withData(header: unknown, data: readonly Uint8Array[]): InferenceBody {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  return { body: Buffer.concat([text, ...data]), headerLength: text.length }
}

export interface Output {
  readonly shape: number[]
  readonly datatype: string
  readonly values: unknown[]
  readonly isBinary: boolean
}

export interface InferenceAnswer {
  readonly model_name: string
  readonly model_version: string
  readonly id?: string
  /** In the order of the answer. */
  readonly outputs: ReadonlyMap<string, Output>
}

/** Reads an answer as a client does: JSON of the length that the header names, then the data of each output. */
export function readAnswer(body: Uint8Array, headerLength: number | undefined): InferenceAnswer {
  const bytes = Buffer.from(body)
  const { outputs, ...rest } = JSON.parse(bytes.toString('utf8', 0, headerLength))
  let at = headerLength ?? bytes.length
  const read = new Map<string, Output>()
  for (const { name, shape, datatype, data, parameters } of outputs) {
    const size: number | undefined = parameters?.binary_data_size
    if (size !== undefined) {
      const elements = new ARRAYS[DATATYPES[datatype] as Dtype](new Uint8Array(bytes.subarray(at, at + size)).buffer)
      at += size
      read.set(name, { shape, datatype, values: Array.from(elements, Number), isBinary: true })
    } else read.set(name, { shape, datatype, values: data, isBinary: false })
  }
  if (at !== bytes.length) throw new Error(`expected ${bytes.length} bytes to be described, ${at} were`)
  return { ...rest, outputs: read }
}
