import { REPORT_WORDS, ReadStatus, Report } from '../kernels/contract.ts'
import type { Engine } from '../kernels/engine.ts'
import { excerpt, Refusal, refuseAt } from '../problems.ts'
import { decodeContainer } from './base64-tensor.ts'
import { setField } from './fields.ts'
import type { Body, Envelope } from './format.ts'
import { readTensor } from './json-tensor.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const BACKSLASH = 0x5c
const FIRST_PRINTABLE = 0x20
const LAST_PRINTABLE = 0x7e
/** As long as the longest name of a field, and some more. */
const MAX_SIMPLE_BYTES = 32

/** Bytes of a plain value (a name, a list of outputs) that are worth parsing: what is longer fits no field. */
const MAX_PLAIN_BYTES = 4096

/** More fields than any object of a request has: one of so many is unknown, so the rest of them need only be JSON. */
const MAX_FIELDS = 64

const utf8 = new TextDecoder()

/** Where a format's JSON differs from a plain request's. */
export interface JsonDialect {
  /** Path of the field that names the element type of matrices. */
  readonly dtypeField: string
  /**
   * The element type of an array that is read into `owner`, where the format declares one for each tensor; undefined: a matrix has the
   * element type of the request, a vector is read as float64. An array of a declared type is never given as a base64 container.
   */
  declaredType?(owner: Envelope, path: string): 'F32' | 'F64' | undefined
}

const PLAIN: JsonDialect = { dtypeField: 'dtype' }

/**
 * Reads a JSON object whose tensors stay numbers in kernel memory. Accepts exactly what JSON.parse accepts (of duplicate keys the
 * last one wins); throws `json_invalid` with the position of the first fault, whatever else is wrong.
 *
 * @param tensorFields dotted paths of the fields that may hold tensors; `inputs[].data` is one in the objects of an array
 */
export function readJson(
  engine: Engine,
  { pointer: text, length }: Body,
  tensorFields: ReadonlySet<string>,
  { dtypeField, declaredType }: JsonDialect = PLAIN,
): Envelope {
  const { memory, kernels } = engine
  const report = memory.allocate(REPORT_WORDS * Int32Array.BYTES_PER_ELEMENT)
  const matrices: { owner: Envelope; key: string; start: number; dtype: 'F32' | 'F64'; value: unknown }[] = []
  /** What matrices are read as until the body says otherwise. */
  let elementType: 'F32' | 'F64' = 'F32'
  let bytes = memory.u8(text, length)
  let at = 0
  let firstTooLong: Refusal | undefined

  skipSpace()
  if (bytes[at] !== OPEN_OBJECT) {
    skipValue()
    expectEnd()
    throw refuseAt('validation_failed', [], 'expected an object with the fields of the request')
  }
  const envelope = readObject('')
  expectEnd()
  if (firstTooLong) throw firstTooLong

  // The element type may be named behind the tensors it applies to.
  for (const { owner, key, start, dtype, value } of matrices) {
    if (dtype !== elementType && owner[key] === value)
      owner[key] = readTensor(engine, text + start, text + length, elementType, report).value
  }
  return envelope

  /** @param isContainer whether it is a tensor, one of whose members is as long as it needs to be */
  function readObject(prefix: string, isContainer = false): Envelope {
    const object: Envelope = {}
    const start = at
    let fields = 0
    at++
    skipSpace()
    if (bytes[at] === CLOSE_OBJECT) {
      at++
      return object
    }
    for (;;) {
      skipSpace()
      if (bytes[at] !== QUOTE) throw syntaxError()
      const key = simpleString() ?? String(plainValue(prefix, false))
      if (!Object.hasOwn(object, key) && ++fields > MAX_FIELDS) {
        at = start
        skipValue()
        return object
      }
      skipSpace()
      if (bytes[at] !== COLON) throw syntaxError()
      at++
      skipSpace()
      readField(object, key, prefix + key, isContainer)
      skipSpace()
      const separator = bytes[at]
      if (separator !== COMMA && separator !== CLOSE_OBJECT) throw syntaxError()
      at++
      if (separator === CLOSE_OBJECT) return object
    }
  }

  function readField(owner: Envelope, key: string, path: string, isContainer: boolean): void {
    const first = bytes[at]
    const isTensorField = tensorFields.has(path)
    const declared = isTensorField ? declaredType?.(owner, path) : undefined
    if (isTensorField && first === OPEN_ARRAY) readArray(owner, key, declared)
    else if (isTensorField && first === OPEN_OBJECT && declared === undefined)
      setField(owner, key, decodeContainer(engine, readObject(`${path}.`, true)))
    else if (first === OPEN_OBJECT && hasFieldsBelow(path)) setField(owner, key, readObject(`${path}.`))
    else if (first === OPEN_ARRAY && hasFieldsBelow(`${path}[]`)) setField(owner, key, readList(`${path}[]`))
    else setField(owner, key, plainValue(path, isContainer))
    bytes = memory.u8(text, length)
    if (path === dtypeField) elementType = owner[key] === 'float64' ? 'F64' : 'F32'
  }

  /** The elements of an array of objects; of one with more elements than a request has fields nothing but its place. */
  function readList(path: string): unknown[] {
    const list: unknown[] = []
    const start = at
    at++
    skipSpace()
    if (bytes[at] === CLOSE_ARRAY) {
      at++
      return list
    }
    for (;;) {
      skipSpace()
      if (list.length === MAX_FIELDS) {
        at = start
        skipValue()
        firstTooLong ??= refuseAt('validation_failed', [path.slice(0, -2)], `expected at most ${MAX_FIELDS} elements`)
        return list
      }
      list.push(bytes[at] === OPEN_OBJECT ? readObject(`${path}.`) : plainValue(path, false))
      skipSpace()
      const separator = bytes[at]
      if (separator !== COMMA && separator !== CLOSE_ARRAY) throw syntaxError()
      at++
      if (separator === CLOSE_ARRAY) return list
    }
  }

  function hasFieldsBelow(path: string): boolean {
    for (const field of tensorFields) if (field.startsWith(`${path}.`)) return true
    return false
  }

  /** A vector is small and wanted exactly; a matrix is read in the type it will be computed in. */
  function readArray(owner: Envelope, key: string, declared: 'F32' | 'F64' | undefined): void {
    const start = at
    at++
    skipSpace()
    const isMatrix = bytes[at] === OPEN_ARRAY
    const dtype = declared ?? (isMatrix ? elementType : 'F64')
    at = start
    const { value, status, end } = readTensor(engine, text + start, text + length, dtype, report)
    at = end - text
    if (status === ReadStatus.syntax) throw syntaxError()
    if (isMatrix && declared === undefined) matrices.push({ owner, key, start, dtype, value })
    setField(owner, key, value)
  }

  /** The string that starts here, if it is a short one that stands in the body as it is: every name of a field is one. */
  function simpleString(): string | undefined {
    let simple = ''
    for (let i = at + 1; i <= at + MAX_SIMPLE_BYTES; i++) {
      const byte = bytes[i]
      if (byte === QUOTE) {
        at = i + 1
        return simple
      }
      if (byte === undefined || byte === BACKSLASH || byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE) return undefined
      simple += String.fromCharCode(byte)
    }
    return undefined
  }

  /** The value that starts here, behind which reading goes on; of a longer one nothing but its place. */
  function plainValue(path: string, isContainer: boolean): unknown {
    const start = at
    const longest = isContainer && bytes[at] === QUOTE ? Number.POSITIVE_INFINITY : MAX_PLAIN_BYTES
    skipValue()
    if (at - start <= longest) return JSON.parse(utf8.decode(bytes.subarray(start, at)))
    firstTooLong ??= refuseAt(
      isContainer ? 'tensor_invalid' : 'validation_failed',
      path.split('.').filter((segment) => segment !== ''),
      `expected at most ${longest} bytes, got ${at - start} at byte ${start}`,
    )
    return undefined
  }

  function skipValue(): void {
    kernels.skipValue(text + at, text + length, report)
    const words = memory.i32(report, REPORT_WORDS)
    at = (words[Report.position]! >>> 0) - text
    if (words[Report.status] === ReadStatus.syntax) throw syntaxError()
  }

  function expectEnd(): void {
    skipSpace()
    if (at < length) throw syntaxError()
  }

  function skipSpace(): void {
    let byte = bytes[at]
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at]
  }

  function syntaxError(): Refusal {
    const found =
      at < length ? JSON.stringify(excerpt(utf8.decode(bytes.subarray(at, at + 16)), 16)) : 'the end of the body'
    return new Refusal('json_invalid', `not JSON at byte ${at}: unexpected ${found}`)
  }
}
