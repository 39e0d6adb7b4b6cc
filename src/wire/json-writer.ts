import {
  type Answer,
  type AnswerObject,
  type AnswerValue,
  type DenseOutput,
  densify,
  isDense,
  isList,
  isSparse,
  type SparseOutput,
} from '../answer.ts'
import { PRINT_BYTES_F32, PRINT_BYTES_F64 } from '../kernels/contract.ts'
import type { Engine } from '../kernels/engine.ts'
import type { Encoded } from './format.ts'
import { ELEMENT_BYTES, sizeOf, viewOf } from './tensor.ts'

const PRINT_BYTES = { F32: PRINT_BYTES_F32, F64: PRINT_BYTES_F64 } as const
/** Brackets and comma. */
const ROW_BYTES = 3

/** Text that is still in kernel memory. */
interface Region {
  readonly pointer: number
  readonly end: number
}

/**
 * An answer as JSON bytes. The numbers of a tensor go from kernel memory to text in kernel memory and leave it in one copy, the
 * answer itself. Numbers that JSON lacks are the strings "NaN", "Infinity", "-Infinity".
 */
export function writeJson(engine: Engine, answer: Answer): Encoded {
  const { memory } = engine
  const parts: (string | Region)[] = []
  writeValue(answer.fields)

  const length = parts.reduce(
    (sum, part) => sum + (typeof part === 'string' ? Buffer.byteLength(part) : part.end - part.pointer),
    0,
  )
  const bytes = Buffer.from(new ArrayBuffer(length))
  let at = 0
  for (const part of parts) {
    if (typeof part === 'string') at += bytes.write(part, at)
    else {
      bytes.set(memory.u8(part.pointer, part.end - part.pointer), at)
      at += part.end - part.pointer
    }
  }
  return { bytes, mediaType: 'application/json' }

  function writeValue(value: AnswerValue): void {
    if (typeof value === 'number') writeNumber(value)
    else if (typeof value !== 'object') parts.push(JSON.stringify(value))
    else if (isDense(value)) writeTensor(value)
    else if (isSparse(value)) writeSparse(value)
    else if (isList(value)) writeList(value)
    else writeObject(value as AnswerObject)
  }

  function writeObject(object: AnswerObject): void {
    let separator = '{'
    for (const [name, value] of Object.entries(object)) {
      if (value === undefined) continue
      parts.push(`${separator}${JSON.stringify(name)}:`)
      writeValue(value)
      separator = ','
    }
    parts.push(separator === '{' ? '{}' : '}')
  }

  function writeList(list: readonly AnswerValue[]): void {
    parts.push('[')
    list.forEach((value, i) => {
      if (i > 0) parts.push(',')
      writeValue(value)
    })
    parts.push(']')
  }

  function writeNumber(value: number): void {
    const pointer = memory.allocate(ELEMENT_BYTES[answer.dtype])
    viewOf(memory, answer.dtype, pointer, 1)[0] = value
    const row = print(answer.dtype, pointer, 1, 1)
    // A row of one, less its brackets.
    parts.push({ pointer: row.pointer + 1, end: row.end - 1 })
  }

  function writeTensor(output: DenseOutput): void {
    if (answer.encoding === 'base64') writeBase64(output)
    else if (output.dtype === 'I32')
      parts.push(JSON.stringify(nest(Array.from(memory.i32(output.pointer, sizeOf(output.shape))), output.shape)))
    else {
      const { dtype, pointer } = output
      writeNested(output.shape, (row, rows, columns) =>
        print(dtype, pointer + row * columns * ELEMENT_BYTES[dtype], rows, columns),
      )
    }
  }

  function writeSparse(output: SparseOutput): void {
    if (answer.encoding === 'base64') {
      writeBase64(densify(memory, output))
      return
    }
    const { dtype, base, labels, values, entries } = output
    const bytes = ELEMENT_BYTES[dtype]
    writeNested(output.shape, (row, rows, columns) =>
      printed(dtype, rows, columns, (out) =>
        engine.typed[dtype].printSparseRows(
          base + row * bytes,
          labels + row * entries * 4,
          values + row * entries * bytes,
          entries,
          rows,
          columns,
          out,
        ),
      ),
    )
  }

  /** Brackets of the outer axes around the rows of the last two. */
  function writeNested(
    shape: readonly number[],
    printRows: (firstRow: number, rows: number, columns: number) => Region,
  ): void {
    const columns = shape.at(-1)!
    const rows = shape.length > 1 ? shape.at(-2)! : 1
    let row = 0
    writeAxis(0)

    function writeAxis(axis: number): void {
      if (axis < shape.length - 2) {
        parts.push('[')
        for (let i = 0; i < shape[axis]!; i++) {
          if (i > 0) parts.push(',')
          writeAxis(axis + 1)
        }
        parts.push(']')
        return
      }
      if (shape.length > 1) parts.push('[')
      parts.push(printRows(row, rows, columns))
      if (shape.length > 1) parts.push(']')
      row += rows
    }
  }

  function print(dtype: 'F32' | 'F64', pointer: number, rows: number, columns: number): Region {
    return printed(dtype, rows, columns, (out) => engine.typed[dtype].printRows(pointer, rows, columns, out))
  }

  function printed(dtype: 'F32' | 'F64', rows: number, columns: number, task: (out: number) => number): Region {
    const pointer = memory.allocate(rows * (columns * PRINT_BYTES[dtype] + ROW_BYTES))
    const end = task(pointer)
    memory.trim(end)
    return { pointer, end }
  }

  function writeBase64({ dtype, shape, pointer }: DenseOutput): void {
    const data = memory.u8(pointer, sizeOf(shape) * ELEMENT_BYTES[dtype])
    const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64')
    parts.push(JSON.stringify({ dtype, shape, data: text }))
  }
}

function nest(values: number[], shape: readonly number[]): unknown[] {
  if (shape.length === 1) return values
  const size = sizeOf(shape.slice(1))
  return Array.from({ length: shape[0]! }, (_, i) => nest(values.slice(i * size, (i + 1) * size), shape.slice(1)))
}
