import type { KernelMemory } from './kernels/memory.ts'
import { ELEMENT_BYTES, type ElementType, sizeOf, viewOf } from './wire/tensor.ts'

/** An answer before it has a format: plain values, and tensors that are still in kernel memory or outside of it. */
export interface Answer {
  /** Precision in which its numbers are written. */
  readonly dtype: 'F32' | 'F64'
  /** How a JSON answer writes tensors. */
  readonly encoding: 'array' | 'base64'
  readonly fields: AnswerObject
}

/** Names are letters, digits and underscores: formats write them as they are. */
export interface AnswerObject {
  readonly [name: string]: AnswerValue | undefined
}

export type AnswerValue = number | string | boolean | DenseOutput | SparseOutput | AnswerObject | readonly AnswerValue[]

export interface DenseOutput {
  readonly kind: 'dense'
  readonly dtype: ElementType
  readonly shape: readonly number[]
  readonly pointer: number
  /** The elements, where the format takes them from outside of kernel memory; nothing is at `pointer` then. */
  readonly outside?: Uint8Array | undefined
}

/** Rows that hold one value almost everywhere: smoothed targets of class indices. */
export interface SparseOutput {
  readonly kind: 'sparse'
  readonly dtype: 'F32' | 'F64'
  /** [..., numClasses] */
  readonly shape: readonly number[]
  /** [rows] of the element type: the value of each row where it has no entry. */
  readonly base: number
  /** int32 [rows, entries]; -1 is no entry. */
  readonly labels: number
  /** [rows, entries] of the element type. */
  readonly values: number
  readonly entries: number
}

/** The same numbers with every element in memory, for formats that cannot say less. */
export function densify(memory: KernelMemory, output: SparseOutput): DenseOutput {
  const size = sizeOf(output.shape)
  const columns = output.shape.at(-1)!
  const rows = size / columns
  const pointer = memory.allocate(size * ELEMENT_BYTES[output.dtype])
  const dense = viewOf(memory, output.dtype, pointer, size)
  const base = viewOf(memory, output.dtype, output.base, rows)
  const labels = memory.i32(output.labels, rows * output.entries)
  const values = viewOf(memory, output.dtype, output.values, rows * output.entries)
  for (let row = 0; row < rows; row++) {
    dense.fill(base[row]!, row * columns, (row + 1) * columns)
    for (let entry = row * output.entries; entry < (row + 1) * output.entries; entry++) {
      if (labels[entry]! >= 0) dense[row * columns + labels[entry]!] = values[entry]!
    }
  }
  return { kind: 'dense', dtype: output.dtype, shape: output.shape, pointer }
}

export function isDense(value: AnswerValue): value is DenseOutput {
  return typeof value === 'object' && 'kind' in value && value.kind === 'dense'
}

export function isSparse(value: AnswerValue): value is SparseOutput {
  return typeof value === 'object' && 'kind' in value && value.kind === 'sparse'
}

export function isList(value: AnswerValue): value is readonly AnswerValue[] {
  return Array.isArray(value)
}
