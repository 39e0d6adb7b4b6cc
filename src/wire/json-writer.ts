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
import { Text } from './text.ts'

/**
 * An answer as JSON bytes. The numbers of a tensor go from kernel memory to text in kernel memory, which leaves it in one copy, the
 * answer itself. Numbers that JSON lacks are the strings "NaN", "Infinity", "-Infinity".
 */
export function writeJson(engine: Engine, answer: Answer): Encoded {
  const text = new Text(engine)
  new JsonWriter(engine, answer, text).value(answer.fields)
  return { length: text.length, writeTo: (bytes) => text.writeTo(bytes), mediaType: 'application/json' }
}

/** A class, not closures: closures are made anew for every answer, which takes as long as the text of a small one. */
class JsonWriter {
  readonly #engine: Engine
  readonly #answer: Answer
  readonly #text: Text

  constructor(engine: Engine, answer: Answer, text: Text) {
    this.#engine = engine
    this.#answer = answer
    this.#text = text
  }

  value(value: AnswerValue): void {
    if (typeof value === 'number') this.#text.pushNumber(this.#answer.dtype, value)
    else if (typeof value !== 'object') this.#text.push(JSON.stringify(value))
    else if (isDense(value)) this.#tensor(value)
    else if (isSparse(value)) this.#sparse(value)
    else if (isList(value)) this.#list(value)
    else this.#object(value as AnswerObject)
  }

  /** Names are those of outputs and their members: nothing in them needs an escape. */
  #object(object: AnswerObject): void {
    const text = this.#text
    let separator = '{"'
    for (const name in object) {
      const value = object[name]
      if (value === undefined) continue
      text.push(separator)
      text.push(name)
      text.push('":')
      this.value(value)
      separator = ',"'
    }
    text.push(separator === '{"' ? '{}' : '}')
  }

  #list(list: readonly AnswerValue[]): void {
    const text = this.#text
    text.push('[')
    list.forEach((value, i) => {
      if (i > 0) text.push(',')
      this.value(value)
    })
    text.push(']')
  }

  #tensor(output: DenseOutput): void {
    const { dtype, shape, pointer } = output
    if (this.#answer.encoding === 'base64') this.#text.push(this.#container(output))
    else if (dtype === 'I32')
      this.#text.push(JSON.stringify(nest(Array.from(this.#engine.memory.i32(pointer, sizeOf(shape))), shape)))
    // The printer prints no row without numbers.
    else if (sizeOf(shape) === 0) this.#text.push('[]')
    else {
      this.#nested(shape, (row, rows, columns) => {
        this.#text.pushRows(dtype, pointer + row * columns * ELEMENT_BYTES[dtype], rows, columns)
      })
    }
  }

  #sparse(output: SparseOutput): void {
    const { memory } = this.#engine
    if (this.#answer.encoding === 'base64') {
      this.#text.push(memory.scratch(() => this.#container(densify(memory, output))))
      return
    }
    const { dtype, base, labels, values, entries, shape } = output
    const bytes = ELEMENT_BYTES[dtype]
    this.#nested(shape, (row, rows, columns) => {
      this.#text.pushSparseRows(
        dtype,
        base + row * bytes,
        labels + row * entries * ELEMENT_BYTES.I32,
        values + row * entries * bytes,
        entries,
        rows,
        columns,
      )
    })
  }

  /** Brackets of the outer axes around the rows of the last two. */
  #nested(shape: readonly number[], pushRows: (firstRow: number, rows: number, columns: number) => void): void {
    const text = this.#text
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
      pushRows(row, rows, columns)
      if (shape.length > 1) text.push(']')
      row += rows
    }
  }

  #container({ dtype, shape, pointer }: DenseOutput): string {
    const data = this.#engine.memory.u8(pointer, sizeOf(shape) * ELEMENT_BYTES[dtype])
    const base64 = Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64')
    return JSON.stringify({ dtype, shape, data: base64 })
  }
}

function nest(values: number[], shape: readonly number[]): unknown[] {
  if (shape.length === 1) return values
  const size = sizeOf(shape.slice(1))
  return Array.from({ length: shape[0]! }, (_, i) => nest(values.slice(i * size, (i + 1) * size), shape.slice(1)))
}
