import type { Batch } from './batch.ts'
import { scoresNotFinite } from './row-fault.ts'
import { ELEMENT_BYTES, viewOf } from './wire/tensor.ts'

/** The softmax of the rows that count, in float64 whatever the batch is. [rows, numClasses] */
export interface CountedSoftmax {
  /** The rows of the batch, in order. */
  readonly rows: readonly number[]
  readonly z: Float64Array
  readonly p: Float64Array
  /** -log p = (rowMax - z) + logSum. [rows] */
  readonly rowMax: Float64Array
  readonly logSum: Float64Array
  /** Pointers to the same. */
  readonly pointers: Readonly<Record<'z' | 'p' | 'rowMax' | 'logSum', number>>
}

/** Refuses the first counted row that has no softmax. What it gives is in kernel memory, valid until that grows. */
export function softmaxOfCounted({
  engine,
  layout,
  dtype,
  field,
  scores,
  targets,
}: Pick<Batch, 'engine' | 'layout' | 'dtype' | 'field' | 'scores' | 'targets'>): CountedSoftmax {
  const { memory, typed } = engine
  const { numClasses } = layout
  const rows = Array.from(targets.counted.keys()).filter((row) => targets.counted[row])
  const size = rows.length * numClasses
  const float64s = (length: number) => memory.allocate(length * ELEMENT_BYTES.F64)
  const pointers = {
    z: float64s(size),
    p: float64s(size),
    rowMax: float64s(rows.length),
    logSum: float64s(rows.length),
  }
  const z = memory.f64(pointers.z, size)
  const given = viewOf(memory, dtype, scores, layout.numRows * numClasses)
  rows.forEach((row, i) => {
    z.set(given.subarray(row * numClasses, (row + 1) * numClasses), i * numClasses)
  })
  const faulty =
    size === 0
      ? -1
      : typed.F64.softmax(pointers.z, rows.length, numClasses, pointers.p, pointers.rowMax, pointers.logSum)
  if (faulty !== -1) {
    const row = rows[faulty]!
    throw scoresNotFinite(field, layout, row, given.slice(row * numClasses, (row + 1) * numClasses))
  }
  return {
    rows,
    z,
    p: memory.f64(pointers.p, size),
    rowMax: memory.f64(pointers.rowMax, rows.length),
    logSum: memory.f64(pointers.logSum, rows.length),
    pointers,
  }
}
