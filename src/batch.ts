import type { Engine } from './kernels/engine.ts'
import { type Layout, layoutOf, toRows } from './layout.ts'
import type { Block, LossDefinition } from './losses/definition.ts'
import { cast, readClassWeights, readOperands } from './operands.ts'
import { planReduction, type Reduction, type ReductionFields, reduceLosses, weighLosses } from './reduction.ts'
import { scoresNotFinite } from './row-fault.ts'
import { gather, type RowGroups, rowGroupsOf, scatter, shareTargets } from './row-groups.ts'
import { RowsIn, RowsOut } from './streamed-rows.ts'
import { movedDense, rowsFrom, type TargetRows, type Targets } from './target-rows.ts'
import { MIN_OUTSIDE_BYTES } from './wire/outside.ts'
import { ELEMENT_BYTES, type Tensor, viewOf } from './wire/tensor.ts'

/** Rows are evaluated this many elements at a time, so that what a loss keeps beside them stays in the processor's cache. */
const BLOCK_ELEMENTS = 32_768

/** A batch whose shapes, weights and targets have been found to fit together. */
export interface Batch {
  readonly engine: Engine
  readonly layout: Layout
  readonly dtype: 'F32' | 'F64'
  /** Name of the field the scores came in, for pointers. */
  readonly field: string
  /** Pointer to [numRows, numClasses]. Where there is a `scoresOutside`, reading it, or spreading the batch, copies all of them to kernel memory. */
  readonly scores: number
  /** The same elements outside of it, where a loss can take them from there block by block. */
  readonly scoresOutside: Uint8Array | undefined
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
  const typed = cast(scores, dtype, [field])
  const scoresOutside = mayStream(layout, groups) ? typed.outside : undefined
  if (scoresOutside === undefined) {
    const rows = toRows(memory, layout, dtype, typed.pointer)
    return { engine, layout, dtype, field, scores: rows, scoresOutside, targets, classWeights, groups }
  }
  return {
    engine,
    layout,
    dtype,
    field,
    get scores() {
      return typed.pointer
    },
    scoresOutside,
    targets,
    classWeights,
    groups,
  }
}

/** A block of another layout, or of rows that belong together, is no one piece of the client's tensor. */
function mayStream(layout: Layout, groups: RowGroups | undefined): boolean {
  return layout.inner === 1 && groups === undefined
}

export interface Evaluated {
  readonly reduction: Reduction
  /** The loss's parameters as the maths takes them. */
  readonly params: Readonly<Record<string, unknown>>
  /** The reduced loss. */
  readonly loss: number
  /** Weighted by sample, before reduction; 0 for an ignored row. */
  readonly losses: Float64Array
  /** [numRows, numClasses] after reduction, all 0 for an ignored row; 0 = not wanted, or outside. */
  readonly gradients: number
  /** The same in place of `gradients`, where rows lie as in the client's tensor. */
  readonly gradientsOutside: Uint8Array | undefined
}

/**
 * Evaluates one loss over a batch: ignoring and reduction happen around it, so that a loss sees only rows that count.
 *
 * @param request what the schema made of the request: the loss's parameters and those of the reduction
 * @param roomOutside room outside of kernel memory for gradients of so many bytes; undefined where they cannot be there
 */
export function evaluateBatch(
  batch: Batch,
  definition: Pick<LossDefinition, 'evaluate' | 'params' | 'denominator'>,
  request: ReductionFields & Readonly<Record<string, unknown>>,
  wantsGradients: boolean,
  roomOutside?: (bytes: number) => Uint8Array | undefined,
): Evaluated {
  const { engine, layout, dtype, groups, scoresOutside } = batch
  const { memory } = engine
  const params = readOperands(memory, layout.numClasses, definition.params, request)
  const denominator = definition.denominator?.(params as never)
  const reduction = planReduction(memory, layout, batch.targets, batch.classWeights, request, denominator)
  const losses = memory.allocate(layout.numRows * ELEMENT_BYTES.F64)
  const rowBytes = layout.numClasses * ELEMENT_BYTES[dtype]
  const bytes = layout.numRows * rowBytes
  const mayLeave = wantsGradients && bytes >= MIN_OUTSIDE_BYTES && mayStream(layout, groups)
  const gradientsOutside = mayLeave ? roomOutside?.(bytes) : undefined
  const gradients = wantsGradients && !gradientsOutside ? memory.allocate(bytes) : 0
  const blockRows = Math.min(layout.numRows, blockRowsOf(layout, 1))
  // Field by field: spreading objects takes longer than the maths of a small batch.
  const rows: Rows = {
    engine,
    layout,
    dtype,
    field: batch.field,
    scores: scoresOutside ? 0 : batch.scores,
    scoresIn: scoresOutside && new RowsIn(memory, scoresOutside, rowBytes, blockRows),
    classWeights: batch.classWeights,
    targets: batch.targets.rows,
    counted: batch.targets.counted,
    gradientScale: reduction.gradientScale,
    unweighted: reduction.unweighted,
    losses,
    gradients,
    gradientsOut: gradientsOutside && new RowsOut(memory, gradientsOutside, rowBytes, blockRows),
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
    gradientsOutside,
  }
}

/** Everything there is one of for each row, in the order in which a loss sees rows. */
interface Rows extends Pick<Batch, 'engine' | 'layout' | 'dtype' | 'field' | 'scores' | 'classWeights'> {
  /** In place of `scores`. */
  readonly scoresIn: RowsIn | undefined
  readonly targets: TargetRows
  readonly counted: Uint8Array
  readonly gradientScale: number
  readonly unweighted: number
  readonly losses: number
  readonly gradients: number
  /** In place of `gradients`. */
  readonly gradientsOut: RowsOut | undefined
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
  const { layout, gradients, gradientsOut, counted } = rows
  const { numRows } = layout
  const blockRows = blockRowsOf(layout, groupSize)
  for (let row = 0; row < numRows; ) {
    let end = row + 1
    const counts = counted[row]!
    while (end < numRows && end - row < blockRows && counted[end] === counts) end++
    if (counts) evaluateBlock(rows, groupSize, evaluate, row, end)
    else ignoreRows(rows, row, end)
    row = end
  }
  if (gradients !== 0 || gradientsOut) clearWeightless(rows, groupSize)
}

function blockRowsOf({ numClasses }: Layout, groupSize: number): number {
  return groupSize * Math.max(1, Math.floor(BLOCK_ELEMENTS / numClasses / groupSize))
}

/** Rows [start, end). Throws `logits_not_finite` with the client's row where the loss takes no such scores. */
function evaluateBlock(rows: Rows, groupSize: number, evaluate: Evaluate, start: number, end: number): void {
  const { engine, layout, dtype, scoresIn, gradientsOut } = rows
  const { numRows, numClasses } = layout
  const rowBytes = numClasses * ELEMENT_BYTES[dtype]
  const scores = scoresIn ? scoresIn.load(start, end) : rows.scores + start * rowBytes
  const gradients = gradientsOut ? gradientsOut.window : rows.gradients && rows.gradients + start * rowBytes
  const faulty = evaluate({
    engine,
    dtype,
    numRows: end - start,
    numClasses,
    scores,
    targets: rowsFrom(rows.targets, start, numClasses, dtype),
    classWeights: rows.classWeights,
    gradientScale: rows.gradientScale + start * ELEMENT_BYTES.F64,
    unweighted: rows.unweighted,
    losses: rows.losses + start * ELEMENT_BYTES.F64,
    gradients,
  })
  if (faulty === -1) {
    gradientsOut?.save(start, end)
    return
  }
  const row = start + faulty
  const clientsRow = Math.floor(row / groupSize) + (row % groupSize) * (numRows / groupSize)
  const values = viewOf(engine.memory, dtype, scores + faulty * rowBytes, numClasses)
  throw scoresNotFinite(rows.field, layout, clientsRow, values)
}

/** The gradient of what weighs nothing is 0, not the -0 that 0 times a negative number is. */
function clearWeightless(rows: Rows, groupSize: number): void {
  const { engine, layout, gradientScale } = rows
  const { memory } = engine
  const { numRows } = layout
  const scales = memory.f64(gradientScale, numRows)
  for (let row = 0; row < numRows; row += groupSize) {
    let weight = 0
    for (let i = row; i < row + groupSize; i++) weight += scales[i]!
    if (weight === 0) clearGradients(rows, row, row + groupSize)
  }
}

/** Rows [start, end). */
function ignoreRows(rows: Rows, start: number, end: number): void {
  rows.engine.memory.f64(rows.losses, rows.layout.numRows).fill(0, start, end)
  clearGradients(rows, start, end)
}

/** Rows [start, end). */
function clearGradients({ engine, layout, dtype, gradients, gradientsOut }: Rows, start: number, end: number): void {
  const rowBytes = layout.numClasses * ELEMENT_BYTES[dtype]
  if (gradientsOut) gradientsOut.clear(start, end)
  else if (gradients !== 0) engine.memory.u8(gradients + start * rowBytes, (end - start) * rowBytes).fill(0)
}
