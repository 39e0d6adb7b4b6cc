import type { AnswerValue } from './answer.ts'
import type { Engine } from './kernels/engine.ts'
import { fromRows, type Layout } from './layout.ts'
import { smoothedValue } from './smoothing.ts'
import { type SparseRows, type Targets, writeSmoothed } from './target-rows.ts'
import { ELEMENT_BYTES, viewOf } from './wire/tensor.ts'

/** The target distribution [N, K] the loss compared with, after smoothing and mixing; all 0 for an ignored row. */
export function smoothedOutput(
  engine: Engine,
  layout: Layout,
  dtype: 'F32' | 'F64',
  { rows, counted }: Targets,
): AnswerValue {
  // Two values a row say it all, where every class that is not a label holds the same.
  const hasClassesLast = layout.classAxis === layout.shape.length - 1
  if (rows.kind === 'sparse' && rows.smoothing.prior === undefined && hasClassesLast)
    return sparseOutput(engine, layout, dtype, rows, counted)
  const { memory } = engine
  const { numRows, numClasses } = layout
  const pointer = memory.allocate(numRows * numClasses * ELEMENT_BYTES[dtype])
  writeSmoothed(memory, dtype, rows, numRows, numClasses, pointer)
  const values = viewOf(memory, dtype, pointer, numRows * numClasses)
  counted.forEach((counts, row) => {
    if (!counts) values.fill(0, row * numClasses, (row + 1) * numClasses)
  })
  return { kind: 'dense', dtype, shape: layout.shape, pointer: fromRows(memory, layout, dtype, pointer) }
}

function sparseOutput(
  engine: Engine,
  layout: Layout,
  dtype: 'F32' | 'F64',
  rows: SparseRows,
  counted: Uint8Array,
): AnswerValue {
  const { memory } = engine
  const { numRows } = layout
  const { smoothing, entries } = rows
  const size = numRows * entries
  const off = smoothedValue(smoothing, 0, 0)
  const base = memory.allocate(numRows * ELEMENT_BYTES[dtype])
  const labels = memory.allocate(size * ELEMENT_BYTES.I32)
  const values = memory.allocate(size * ELEMENT_BYTES[dtype])
  const given = memory.i32(rows.labels, size)
  const shares = memory.f64(rows.shares, size)
  const baseView = viewOf(memory, dtype, base, numRows)
  const labelView = memory.i32(labels, size)
  const valueView = viewOf(memory, dtype, values, size)
  for (let row = 0; row < numRows; row++) baseView[row] = counted[row] ? off : 0
  for (let i = 0; i < size; i++) {
    const isEntry = counted[Math.floor(i / entries)] === 1 && shares[i]! > 0
    labelView[i] = isEntry ? given[i]! : -1
    valueView[i] = isEntry ? smoothedValue(smoothing, given[i]!, shares[i]!) : 0
  }
  return { kind: 'sparse', dtype, shape: layout.shape, base, labels, values, entries }
}
