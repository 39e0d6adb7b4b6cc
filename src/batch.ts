import type { Engine } from './kernels/engine.ts'
import { type Layout, layoutOf, toRows } from './layout.ts'
import type { Block, LossDefinition } from './losses/definition.ts'
import { cast, readClassWeights, readOperands } from './operands.ts'
import { planReduction, type Reduction, type ReductionFields, reduceLosses, weighLosses } from './reduction.ts'
import { scoresNotFinite } from './row-fault.ts'
import { gather, type RowGroups, rowGroupsOf, scatter, shareTargets } from './row-groups.ts'
import { movedDense, rowsFrom, type TargetRows, type Targets } from './target-rows.ts'
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
  /** Rows the loss sees together; undefined: each alone. */
  readonly groups: RowGroups | undefined
}

export interface BatchFields {
  readonly class_axis: -1 | 1
  readonly dtype: 'float32' | 'float64'
  readonly class_weights?: Tensor | undefined
}

export function elementTypeOf(dtype: 'float32' | 'float64'): 'F32' | 'F64' {
  return dtype === 'float32' ? 'F32' : 'F64'
}

/** @param fields a request of this loss that its schema has passed */
export function prepareBatch(
  engine: Engine,
  { family, targets: kind, rowsTogether }: Pick<LossDefinition, 'family' | 'targets' | 'rowsTogether'>,
  fields: BatchFields & Readonly<Record<string, unknown>>,
): Batch {
  const { memory } = engine
  const { field } = family
  const scores = fields[field] as Tensor
  const dtype = elementTypeOf(fields.dtype)
  const layout = layoutOf(field, scores.shape, fields.class_axis)
  const classWeights =
    fields.class_weights && readClassWeights(memory, layout.numClasses, 'class_weights', fields.class_weights)
  const own = kind.build(engine, layout, dtype, fields)
  const size = rowsTogether?.(fields as never) ?? 1
  const groups = size === 1 ? undefined : rowGroupsOf(field, layout, size)
  const targets = groups ? shareTargets(memory, dtype, layout.numClasses, own, groups) : own
  const rows = toRows(memory, layout, dtype, cast(scores, dtype, [field]).pointer)
  return { engine, layout, dtype, field, scores: rows, targets, classWeights, groups }
}

export interface Evaluated {
  readonly reduction: Reduction
  /** The loss's parameters as the maths takes them. */
  readonly params: Readonly<Record<string, unknown>>
  /** The reduced loss. */
  readonly loss: number
  /** Weighted by sample, before reduction; 0 for an ignored row. */
  readonly losses: Float64Array
  /** [numRows, numClasses] after reduction, all 0 for an ignored row; 0 = not wanted. */
  readonly gradients: number
}

/**
 * Evaluates one loss over a batch: ignoring and reduction happen around it, so that a loss sees only rows that count.
 *
 * @param request what the schema made of the request: the loss's parameters and those of the reduction
 */
export function evaluateBatch(
  batch: Batch,
  definition: Pick<LossDefinition, 'evaluate' | 'params' | 'denominator'>,
  request: ReductionFields & Readonly<Record<string, unknown>>,
  wantsGradients: boolean,
): Evaluated {
  const { engine, layout, dtype, groups } = batch
  const { memory } = engine
  const params = readOperands(memory, layout.numClasses, definition.params, request)
  const denominator = definition.denominator?.(params as never)
  const reduction = planReduction(memory, layout, batch.targets, batch.classWeights, request, denominator)
  const losses = memory.allocate(layout.numRows * ELEMENT_BYTES.F64)
  const gradients = wantsGradients ? memory.allocate(layout.numRows * layout.numClasses * ELEMENT_BYTES[dtype]) : 0
  // Field by field: spreading objects takes longer than the maths of a small batch.
  const rows: Rows = {
    engine,
    layout,
    dtype,
    field: batch.field,
    scores: batch.scores,
    classWeights: batch.classWeights,
    targets: batch.targets.rows,
    counted: batch.targets.counted,
    gradientScale: reduction.gradientScale,
    unweighted: reduction.unweighted,
    losses,
    gradients,
  }
  const evaluate = (block: Block) => definition.evaluate(block, params as never)
  const ordered = groups ? gathered(rows, groups) : rows
  evaluateRows(ordered, groups?.size ?? 1, evaluate)

  const inOrder = <D extends 'F32' | 'F64'>(type: D, pointer: number, width: number) =>
    groups && pointer !== 0 ? scatter(memory, groups, type, pointer, width) : pointer
  const result = memory.f64(inOrder('F64', ordered.losses, 1), layout.numRows).slice()
  weighLosses(result, reduction)
  return {
    reduction,
    params,
    loss: reduceLosses(result, reduction),
    losses: result,
    gradients: inOrder(dtype, ordered.gradients, layout.numClasses),
  }
}

/** Everything there is one of for each row, in the order in which a loss sees rows. */
interface Rows extends Pick<Batch, 'engine' | 'layout' | 'dtype' | 'field' | 'scores' | 'classWeights'> {
  readonly targets: TargetRows
  readonly counted: Uint8Array
  readonly gradientScale: number
  readonly unweighted: number
  readonly losses: number
  readonly gradients: number
}

function gathered(rows: Rows, groups: RowGroups): Rows {
  const { engine, dtype, layout, targets } = rows
  const order = (type: 'F32' | 'F64' | 'I32', pointer: number, width: number) =>
    gather(engine.memory, groups, type, pointer, width)
  return {
    ...rows,
    scores: order(dtype, rows.scores, layout.numClasses),
    gradientScale: order('F64', rows.gradientScale, 1),
    // Every row of a group counts, or none does.
    counted: rows.counted.map((_, row) => rows.counted[Math.floor(row / groups.size)]!),
    targets:
      targets.kind === 'dense'
        ? movedDense(targets, (pointer) => order(dtype, pointer, layout.numClasses))
        : {
            ...targets,
            labels: order('I32', targets.labels, targets.entries),
            shares: order('F64', targets.shares, targets.entries),
          },
  }
}

/** What the maths of a loss makes of a block: the first row whose scores it does not take, or -1. */
type Evaluate = (block: Block) => number

/** Blocks of rows that count go to the loss, the others are 0; a group is never cut. */
function evaluateRows(rows: Rows, groupSize: number, evaluate: Evaluate): void {
  const { layout, gradients, counted } = rows
  const { numRows, numClasses } = layout
  const blockRows = groupSize * Math.max(1, Math.floor(BLOCK_ELEMENTS / numClasses / groupSize))
  for (let row = 0; row < numRows; ) {
    let end = row + 1
    const counts = counted[row]!
    while (end < numRows && end - row < blockRows && counted[end] === counts) end++
    if (counts) evaluateBlock(rows, groupSize, evaluate, row, end)
    else ignoreRows(rows, row, end)
    row = end
  }
  if (gradients !== 0) clearWeightless(rows, groupSize)
}

/** Rows [start, end). Throws `logits_not_finite` with the client's row where the loss takes no such scores. */
function evaluateBlock(rows: Rows, groupSize: number, evaluate: Evaluate, start: number, end: number): void {
  const { engine, layout, dtype, gradients } = rows
  const { numRows, numClasses } = layout
  const rowBytes = numClasses * ELEMENT_BYTES[dtype]
  const faulty = evaluate({
    engine,
    dtype,
    numRows: end - start,
    numClasses,
    scores: rows.scores + start * rowBytes,
    targets: rowsFrom(rows.targets, start, numClasses, dtype),
    classWeights: rows.classWeights,
    gradientScale: rows.gradientScale + start * ELEMENT_BYTES.F64,
    unweighted: rows.unweighted,
    losses: rows.losses + start * ELEMENT_BYTES.F64,
    gradients: gradients === 0 ? 0 : gradients + start * rowBytes,
  })
  if (faulty === -1) return
  const row = start + faulty
  const clientsRow = Math.floor(row / groupSize) + (row % groupSize) * (numRows / groupSize)
  const scores = viewOf(engine.memory, dtype, rows.scores + row * rowBytes, numClasses)
  throw scoresNotFinite(rows.field, layout, clientsRow, scores)
}

/** The gradient of what weighs nothing is 0, not the -0 that 0 times a negative number is. */
function clearWeightless({ engine, layout, dtype, gradientScale, gradients }: Rows, groupSize: number): void {
  const { memory } = engine
  const { numRows, numClasses } = layout
  const rowBytes = numClasses * ELEMENT_BYTES[dtype]
  const scales = memory.f64(gradientScale, numRows)
  for (let row = 0; row < numRows; row += groupSize) {
    let weight = 0
    for (let i = row; i < row + groupSize; i++) weight += scales[i]!
    if (weight === 0) memory.u8(gradients + row * rowBytes, groupSize * rowBytes).fill(0)
  }
}

/** Rows [start, end). */
function ignoreRows({ engine, layout, dtype, losses, gradients }: Rows, start: number, end: number): void {
  const { memory } = engine
  const rowBytes = layout.numClasses * ELEMENT_BYTES[dtype]
  memory.f64(losses, layout.numRows).fill(0, start, end)
  if (gradients !== 0) memory.u8(gradients + start * rowBytes, (end - start) * rowBytes).fill(0)
}
