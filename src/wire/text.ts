import { copyBytes } from '../copy-bytes.ts'
import { PRINT_BYTES_F32, PRINT_BYTES_F64 } from '../kernels/contract.ts'
import type { Engine } from '../kernels/engine.ts'
import { ELEMENT_BYTES, viewOf } from './tensor.ts'

const PRINT_BYTES = { F32: PRINT_BYTES_F32, F64: PRINT_BYTES_F64 } as const
/** Brackets and comma. */
const ROW_BYTES = 3

/** Room that rows take at most when they are printed. */
export function printedBytes(dtype: 'F32' | 'F64', rows: number, columns: number): number {
  return rows * (columns * PRINT_BYTES[dtype] + ROW_BYTES)
}

/** Bytes that are still in kernel memory: printed numbers, or a tensor as it is. */
export interface Region {
  readonly pointer: number
  readonly end: number
}

/** An answer in the making: pieces of text and regions of kernel memory that leave it in one copy, the answer itself. */
export interface Text {
  push(part: string | Region): void
  /** Bytes of what has been pushed. */
  readonly length: number
  /** `[a,b],[c,d]`, in kernel memory. */
  rows(dtype: 'F32' | 'F64', pointer: number, rows: number, columns: number): Region
  number(dtype: 'F32' | 'F64', value: number): Region
  /** What `task` prints, given where to: it returns the pointer behind it. */
  printed(dtype: 'F32' | 'F64', rows: number, columns: number, task: (out: number) => number): Region
  writeTo(bytes: Uint8Array): void
}

export function createText({ memory, typed }: Engine): Text {
  const parts: (string | Region)[] = []
  /** What has been pushed since the last region: a write of one string costs as much as of ten. */
  let pending = ''
  let length = 0
  const flush = () => {
    if (pending === '') return
    parts.push(pending)
    length += Buffer.byteLength(pending)
    pending = ''
  }
  const text: Text = {
    get length() {
      flush()
      return length
    },
    push(part) {
      if (typeof part === 'string') pending += part
      else {
        flush()
        parts.push(part)
        length += part.end - part.pointer
      }
    },
    rows: (dtype, pointer, rows, columns) =>
      text.printed(dtype, rows, columns, (out) => typed[dtype].printRows(pointer, rows, columns, out)),
    number(dtype, value) {
      const pointer = memory.allocate(ELEMENT_BYTES[dtype])
      viewOf(memory, dtype, pointer, 1)[0] = value
      const row = text.rows(dtype, pointer, 1, 1)
      // A row of one, less its brackets.
      return { pointer: row.pointer + 1, end: row.end - 1 }
    },
    printed(dtype, rows, columns, task) {
      const pointer = memory.allocate(printedBytes(dtype, rows, columns))
      const end = task(pointer)
      memory.trim(end)
      return { pointer, end }
    },
    writeTo(target) {
      flush()
      const bytes = Buffer.from(target.buffer, target.byteOffset, target.length)
      let at = 0
      for (const part of parts) {
        if (typeof part === 'string') at += bytes.write(part, at)
        else {
          copyBytes(memory.u8(part.pointer, part.end - part.pointer), bytes, at)
          at += part.end - part.pointer
        }
      }
    },
  }
  return text
}
