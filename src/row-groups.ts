import type { KernelMemory } from './kernels/memory.ts'
import type { Layout } from './layout.ts'
import { refuseAt } from './problems.ts'
import { movedDense, type Targets } from './target-rows.ts'
import { ELEMENT_BYTES, type ElementType, viewOf } from './wire/tensor.ts'

/**
 * Rows that a loss sees together: i, i + N/m, i + 2N/m, ... along the first axis, m views of one thing. A loss gets the rows of a
 * group next to each other; the client's order is that of the views.
 */
export interface RowGroups {
  readonly size: number
  readonly numRows: number
}

/** Refuses (`shape_mismatch`) a first axis that does not hold `size` views of the same length. */
export function rowGroupsOf(field: string, layout: Layout, size: number): RowGroups {
  if (layout.numSamples % size !== 0) {
    throw refuseAt(
      'shape_mismatch',
      [field],
      `expected a first axis of ${size} splits of the same length, got a length of ${layout.numSamples}`,
    )
  }
  return { size, numRows: layout.numRows }
}

/** The targets of every group's first row, given to all of its rows: the group counts if that row does. */
export function shareTargets(
  memory: KernelMemory,
  dtype: 'F32' | 'F64',
  numClasses: number,
  { rows, counted, isIndexRoute }: Targets,
  { size, numRows }: RowGroups,
): Targets {
  const repeat = (values: Float32Array | Float64Array | Int32Array | Uint8Array) => {
    const first = values.length / size
    for (let start = first; start < values.length; start += first) values.copyWithin(start, 0, first)
  }
  repeat(counted)
  if (rows.kind === 'dense') {
    // A copy: these may be the client's own numbers, which another evaluation reads again.
    const shared = movedDense(rows, (pointer) => {
      const copy = memory.allocate(numRows * numClasses * ELEMENT_BYTES[dtype])
      const values = viewOf(memory, dtype, copy, numRows * numClasses)
      values.set(viewOf(memory, dtype, pointer, numRows * numClasses))
      repeat(values)
      return copy
    })
    return { rows: shared, counted, isIndexRoute }
  }
  repeat(memory.i32(rows.labels, numRows * rows.entries))
  repeat(memory.f64(rows.shares, numRows * rows.entries))
  return { rows, counted, isIndexRoute }
}

/** A copy of [numRows, width] with the rows of a group next to each other. */
export function gather(
  memory: KernelMemory,
  { size, numRows }: RowGroups,
  dtype: ElementType,
  pointer: number,
  width: number,
): number {
  const groups = numRows / size
  return permuted(memory, numRows, dtype, pointer, width, (row) => Math.floor(row / size) + (row % size) * groups)
}

/** The way back: a copy in the client's order. */
export function scatter(
  memory: KernelMemory,
  { size, numRows }: RowGroups,
  dtype: ElementType,
  pointer: number,
  width: number,
): number {
  const groups = numRows / size
  return permuted(memory, numRows, dtype, pointer, width, (row) => (row % groups) * size + Math.floor(row / groups))
}

function permuted(
  memory: KernelMemory,
  numRows: number,
  dtype: ElementType,
  pointer: number,
  width: number,
  sourceOf: (row: number) => number,
): number {
  const copy = memory.allocate(numRows * width * ELEMENT_BYTES[dtype])
  const from = viewOf(memory, dtype, pointer, numRows * width)
  const to = viewOf(memory, dtype, copy, numRows * width)
  for (let row = 0; row < numRows; row++) {
    const source = sourceOf(row) * width
    to.set(from.subarray(source, source + width), row * width)
  }
  return copy
}
