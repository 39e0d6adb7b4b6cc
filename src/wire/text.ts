import { copyBytes } from '../copy-bytes.ts'
import { PRINT_BYTES_F32, PRINT_BYTES_F64 } from '../kernels/contract.ts'
import type { Engine } from '../kernels/engine.ts'
import { ELEMENT_BYTES, viewOf } from './tensor.ts'

const PRINT_BYTES = { F32: PRINT_BYTES_F32, F64: PRINT_BYTES_F64 } as const
/** Brackets and comma. */
const ROW_BYTES = 3
const LAST_ASCII = 0x7f
/** UTF-16 units of the longest string that is copied letter by letter: for most of them an encoder's call takes longer than the copy. */
const MAX_COPIED = 64

/** Room that rows take at most when they are printed. */
export function printedBytes(dtype: 'F32' | 'F64', rows: number, columns: number): number {
  return rows * (columns * PRINT_BYTES[dtype] + ROW_BYTES)
}

/** A string that is not in kernel memory: what stands before it there ends at `at`. */
interface Aside {
  readonly at: number
  readonly part: string
  readonly bytes: number
}

/**
 * An answer in the making: text that grows in kernel memory, around strings that are long or not all ASCII, which stay outside. While it grows,
 * whatever else is allocated in kernel memory must be scratch.
 */
export class Text {
  readonly #engine: Engine
  /** A number by itself, and its text. */
  readonly #cell: number
  readonly #start: number
  #end: number
  /** Where kernel memory went on when the text grew last. */
  #top: number
  readonly #asides: Aside[] = []
  #asideBytes = 0

  constructor(engine: Engine) {
    this.#engine = engine
    this.#cell = engine.memory.allocate(ELEMENT_BYTES.F64 + printedBytes('F64', 1, 1))
    this.#start = engine.memory.allocate(0)
    this.#end = this.#start
    this.#top = engine.memory.top
  }

  /** Bytes of what has been pushed. */
  get length(): number {
    return this.#end - this.#start + this.#asideBytes
  }

  push(part: string): void {
    if (part.length <= MAX_COPIED && this.#copy(part)) return
    const bytes = Buffer.byteLength(part)
    this.#asides.push({ at: this.#end, part, bytes })
    this.#asideBytes += bytes
  }

  /** One number, as JSON has it, or quoted where JSON has none. */
  pushNumber(dtype: 'F32' | 'F64', value: number): void {
    const { memory, typed } = this.#engine
    const cell = this.#cell
    viewOf(memory, dtype, cell, 1)[0] = value
    const text = cell + ELEMENT_BYTES.F64
    // A row of one, less its brackets.
    const length = typed[dtype].printRows(cell, 1, 1, text) - text - 2
    const end = this.#reserve(length)
    const bytes = memory.all
    for (let i = 0; i < length; i++) bytes[end + i] = bytes[text + 1 + i]!
    this.#end = end + length
  }

  /**
   * `[a,b],[c,d]`
   *
   * @param pointer values [rows, columns] of `dtype`
   * @param columns at least 1: the printer prints no empty row
   */
  pushRows(dtype: 'F32' | 'F64', pointer: number, rows: number, columns: number): void {
    const end = this.#reserve(printedBytes(dtype, rows, columns))
    this.#finish(this.#engine.typed[dtype].printRows(pointer, rows, columns, end))
  }

  /**
   * The same of rows that hold one value almost everywhere: see `printSparseRows`.
   *
   * @param base   [rows] of `dtype`
   * @param labels int32 [rows, entries]
   * @param values [rows, entries] of `dtype`
   */
  pushSparseRows(
    dtype: 'F32' | 'F64',
    base: number,
    labels: number,
    values: number,
    entries: number,
    rows: number,
    columns: number,
  ): void {
    const end = this.#reserve(printedBytes(dtype, rows, columns))
    this.#finish(this.#engine.typed[dtype].printSparseRows(base, labels, values, entries, rows, columns, end))
  }

  /** @param target room for `length` bytes. Before the memory is used for anything else. */
  writeTo(target: Uint8Array): void {
    const { memory } = this.#engine
    const out = Buffer.from(target.buffer, target.byteOffset, target.byteLength)
    let from = this.#start
    let written = 0
    for (const { at, part, bytes } of this.#asides) {
      copyBytes(memory.u8(from, at - from), out, written)
      written += at - from
      out.write(part, written)
      written += bytes
      from = at
    }
    copyBytes(memory.u8(from, this.#end - from), out, written)
  }

  /** False, and nothing is pushed, where there is more than ASCII. */
  #copy(part: string): boolean {
    const { length } = part
    const end = this.#reserve(length)
    const bytes = this.#engine.memory.all
    for (let i = 0; i < length; i++) {
      const code = part.charCodeAt(i)
      if (code > LAST_ASCII) return false
      bytes[end + i] = code
    }
    this.#end = end + length
    return true
  }

  /** Room behind the text; gives where that is. */
  #reserve(bytes: number): number {
    const { memory } = this.#engine
    if (memory.top !== this.#top)
      throw new Error('memory was kept that was allocated while a text grew. This is a bug.')
    memory.trim(this.#end)
    memory.allocate(bytes)
    this.#top = memory.top
    return this.#end
  }

  /** What was reserved and not written is given back at once: it may be many times the text. */
  #finish(end: number): void {
    const { memory } = this.#engine
    memory.trim(end)
    this.#end = end
    this.#top = memory.top
  }
}
