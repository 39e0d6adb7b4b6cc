import type { KernelMemory } from './kernels/memory.ts'
import { elementPath, type Layout, rowPath, toRows, wholeRowPath } from './layout.ts'
import { type Mix, type MixupFields, mixDense, mixOf } from './mixup.ts'
import { cast, readVector, sameShape } from './operands.ts'
import { refuseAt } from './problems.ts'
import { type Smoothing, type SmoothingFields, SUM_TOLERANCE, smoothingOf, thresholdOf } from './smoothing.ts'
import type { Targets } from './target-rows.ts'
import { ELEMENT_BYTES, isTensor, type Tensor, viewOf } from './wire/tensor.ts'

export interface TargetFields extends SmoothingFields {
  readonly targets: Tensor
  readonly ignore_index?: number | Tensor | undefined
  readonly mixup?: MixupFields | undefined
  /** A parameter of a loss: smoothed and mixed labels above it become 1, the others 0. */
  readonly target_threshold?: number | undefined
}

/** PyTorch's default, a value no class has. */
const DEFAULT_IGNORE_INDEX = -100

/** What targets of the rank of the scores are, where a loss takes such. */
export type DenseForm = 'probabilities' | 'labels'

/** Gives the targets of every row, or refuses them at the first fault. */
export function buildTargets(
  memory: KernelMemory,
  layout: Layout,
  dtype: 'F32' | 'F64',
  fields: TargetFields,
  denseForm: DenseForm | undefined,
): Targets {
  const { target_threshold: threshold } = fields
  const unbent = smoothingOf(memory, fields, layout.numClasses)
  const smoothing = threshold === undefined ? unbent : { ...unbent, binarize: thresholdOf(dtype, threshold) }
  const mix = fields.mixup && mixOf(memory, layout, fields.mixup)
  const { targets } = fields
  if (sameShape(targets.shape, layout.rowsShape)) return sparseTargets(memory, layout, fields, smoothing, mix)
  if (denseForm === undefined || !sameShape(targets.shape, layout.shape)) {
    const dense = denseForm === undefined ? '' : ` or ${denseForm} of shape [${layout.shape.join(', ')}]`
    throw refuseAt(
      'shape_mismatch',
      ['targets'],
      `expected class indices of shape [${layout.rowsShape.join(', ')}]${dense}, got shape [${targets.shape.join(', ')}]`,
    )
  }
  if (fields.ignore_index !== undefined) {
    throw refuseAt(
      'validation_failed',
      ['ignore_index'],
      `applies to class indices; these targets are ${denseForm}, and no row of them can be listed`,
    )
  }
  const values = toRows(memory, layout, dtype, cast(targets, dtype, ['targets']).pointer)
  if (denseForm === 'labels') checkLabels(memory, layout, dtype, values)
  else checkDistributions(memory, layout, dtype, values)
  return {
    rows: { kind: 'dense', smoothing, values: mix ? mixDense(memory, layout, dtype, values, mix) : values },
    counted: new Uint8Array(layout.numRows).fill(1),
    isIndexRoute: false,
  }
}

function sparseTargets(
  memory: KernelMemory,
  layout: Layout,
  fields: TargetFields,
  smoothing: Smoothing,
  mix: Mix | undefined,
): Targets {
  const { numRows, rowsPerSample } = layout
  const indices = cast(fields.targets, 'F64', ['targets'])
  const ignored = ignoredIndices(memory, fields.ignore_index)
  const entries = mix ? 2 : 1
  const labels = memory.allocate(numRows * entries * ELEMENT_BYTES.I32)
  const shares = memory.allocate(numRows * entries * ELEMENT_BYTES.F64)
  const classes = memory.f64(indices.pointer, numRows)
  const own = countedRows(layout, classes, ignored)
  const labelView = memory.i32(labels, numRows * entries)
  const shareView = memory.f64(shares, numRows * entries)
  if (!mix) {
    for (let row = 0; row < numRows; row++) labelView[row] = own[row] ? classes[row]! : 0
    shareView.fill(1)
    return { rows: { kind: 'sparse', smoothing, labels, shares, entries }, counted: own, isIndexRoute: true }
  }
  const counted = new Uint8Array(numRows)
  for (let row = 0; row < numRows; row++) {
    const sample = Math.floor(row / rowsPerSample)
    const partner = mix.partner[sample]! * rowsPerSample + (row % rowsPerSample)
    const lam = mix.lam[sample]!
    counted[row] = own[row] && (lam === 1 || own[partner]) ? 1 : 0
    // A row that is left out has a label too, of no meaning: memory holds what the last request left there.
    const label = counted[row] ? classes[row]! : 0
    const partnerLabel = counted[row] && lam < 1 ? classes[partner]! : label
    labelView.set([label, partnerLabel], row * 2)
    shareView.set(label === partnerLabel ? [1, 0] : [lam, 1 - lam], row * 2)
  }
  return { rows: { kind: 'sparse', smoothing, labels, shares, entries }, counted, isIndexRoute: false }
}

/** 1 for each row whose class counts, 0 for an ignored one; refuses the first value that is neither. */
function countedRows(layout: Layout, classes: Float64Array, ignored: ReadonlySet<number>): Uint8Array {
  const counted = new Uint8Array(layout.numRows)
  const { numRows, numClasses } = layout
  const listsClass = [...ignored].some((index) => index >= 0 && index < numClasses)
  // By index: an iterator of pairs takes a good part of what the loss of a row takes.
  for (let row = 0; row < numRows; row++) {
    const value = classes[row]!
    // Most indices are classes, and none of them need be looked up.
    if (!listsClass && value >= 0 && value < numClasses && Number.isInteger(value)) {
      counted[row] = 1
      continue
    }
    if (ignored.has(value)) continue
    if (!Number.isInteger(value)) {
      throw refuseAt(
        'validation_failed',
        ['targets', ...rowPath(layout, row)],
        `expected an integer class index, got ${value}`,
      )
    }
    if (value < 0 || value >= numClasses) {
      const expected = `expected a class index in [0, ${numClasses - 1}] or an ignored index`
      throw refuseAt('target_out_of_range', ['targets', ...rowPath(layout, row)], `${expected}, got ${value}`)
    }
    counted[row] = 1
  }
  return counted
}

/** The class indices whose rows are left out; refuses what is no integer. */
export function ignoredIndices(memory: KernelMemory, field: number | Tensor | undefined): ReadonlySet<number> {
  if (field === undefined) return new Set([DEFAULT_IGNORE_INDEX])
  if (!isTensor(field)) return new Set([field])
  const listed = readVector(memory, field, ['ignore_index'], field.shape.slice(0, 1), 'integers,')
  for (const [i, index] of listed.entries()) {
    if (!Number.isInteger(index))
      throw refuseAt('validation_failed', ['ignore_index', i], `expected an integer, got ${index}`)
  }
  return new Set(listed)
}

/** Refuses the first row that is no probability distribution. */
function checkDistributions(memory: KernelMemory, layout: Layout, dtype: 'F32' | 'F64', pointer: number): void {
  const { numRows, numClasses } = layout
  const values = viewOf(memory, dtype, pointer, numRows * numClasses)
  for (let row = 0; row < numRows; row++) {
    let sum = 0
    for (let k = 0, i = row * numClasses; k < numClasses; k++, i++) {
      const value = values[i]!
      if (!(value >= 0 && value <= 1)) {
        throw refuseAt(
          'targets_not_a_distribution',
          ['targets', ...elementPath(layout, row, k)],
          `expected a probability in [0, 1], got ${value}`,
        )
      }
      sum += value
    }
    if (Math.abs(sum - 1) > SUM_TOLERANCE) {
      throw refuseAt(
        'targets_not_a_distribution',
        ['targets', ...wholeRowPath(layout, row)],
        `expected probabilities that sum to 1 within ${SUM_TOLERANCE}, got the sum ${sum}`,
      )
    }
  }
}

/** Refuses the first label outside of [0, 1]. */
function checkLabels(memory: KernelMemory, layout: Layout, dtype: 'F32' | 'F64', pointer: number): void {
  const { numRows, numClasses } = layout
  const at = viewOf(memory, dtype, pointer, numRows * numClasses).findIndex((value) => !(value >= 0 && value <= 1))
  if (at === -1) return
  const value = viewOf(memory, dtype, pointer, at + 1)[at]
  const path = elementPath(layout, Math.floor(at / numClasses), at % numClasses)
  throw refuseAt('validation_failed', ['targets', ...path], `expected a label in [0, 1], got ${value}`)
}
