import type { Engine } from './kernels/engine.ts'
import { type Layout, toRows } from './layout.ts'
import { cast, sameShape } from './operands.ts'
import { refuseAt } from './problems.ts'
import { scoresNotFinite } from './row-fault.ts'
import { smoothingOf } from './smoothing.ts'
import type { Targets } from './target-rows.ts'
import { ELEMENT_BYTES, type Tensor, viewOf } from './wire/tensor.ts'

const FIELD = 'teacher_logits'

export interface TeacherFields {
  readonly teacher_logits: Tensor
  readonly temperature?: number | undefined
}

/** softmax(teacher / T) of every row; refuses another shape than that of the scores, and a row that has no softmax. */
export function teacherTargets(
  { memory, typed }: Engine,
  layout: Layout,
  dtype: 'F32' | 'F64',
  { teacher_logits: given, temperature = 1 }: TeacherFields,
): Targets {
  const { numRows, numClasses } = layout
  if (!sameShape(given.shape, layout.shape)) {
    throw refuseAt(
      'shape_mismatch',
      [FIELD],
      `expected the shape of the logits [${layout.shape.join(', ')}], got shape [${given.shape.join(', ')}]`,
    )
  }
  const size = numRows * numClasses
  const logits = toRows(memory, layout, dtype, cast(given, dtype, [FIELD]).pointer)
  const values = memory.allocate(size * ELEMENT_BYTES[dtype])
  const faulty = memory.scratch(() => {
    const perRow = memory.allocate(numRows * ELEMENT_BYTES.F64)
    const scaled = memory.allocate(size * ELEMENT_BYTES.F64)
    const wide = memory.f64(scaled, size)
    wide.set(viewOf(memory, dtype, logits, size))
    for (let start = 0; start < size; start += numClasses) divide(wide.subarray(start, start + numClasses), temperature)
    const row = typed.F64.softmax(scaled, numRows, numClasses, scaled, perRow, perRow)
    viewOf(memory, dtype, values, size).set(wide)
    return row
  })
  if (faulty !== -1) {
    const row = viewOf(memory, dtype, logits, size).subarray(faulty * numClasses, (faulty + 1) * numClasses)
    throw scoresNotFinite(FIELD, layout, faulty, row)
  }
  return {
    rows: { kind: 'dense', smoothing: smoothingOf(memory, {}, numClasses), values },
    counted: new Uint8Array(numRows).fill(1),
    isIndexRoute: false,
  }
}

/** A row over T, moved so that its largest is 0: a small T overflows nothing then. */
function divide(row: Float64Array, temperature: number): void {
  const max = row.reduce((a, b) => Math.max(a, b))
  for (let k = 0; k < row.length; k++) row[k] = (row[k]! - max) / temperature
}
