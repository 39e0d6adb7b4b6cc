import type { Engine } from './kernels/engine.ts'
import { elementPath, type Layout, layoutOf, toRows, wholeRowPath } from './layout.ts'
import type { LossDefinition } from './losses/definition.ts'
import { cast } from './operands.ts'
import { refuseAt } from './problems.ts'
import {
  planReduction,
  type Reduction,
  type ReductionFields,
  readClassWeights,
  reduceLosses,
  weighLosses,
} from './reduction.ts'
import { rowsFrom, type Targets } from './target-rows.ts'
import { buildTargets, type TargetFields } from './targets.ts'
import { ELEMENT_BYTES, type Tensor, viewOf } from './wire/tensor.ts'

/** Rows are evaluated this many elements at a time, so that what a loss keeps beside them stays in the processor's cache. */
const BLOCK_ELEMENTS = 65_536

/** A batch whose shapes, weights and targets have been found to fit together. */
export interface Batch {
  readonly engine: Engine
  readonly layout: Layout
  readonly dtype: 'F32' | 'F64'
  /** Name of the field the scores came in, for pointers. */
  readonly field: string
  /** [numRows, numClasses] */
  readonly scores: number
  readonly targets: Targets
  readonly classWeights: Float64Array | undefined
}

export interface BatchFields extends TargetFields {
  readonly class_axis: -1 | 1
  readonly dtype: 'float32' | 'float64'
  readonly class_weights?: Tensor | undefined
}

export function elementTypeOf(dtype: 'float32' | 'float64'): 'F32' | 'F64' {
  return dtype === 'float32' ? 'F32' : 'F64'
}

export function prepareBatch(engine: Engine, field: string, scores: Tensor, fields: BatchFields): Batch {
  const { memory } = engine
  const dtype = elementTypeOf(fields.dtype)
  const layout = layoutOf(field, scores.shape, fields.class_axis)
  const classWeights = fields.class_weights && readClassWeights(memory, layout, fields.class_weights)
  const targets = buildTargets(memory, layout, dtype, fields)
  const rows = toRows(memory, layout, dtype, cast(scores, dtype, [field]).pointer)
  return { engine, layout, dtype, field, scores: rows, targets, classWeights }
}

export interface Evaluated {
  readonly reduction: Reduction
  /** The reduced loss. */
  readonly loss: number
  /** Weighted by sample, before reduction; 0 for an ignored row. */
  readonly losses: Float64Array
  /** [numRows, numClasses] after reduction, all 0 for an ignored row; 0 = not wanted. */
  readonly gradients: number
}

/** Evaluates one loss over a batch: ignoring and reduction happen around it, so that a loss sees only rows that count. */
export function evaluateBatch(
  batch: Batch,
  definition: Pick<LossDefinition, 'evaluate'>,
  params: Record<string, unknown>,
  reductionFields: ReductionFields,
  wantsGradients: boolean,
): Evaluated {
  const { engine, layout, dtype, targets, classWeights } = batch
  const { memory } = engine
  const { numRows, numClasses } = layout
  const rowBytes = numClasses * ELEMENT_BYTES[dtype]
  const reduction = planReduction(memory, layout, targets, classWeights, reductionFields)
  const losses = memory.allocate(numRows * ELEMENT_BYTES.F64)
  const gradients = wantsGradients ? memory.allocate(numRows * rowBytes) : 0
  const blockRows = Math.max(1, Math.floor(BLOCK_ELEMENTS / numClasses))

  for (let row = 0; row < numRows; ) {
    let end = row + 1
    const counts = targets.counted[row]!
    while (end < numRows && end - row < blockRows && targets.counted[end] === counts) end++
    if (counts) evaluateRows(row, end)
    else ignoreRows(row, end)
    row = end
  }

  if (gradients !== 0) clearWeightless()
  const result = memory.f64(losses, numRows).slice()
  weighLosses(result, reduction)
  return { reduction, loss: reduceLosses(result, reduction), losses: result, gradients }

  function evaluateRows(start: number, end: number): void {
    const faulty = definition.evaluate(
      {
        engine,
        dtype,
        numRows: end - start,
        numClasses,
        scores: batch.scores + start * rowBytes,
        targets: rowsFrom(targets.rows, start, numClasses, dtype),
        classWeights,
        gradientScale: reduction.gradientScale + start * ELEMENT_BYTES.F64,
        losses: losses + start * ELEMENT_BYTES.F64,
        gradients: gradients === 0 ? 0 : gradients + start * rowBytes,
      },
      params as never,
    )
    if (faulty !== -1) throw scoresNotFinite(batch, start + faulty)
  }

  /** The gradient of a row that weighs nothing is 0, not the -0 that 0 times a negative number is. */
  function clearWeightless(): void {
    memory.f64(reduction.gradientScale, numRows).forEach((scale, row) => {
      if (scale === 0) memory.u8(gradients + row * rowBytes, rowBytes).fill(0)
    })
  }

  function ignoreRows(start: number, end: number): void {
    memory.f64(losses, numRows).fill(0, start, end)
    if (gradients !== 0) memory.u8(gradients + start * rowBytes, (end - start) * rowBytes).fill(0)
  }
}

/** Names the first element of a row that no softmax can be made of. */
function scoresNotFinite({ engine, layout, dtype, field, scores }: Batch, row: number): Error {
  const { numClasses } = layout
  const values = viewOf(engine.memory, dtype, scores, (row + 1) * numClasses).subarray(row * numClasses)
  const at = values.findIndex((value) => Number.isNaN(value) || value === Number.POSITIVE_INFINITY)
  return at === -1
    ? refuseAt(
        'logits_not_finite',
        [field, ...wholeRowPath(layout, row)],
        'expected at least one class above -Infinity',
      )
    : refuseAt(
        'logits_not_finite',
        [field, ...elementPath(layout, row, at)],
        `expected a finite number or -Infinity, got ${values[at]}`,
      )
}
