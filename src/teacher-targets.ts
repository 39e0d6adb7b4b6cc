import type { Engine } from './kernels/engine.ts'
import { type Layout, toRows } from './layout.ts'
import { cast, sameShape } from './operands.ts'
import { refuseAt } from './problems.ts'
import { scoresNotFinite } from './row-fault.ts'
import { smoothingOf } from './smoothing.ts'
import type { Targets } from './target-rows.ts'
import { softmaxAt } from './temperature.ts'
import { ELEMENT_BYTES, type Tensor, viewOf } from './wire/tensor.ts'

const FIELD = 'teacher_logits'

export interface TeacherFields {
  readonly teacher_logits: Tensor
  readonly temperature?: number | undefined
}

/** softmax(teacher / T) of every row; refuses another shape than that of the scores, and a row that has no softmax. */
export function teacherTargets(
  engine: Engine,
  layout: Layout,
  dtype: 'F32' | 'F64',
  { teacher_logits: given, temperature = 1 }: TeacherFields,
): Targets {
  const { memory } = engine
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
  const logs = memory.allocate(size * ELEMENT_BYTES[dtype])
  const faulty = memory.scratch(() => {
    const softmax = softmaxAt(engine, dtype, logits, numRows, numClasses, temperature, values)
    if (softmax.faulty !== -1) return softmax.faulty
    engine.typed[dtype].logSoftmax(softmax.shifted, numRows, numClasses, softmax.rowMax, softmax.logSum, logs)
    return -1
  })
  if (faulty !== -1) {
    const row = viewOf(memory, dtype, logits, size).subarray(faulty * numClasses, (faulty + 1) * numClasses)
    throw scoresNotFinite(FIELD, layout, faulty, row)
  }
  return {
    rows: { kind: 'dense', smoothing: smoothingOf(memory, {}, numClasses), values, logs },
    counted: new Uint8Array(numRows).fill(1),
    isIndexRoute: false,
  }
}
