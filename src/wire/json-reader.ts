import { REPORT_WORDS, ReadStatus, Report } from '../kernels/contract.ts'
import type { Engine } from '../kernels/engine.ts'
import { excerpt, Refusal, refuseAt } from '../problems.ts'
import { decodeContainer } from './base64-tensor.ts'
import { setField } from './fields.ts'
import type { Envelope, Loaded } from './format.ts'
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
  body: Loaded,
  tensorFields: ReadonlySet<string>,
  dialect: JsonDialect = PLAIN,
): Envelope {
  return new JsonReader(engine, body, tensorFields, dialect).read()
}

/** A matrix in the element type it was read in. */
interface Matrix {
  readonly owner: Envelope
  readonly key: string
  readonly start: number
  readonly dtype: 'F32' | 'F64'
  readonly value: unknown
}

/** A class, not closures: closures are made anew for every body, which takes as long as reading a small one. */
class JsonReader {
  readonly #engine: Engine
  readonly #text: number
  readonly #length: number
  readonly #tensorFields: ReadonlySet<string>
  readonly #dialect: JsonDialect
  readonly #report: number
  readonly #matrices: Matrix[] = []
  /** What matrices are read as until the body says otherwise. */
  #elementType: 'F32' | 'F64' = 'F32'
  #view: Uint8Array
  #at = 0
  #firstTooLong: Refusal | undefined

  constructor(engine: Engine, { pointer, length }: Loaded, tensorFields: ReadonlySet<string>, dialect: JsonDialect) {
    this.#engine = engine
    this.#text = pointer
    this.#length = length
    this.#tensorFields = tensorFields
    this.#dialect = dialect
    this.#report = engine.memory.allocate(REPORT_WORDS * Int32Array.BYTES_PER_ELEMENT)
    this.#view = engine.memory.u8(pointer, length)
  }

  /** The body, and nothing behind it; looked at anew where the memory has grown. */
  get #bytes(): Uint8Array {
    if (this.#view.length === 0) this.#view = this.#engine.memory.u8(this.#text, this.#length)
    return this.#view
  }

  read(): Envelope {
    const text = this.#text
    if (this.#skipSpace() !== OPEN_OBJECT) {
      this.#skipValue()
      this.#expectEnd()
      throw refuseAt('validation_failed', [], 'expected an object with the fields of the request')
    }
    const envelope = this.#object('')
    this.#expectEnd()
    if (this.#firstTooLong) throw this.#firstTooLong

    // The element type may be named behind the tensors it applies to.
    for (const { owner, key, start, dtype, value } of this.#matrices) {
      if (dtype !== this.#elementType && owner[key] === value)
        owner[key] = readTensor(this.#engine, text + start, text + this.#length, this.#elementType, this.#report).value
    }
    return envelope
  }

  /** @param isContainer whether it is a tensor, one of whose members is as long as it needs to be */
  #object(prefix: string, isContainer = false): Envelope {
    const object: Envelope = {}
    const start = this.#at
    let fields = 0
    this.#at++
    if (this.#skipSpace() === CLOSE_OBJECT) {
      this.#at++
      return object
    }
    for (;;) {
      if (this.#skipSpace() !== QUOTE) throw this.#syntaxError()
      const key = this.#simpleString() ?? String(this.#plainValue(prefix, false))
      if (!Object.hasOwn(object, key) && ++fields > MAX_FIELDS) {
        this.#at = start
        this.#skipValue()
        return object
      }
      if (this.#skipSpace() !== COLON) throw this.#syntaxError()
      this.#at++
      this.#skipSpace()
      this.#field(object, key, prefix + key, isContainer)
      const separator = this.#skipSpace()
      if (separator !== COMMA && separator !== CLOSE_OBJECT) throw this.#syntaxError()
      this.#at++
      if (separator === CLOSE_OBJECT) return object
    }
  }

  #field(owner: Envelope, key: string, path: string, isContainer: boolean): void {
    const first = this.#bytes[this.#at]
    const isTensorField = this.#tensorFields.has(path)
    const { dtypeField, declaredType } = this.#dialect
    const declared = isTensorField ? declaredType?.(owner, path) : undefined
    if (isTensorField && first === OPEN_ARRAY) this.#array(owner, key, declared)
    else if (isTensorField && first === OPEN_OBJECT && declared === undefined)
      setField(owner, key, decodeContainer(this.#engine, this.#object(`${path}.`, true)))
    else if (first === OPEN_OBJECT && this.#hasFieldsBelow(path)) setField(owner, key, this.#object(`${path}.`))
    else if (first === OPEN_ARRAY && this.#hasFieldsBelow(`${path}[]`)) setField(owner, key, this.#list(`${path}[]`))
    else setField(owner, key, this.#plainValue(path, isContainer))
    if (path === dtypeField) this.#elementType = owner[key] === 'float64' ? 'F64' : 'F32'
  }

  /** The elements of an array of objects; of one with more elements than a request has fields nothing but its place. */
  #list(path: string): unknown[] {
    const list: unknown[] = []
    const start = this.#at
    this.#at++
    if (this.#skipSpace() === CLOSE_ARRAY) {
      this.#at++
      return list
    }
    for (;;) {
      const first = this.#skipSpace()
      if (list.length === MAX_FIELDS) {
        this.#at = start
        this.#skipValue()
        this.#firstTooLong ??= refuseAt(
          'validation_failed',
          [path.slice(0, -2)],
          `expected at most ${MAX_FIELDS} elements`,
        )
        return list
      }
      list.push(first === OPEN_OBJECT ? this.#object(`${path}.`) : this.#plainValue(path, false))
      const separator = this.#skipSpace()
      if (separator !== COMMA && separator !== CLOSE_ARRAY) throw this.#syntaxError()
      this.#at++
      if (separator === CLOSE_ARRAY) return list
    }
  }

  #hasFieldsBelow(path: string): boolean {
    for (const field of this.#tensorFields) if (field.startsWith(`${path}.`)) return true
    return false
  }

  /** A vector is small and wanted exactly; a matrix is read in the type it will be computed in. */
  #array(owner: Envelope, key: string, declared: 'F32' | 'F64' | undefined): void {
    const text = this.#text
    const start = this.#at
    this.#at++
    const isMatrix = this.#skipSpace() === OPEN_ARRAY
    const dtype = declared ?? (isMatrix ? this.#elementType : 'F64')
    const { value, status, end } = readTensor(this.#engine, text + start, text + this.#length, dtype, this.#report)
    this.#at = end - text
    if (status === ReadStatus.syntax) throw this.#syntaxError()
    if (isMatrix && declared === undefined) this.#matrices.push({ owner, key, start, dtype, value })
    setField(owner, key, value)
  }

  /** The string that starts here, if it is a short one that stands in the body as it is: every name of a field is one. */
  #simpleString(): string | undefined {
    const bytes = this.#bytes
    const start = this.#at + 1
    let simple = ''
    for (let i = start; i < start + MAX_SIMPLE_BYTES; i++) {
      const byte = bytes[i]
      if (byte === QUOTE) {
        this.#at = i + 1
        return simple
      }
      if (byte === undefined || byte === BACKSLASH || byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE) return undefined
      simple += String.fromCharCode(byte)
    }
    return undefined
  }

  /** The value that starts here, behind which reading goes on; of a longer one nothing but its place. */
  #plainValue(path: string, isContainer: boolean): unknown {
    const start = this.#at
    const longest = isContainer && this.#bytes[start] === QUOTE ? Number.POSITIVE_INFINITY : MAX_PLAIN_BYTES
    this.#skipValue()
    const length = this.#at - start
    if (length <= longest) return JSON.parse(utf8.decode(this.#bytes.subarray(start, this.#at)))
    this.#firstTooLong ??= refuseAt(
      isContainer ? 'tensor_invalid' : 'validation_failed',
      path.split('.').filter((segment) => segment !== ''),
      `expected at most ${longest} bytes, got ${length} at byte ${start}`,
    )
    return undefined
  }

  #skipValue(): void {
    const { kernels, memory } = this.#engine
    const text = this.#text
    kernels.skipValue(text + this.#at, text + this.#length, this.#report)
    const words = memory.i32(this.#report, REPORT_WORDS)
    this.#at = (words[Report.position]! >>> 0) - text
    if (words[Report.status] === ReadStatus.syntax) throw this.#syntaxError()
  }

  #expectEnd(): void {
    this.#skipSpace()
    if (this.#at < this.#length) throw this.#syntaxError()
  }

  /** Gives the byte behind the space, undefined at the end. */
  #skipSpace(): number | undefined {
    const bytes = this.#bytes
    let at = this.#at
    let byte = bytes[at]
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at]
    this.#at = at
    return byte
  }

  #syntaxError(): Refusal {
    const at = this.#at
    const found =
      at < this.#length
        ? JSON.stringify(excerpt(utf8.decode(this.#bytes.subarray(at, at + 16)), 16))
        : 'the end of the body'
    return new Refusal('json_invalid', `not JSON at byte ${at}: unexpected ${found}`)
  }
}
