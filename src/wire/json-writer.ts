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
import type { Engine } from '../kernels/engine.ts'
import type { Encoded } from './format.ts'
import { ELEMENT_BYTES, sizeOf } from './tensor.ts'
import { createText, type Region } from './text.ts'

/**
 * An answer as JSON bytes. The numbers of a tensor go from kernel memory to text in kernel memory and leave it in one copy, the
 * answer itself. Numbers that JSON lacks are the strings "NaN", "Infinity", "-Infinity".
 */
export function writeJson(engine: Engine, answer: Answer): Encoded {
  const { memory } = engine
  const text = createText(engine)
  writeValue(answer.fields)
  return { length: text.length, writeTo: text.writeTo, mediaType: 'application/json' }

  function writeValue(value: AnswerValue): void {
    if (typeof value === 'number') text.push(text.number(answer.dtype, value))
    else if (typeof value !== 'object') text.push(JSON.stringify(value))
    else if (isDense(value)) writeTensor(value)
    else if (isSparse(value)) writeSparse(value)
    else if (isList(value)) writeList(value)
    else writeObject(value as AnswerObject)
  }

  function writeObject(object: AnswerObject): void {
    let separator = '{'
    for (const [name, value] of Object.entries(object)) {
      if (value === undefined) continue
      text.push(`${separator}${JSON.stringify(name)}:`)
      writeValue(value)
      separator = ','
    }
    text.push(separator === '{' ? '{}' : '}')
  }

  function writeList(list: readonly AnswerValue[]): void {
    text.push('[')
    list.forEach((value, i) => {
      if (i > 0) text.push(',')
      writeValue(value)
    })
    text.push(']')
  }

  function writeTensor(output: DenseOutput): void {
    if (answer.encoding === 'base64') writeBase64(output)
    else if (output.dtype === 'I32')
      text.push(JSON.stringify(nest(Array.from(memory.i32(output.pointer, sizeOf(output.shape))), output.shape)))
    // The printer prints no row without numbers.
    else if (sizeOf(output.shape) === 0) text.push('[]')
    else {
      const { dtype, pointer } = output
      writeNested(output.shape, (row, rows, columns) =>
        text.rows(dtype, pointer + row * columns * ELEMENT_BYTES[dtype], rows, columns),
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
      text.printed(dtype, rows, columns, (out) =>
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
        text.push('[')
        for (let i = 0; i < shape[axis]!; i++) {
          if (i > 0) text.push(',')
          writeAxis(axis + 1)
        }
        text.push(']')
        return
      }
      if (shape.length > 1) text.push('[')
      text.push(printRows(row, rows, columns))
      if (shape.length > 1) text.push(']')
      row += rows
    }
  }

  function writeBase64({ dtype, shape, pointer }: DenseOutput): void {
    const data = memory.u8(pointer, sizeOf(shape) * ELEMENT_BYTES[dtype])
    const base64 = Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64')
    text.push(JSON.stringify({ dtype, shape, data: base64 }))
  }
}

function nest(values: number[], shape: readonly number[]): unknown[] {
  if (shape.length === 1) return values
  const size = sizeOf(shape.slice(1))
  return Array.from({ length: shape[0]! }, (_, i) => nest(values.slice(i * size, (i + 1) * size), shape.slice(1)))
}
