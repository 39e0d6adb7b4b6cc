import { REPORT_WORDS, ReadStatus, Report } from '../kernels/contract.ts'
import type { Engine } from '../kernels/engine.ts'
import { excerpt } from '../problems.ts'
import { ELEMENT_BYTES, sizeOf, type Tensor, type TensorFault, tensorAt, tensorFault } from './tensor.ts'

const utf8 = new TextDecoder()

export interface ReadTensor {
  readonly value: Tensor | TensorFault
  readonly status: number
  /** Pointer behind the array, or at the fault of its syntax. */
  readonly end: number
}

/**
 * Reads the JSON array at `start` into kernel memory. The tensor remembers its text, so that it can be read again in
 * another element type without rounding twice.
 */
export function readTensor(
  engine: Engine,
  start: number,
  textEnd: number,
  dtype: 'F32' | 'F64',
  report: number,
): ReadTensor {
  const { memory, typed } = engine
  // Two bytes a number is the least that JSON needs; what the numbers do not fill is given back.
  const values = memory.allocate((Math.floor((textEnd - start) / 2) + 1) * ELEMENT_BYTES[dtype])
  typed[dtype].readArray(start, textEnd, values, report)
  const words = memory.i32(report, REPORT_WORDS)
  const status = words[Report.status]!
  const end = words[Report.position]! >>> 0
  if (status !== ReadStatus.ok) {
    memory.trim(values)
    return { value: faultOf(memory.u8(0, textEnd), words, dtype), status, end }
  }
  const shape: number[] = []
  for (let axis = 0; axis < words[Report.rank]!; axis++) shape.push(words[Report.shape + axis]!)
  memory.trim(values + sizeOf(shape) * ELEMENT_BYTES[dtype])
  const value = tensorAt(dtype, shape, values, (other) => readTensor(engine, start, end, other, report).value)
  return { value, status, end }
}

function faultOf(bytes: Uint8Array, words: Int32Array, dtype: 'F32' | 'F64'): TensorFault {
  const path = Array.from(words.subarray(Report.path, Report.path + words[Report.pathLength]!))
  const token = utf8.decode(
    bytes.subarray(
      words[Report.token]! >>> 0,
      Math.min(words[Report.tokenEnd]! >>> 0, (words[Report.token]! >>> 0) + 256),
    ),
  )
  switch (words[Report.status]) {
    case ReadStatus.notANumber:
      return tensorFault('validation_failed', path, `expected a number, got ${tokenKind(token)}`)
    case ReadStatus.outOfRange:
      return tensorFault(
        'validation_failed',
        path,
        `expected a number that fits ${dtype === 'F32' ? 'float32' : 'float64'}, got ${excerpt(token)}`,
      )
    case ReadStatus.tooDeep:
      return tensorFault('shape_mismatch', path, 'expected at most 8 dimensions')
    default:
      return tensorFault('shape_mismatch', path, raggedDetail(words[Report.expected]!, words[Report.got]!))
  }
}

function raggedDetail(expected: number, got: number): string {
  if (got === -1) return 'expected an array, as in the first row, got a number'
  if (got === -2) return 'expected a number, as in the first row, got an array'
  return `expected ${expected} elements, as in the first row, got ${got}`
}

function tokenKind(token: string): string {
  const kinds: Record<string, string> = { '{': 'an object', '[': 'an array', n: 'null', t: 'true', f: 'false' }
  return kinds[token[0] ?? ''] ?? `the string ${excerpt(token)}`
}
