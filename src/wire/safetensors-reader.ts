import { MAX_RANK } from '../kernels/contract.ts'
import type { Engine } from '../kernels/engine.ts'
import { excerpt, refuseAt } from '../problems.ts'
import { decodeOutside, WIRE_TYPES } from './elements.ts'
import { isRecord, placeField } from './fields.ts'
import type { Body, Envelope } from './format.ts'
import { readJson } from './json-reader.ts'
import { sizeOf } from './tensor.ts'

/** A header describes a dozen tensors; what is longer is an attack or a model. */
const MAX_HEADER_BYTES = 2 ** 20
const LENGTH_BYTES = 8
const METADATA = '__metadata__'
const OPEN_OBJECT = 0x7b

interface Entry {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads a safetensors container: tensors become the fields of the same names, entries of `__metadata__` every other field. Trusts nothing: the
 * header is bounded, ranges lie inside the body, tile it without overlap or hole, and hold exactly what dtype and shape say.
 * Large tensors of float32 and float64 stay in the body, others are copied. Throws `tensor_invalid`.
 */
export function readSafetensors(engine: Engine, { bytes }: Body, tensorFields: ReadonlySet<string>): Envelope {
  const { entries, metadata, dataStart } = readHeader(bytes)
  const envelope = readMetadata(engine, metadata, tensorFields)
  for (const { name, dtype, shape, begin, end } of entries) {
    const tensor = decodeOutside(engine, bytes.subarray(dataStart + begin, dataStart + end), dtype, shape)
    if (!placeField(envelope, name, tensor, tensorFields))
      throw invalid([name], 'is both a tensor and an entry of __metadata__')
  }
  return envelope
}

function readHeader(body: Uint8Array): { entries: Entry[]; metadata: Record<string, string>; dataStart: number } {
  if (body.length < LENGTH_BYTES)
    throw invalid([], `expected a header length of ${LENGTH_BYTES} bytes, got ${body.length} bytes in all`)
  const declared = new DataView(body.buffer, body.byteOffset, LENGTH_BYTES).getBigUint64(0, true)
  if (declared > BigInt(Math.min(MAX_HEADER_BYTES, body.length - LENGTH_BYTES))) {
    throw invalid(
      [],
      `expected a header of at most ${MAX_HEADER_BYTES} bytes inside the body of ${body.length}, got a length of ${declared}`,
    )
  }
  const dataStart = LENGTH_BYTES + Number(declared)
  // A copy of its own: the body may be in memory that is shared, which no decoder of text takes.
  const header = parseHeader(new Uint8Array(body.subarray(LENGTH_BYTES, dataStart)))
  const { [METADATA]: metadata = {}, ...described } = header
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw invalid([METADATA], 'expected an object of strings')
  }
  const entries = Object.entries(described).map(([name, description]) => entryOf(name, description))
  checkTiling(entries, body.length - dataStart)
  return { entries, metadata: metadata as Record<string, string>, dataStart }
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    // Not even white space may stand before it.
    if (bytes[0] === OPEN_OBJECT) return JSON.parse(utf8.decode(bytes)) as Record<string, unknown>
  } catch {
    // Said below: it is not a JSON object.
  }
  throw invalid([], 'expected the header to be a JSON object, from its first byte')
}

function entryOf(name: string, description: unknown): Entry {
  if (!isRecord(description)) throw invalid([name], 'expected dtype, shape and data_offsets')
  const { dtype, shape, data_offsets: offsets } = description
  if (typeof dtype !== 'string' || !Object.hasOwn(WIRE_TYPES, dtype)) {
    throw invalid(
      [name, 'dtype'],
      `expected one of ${Object.keys(WIRE_TYPES).join(', ')}, got ${excerpt(JSON.stringify(dtype) ?? 'nothing')}`,
    )
  }
  if (!isLengths(shape) || shape.length > MAX_RANK)
    throw invalid([name, 'shape'], `expected at most ${MAX_RANK} lengths >= 0`)
  if (!isLengths(offsets) || offsets.length !== 2) throw invalid([name, 'data_offsets'], 'expected [begin, end]')
  const [begin, end] = offsets as [number, number]
  const bytes = sizeOf(shape) * WIRE_TYPES[dtype]!.bytes
  if (end - begin !== bytes)
    throw invalid(
      [name, 'data_offsets'],
      `expected ${bytes} bytes for ${dtype} [${shape.join(', ')}], got ${end - begin}`,
    )
  return { name, dtype, shape, begin, end }
}

function checkTiling(entries: readonly Entry[], dataBytes: number): void {
  let at = 0
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at)
      throw invalid([name, 'data_offsets'], `expected to begin at ${at}, behind the tensor before it, got ${begin}`)
    at = end
  }
  if (at !== dataBytes) throw invalid([], `expected the tensors to fill ${dataBytes} bytes of data, they fill ${at}`)
}

/** Reads the entries as the JSON object they would have been; a value that is no JSON text is a bare string. */
function readMetadata(engine: Engine, metadata: Record<string, string>, tensorFields: ReadonlySet<string>): Envelope {
  const fields = Object.entries(metadata).map(
    ([name, value]) => `${JSON.stringify(name)}:${isJson(value) ? value : JSON.stringify(value)}`,
  )
  const text = Buffer.from(`{${fields.join(',')}}`)
  const pointer = engine.memory.allocate(text.length)
  engine.memory.u8(pointer, text.length).set(text)
  return readJson(engine, { pointer, length: text.length }, tensorFields)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function isLengths(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0)
}

function invalid(path: readonly string[], detail: string) {
  return refuseAt('tensor_invalid', path, detail)
}
