import type { KernelMemory } from './kernels/memory.ts'
import { elementPath, type Layout, rowPath, toRows, wholeRowPath } from './layout.ts'
import { refuseAt } from './problems.ts'
import { ELEMENT_BYTES, isTensor, isTensorFault, type Tensor, valuesOf, viewOf } from './wire/tensor.ts'

/**
 * Smoothing, mixing and ignoring: they exist here and nowhere else. The target distribution of a row is
 *
 *   q = keep * t + mass * u        keep + mass = 1
 *
 * with t the mixed, unsmoothed target and u the uniform distribution or a prior. Smoothing commutes with mixing, since both are
 * affine and the rows of t sum to 1, so t is mixed first and q is built only where a loss or an answer needs it.
 */
export interface Smoothing {
  readonly keep: number
  readonly mass: number
  /** Value of q on a class that t gives nothing, and on one that t gives everything; without a prior only. */
  readonly offValue: number
  readonly onValue: number
  /** float64 [K] */
  readonly prior: Float64Array | undefined
}

interface Rows {
  readonly smoothing: Smoothing
}

/** Targets that were class indices: t has `entries` labels a row, 2 under mixup. */
export interface SparseRows extends Rows {
  readonly kind: 'sparse'
  /** int32 [rows, entries] */
  readonly labels: number
  /** float64 [rows, entries]; the share of each label in t; they sum to 1, and all of it is on the first where labels are equal. */
  readonly shares: number
  readonly entries: 1 | 2
}

/** Targets that were probabilities: t is a dense array. */
export interface DenseRows extends Rows {
  readonly kind: 'dense'
  /** [rows, numClasses] of the computation's element type. */
  readonly values: number
}

export type TargetRows = SparseRows | DenseRows

export interface Targets {
  readonly rows: TargetRows
  /** Which rows count: 1, or 0 for an ignored one. */
  readonly counted: Uint8Array
  /** Whether the client gave class indices and did not mix them: the route whose mean divides by class weights. */
  readonly isIndexRoute: boolean
}

export interface TargetFields {
  readonly targets: Tensor
  readonly label_smoothing: number
  readonly smoothing: 'uniform' | 'others'
  readonly prior?: Tensor | undefined
  readonly ignore_index?: number | Tensor | undefined
  readonly mixup?:
    | { readonly lam: number | Tensor; readonly pairing?: 'flip' | 'roll' | Tensor | undefined }
    | undefined
}

/** PyTorch's default, a value no class has. */
const DEFAULT_IGNORE_INDEX = -100
/** How far a row of probabilities may sum from 1. */
const SUM_TOLERANCE = 1e-3

/** Gives the targets of every row, or refuses them at the first fault. */
export function buildTargets(
  memory: KernelMemory,
  layout: Layout,
  dtype: 'F32' | 'F64',
  fields: TargetFields,
): Targets {
  const smoothing = smoothingOf(memory, fields, layout.numClasses)
  const mix = fields.mixup && mixOf(memory, layout, fields.mixup)
  const { targets } = fields
  if (sameShape(targets.shape, layout.rowsShape)) return sparseTargets(memory, layout, fields, smoothing, mix)
  if (!sameShape(targets.shape, layout.shape)) {
    throw refuseAt(
      'shape_mismatch',
      ['targets'],
      `expected class indices of shape [${layout.rowsShape.join(', ')}] or probabilities of shape [${layout.shape.join(', ')}], got shape [${targets.shape.join(', ')}]`,
    )
  }
  if (fields.ignore_index !== undefined) {
    throw refuseAt(
      'validation_failed',
      ['ignore_index'],
      'applies to class indices; these targets are probabilities, and no row of them can be listed',
    )
  }
  const values = toRows(memory, layout, dtype, cast(targets, dtype, ['targets']).pointer)
  checkDistributions(memory, layout, dtype, values)
  return {
    rows: { kind: 'dense', smoothing, values: mix ? mixDense(memory, layout, dtype, values, mix) : values },
    counted: new Uint8Array(layout.numRows).fill(1),
    isIndexRoute: false,
  }
}

/** Coefficients of the smoothing; refuses a prior that is no distribution and a convention that has no meaning. */
export function smoothingOf(
  memory: KernelMemory,
  fields: Omit<TargetFields, 'targets'>,
  numClasses: number,
): Smoothing {
  const s = fields.label_smoothing
  if (fields.prior !== undefined) {
    if (fields.smoothing === 'others') {
      throw refuseAt(
        'validation_failed',
        ['smoothing'],
        '"others" spreads over the other classes evenly; with a prior only "uniform" has a meaning',
      )
    }
    const prior = checkPrior(memory, fields.prior, numClasses)
    return { keep: 1 - s, mass: s, offValue: Number.NaN, onValue: Number.NaN, prior }
  }
  if (fields.smoothing === 'others') {
    if (numClasses === 1) throw refuseAt('validation_failed', ['smoothing'], '"others" needs at least 2 classes, got 1')
    const mass = (s * numClasses) / (numClasses - 1)
    return { keep: 1 - mass, mass, offValue: s / (numClasses - 1), onValue: 1 - s, prior: undefined }
  }
  return { keep: 1 - s, mass: s, offValue: s / numClasses, onValue: 1 - s + s / numClasses, prior: undefined }
}

function checkPrior(memory: KernelMemory, tensor: Tensor, numClasses: number): Float64Array {
  const prior = readVector(memory, tensor, ['prior'], [numClasses], 'a distribution over the classes,')
  let sum = 0
  for (const [k, value] of prior.entries()) {
    if (!(value >= 0 && value <= 1))
      throw refuseAt('validation_failed', ['prior', k], `expected a probability in [0, 1], got ${value}`)
    sum += value
  }
  if (Math.abs(sum - 1) > SUM_TOLERANCE)
    throw refuseAt('validation_failed', ['prior'], `expected probabilities that sum to 1, got the sum ${sum}`)
  return prior
}

/** A copy of a tensor of this shape as float64, outside kernel memory. */
export function readVector(
  memory: KernelMemory,
  tensor: Tensor,
  path: readonly string[],
  shape: readonly number[],
  meaning: string,
): Float64Array {
  if (!sameShape(tensor.shape, shape)) {
    throw refuseAt(
      'shape_mismatch',
      path,
      `expected ${meaning} of shape [${shape.join(', ')}], got shape [${tensor.shape.join(', ')}]`,
    )
  }
  return Float64Array.from(valuesOf(memory, cast(tensor, 'F64', path)))
}

/** The tensor in another element type; a number that does not fit it is refused at its place. */
export function cast(tensor: Tensor, dtype: 'F32' | 'F64', path: readonly string[]): Tensor {
  const result = tensor.as(dtype)
  if (isTensorFault(result)) throw refuseAt(result.fault, [...path, ...result.path], result.detail)
  return result
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis])
}

export interface Mix {
  /** Share of the entry itself, [numSamples]. */
  readonly lam: Float64Array
  /** Partner of each entry, [numSamples]. */
  readonly partner: Int32Array
}

const PAIRINGS = {
  flip: (i: number, n: number) => n - 1 - i,
  roll: (i: number, n: number) => (i + n - 1) % n,
}

/** Shares and partners of a mixup; refuses what is out of range. */
export function mixOf(
  memory: KernelMemory,
  layout: Layout,
  { lam, pairing = 'flip' }: NonNullable<TargetFields['mixup']>,
): Mix {
  const n = layout.numSamples
  return {
    lam: isTensor(lam) ? lamsOf(memory, lam, n) : new Float64Array(n).fill(lam),
    partner: isTensor(pairing)
      ? partnersOf(memory, pairing, n)
      : Int32Array.from({ length: n }, (_, i) => PAIRINGS[pairing](i, n)),
  }
}

function lamsOf(memory: KernelMemory, tensor: Tensor, n: number): Float64Array {
  const lams = readVector(memory, tensor, ['mixup', 'lam'], [n], 'one lam for each entry of the first axis,')
  for (const [i, lam] of lams.entries()) {
    if (!(lam >= 0 && lam <= 1))
      throw refuseAt('validation_failed', ['mixup', 'lam', i], `expected a number in [0, 1], got ${lam}`)
  }
  return lams
}

function partnersOf(memory: KernelMemory, tensor: Tensor, n: number): Int32Array {
  const partners = readVector(
    memory,
    tensor,
    ['mixup', 'pairing'],
    [n],
    'one partner for each entry of the first axis,',
  )
  for (const [i, partner] of partners.entries()) {
    if (!(Number.isInteger(partner) && partner >= 0 && partner < n)) {
      throw refuseAt(
        'validation_failed',
        ['mixup', 'pairing', i],
        `expected the index of an entry in [0, ${n - 1}], got ${partner}`,
      )
    }
  }
  return Int32Array.from(partners)
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
  for (const [row, value] of classes.entries()) {
    if (ignored.has(value)) continue
    if (!Number.isInteger(value)) {
      throw refuseAt(
        'validation_failed',
        ['targets', ...rowPath(layout, row)],
        `expected an integer class index, got ${value}`,
      )
    }
    if (value < 0 || value >= layout.numClasses) {
      const expected = `expected a class index in [0, ${layout.numClasses - 1}] or an ignored index`
      throw refuseAt('target_out_of_range', ['targets', ...rowPath(layout, row)], `${expected}, got ${value}`)
    }
    counted[row] = 1
  }
  return counted
}

function ignoredIndices(memory: KernelMemory, field: number | Tensor | undefined): ReadonlySet<number> {
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

function mixDense(memory: KernelMemory, layout: Layout, dtype: 'F32' | 'F64', values: number, mix: Mix): number {
  const { numSamples, rowsPerSample, numClasses } = layout
  const sampleSize = rowsPerSample * numClasses
  const mixed = memory.allocate(numSamples * sampleSize * ELEMENT_BYTES[dtype])
  const from = viewOf(memory, dtype, values, numSamples * sampleSize)
  const to = viewOf(memory, dtype, mixed, numSamples * sampleSize)
  for (let sample = 0; sample < numSamples; sample++) {
    const lam = mix.lam[sample]!
    const own = sample * sampleSize
    const partner = mix.partner[sample]! * sampleSize
    for (let i = 0; i < sampleSize; i++) to[own + i] = lam * from[own + i]! + (1 - lam) * from[partner + i]!
  }
  return mixed
}

/**
 * The targets each row's partner has, as targets of their own. An ignored partner has none to give: where a row counts beside one, the
 * partner has no weight, and the row's own label stands in its place.
 */
export function partnerTargets(
  memory: KernelMemory,
  layout: Layout,
  dtype: 'F32' | 'F64',
  { rows, counted, isIndexRoute }: Targets,
  mix: Mix,
): Targets {
  const { numSamples, rowsPerSample, numClasses } = layout
  const partnerCounted = new Uint8Array(layout.numRows)
  const permute = <A extends Float32Array | Float64Array | Int32Array | Uint8Array>(
    from: A,
    to: A,
    rowSize: number,
  ) => {
    const length = rowsPerSample * rowSize
    for (let sample = 0; sample < numSamples; sample++) {
      const start = mix.partner[sample]! * length
      to.set(from.subarray(start, start + length) as never, sample * length)
    }
  }
  permute(counted, partnerCounted, 1)
  if (rows.kind === 'sparse') {
    const labels = memory.allocate(layout.numRows * ELEMENT_BYTES.I32)
    const own = memory.i32(rows.labels, layout.numRows)
    const partners = memory.i32(labels, layout.numRows)
    permute(own, partners, 1)
    partnerCounted.forEach((counts, row) => {
      if (!counts) partners[row] = own[row]!
    })
    return { rows: { ...rows, labels }, counted, isIndexRoute }
  }
  const size = layout.numRows * numClasses
  const values = memory.allocate(size * ELEMENT_BYTES[dtype])
  permute(viewOf(memory, dtype, rows.values, size), viewOf(memory, dtype, values, size), numClasses)
  return { rows: { ...rows, values }, counted, isIndexRoute }
}

/** The rows `start` to the end of `rows`, as rows of their own. */
export function rowsFrom(rows: TargetRows, start: number, numClasses: number, dtype: 'F32' | 'F64'): TargetRows {
  return rows.kind === 'dense'
    ? { ...rows, values: rows.values + start * numClasses * ELEMENT_BYTES[dtype] }
    : {
        ...rows,
        labels: rows.labels + start * rows.entries * ELEMENT_BYTES.I32,
        shares: rows.shares + start * rows.entries * ELEMENT_BYTES.F64,
      }
}

/** Writes q, the smoothed targets of the first `numRows` rows, to `out` [numRows, numClasses]. */
export function writeSmoothed(
  memory: KernelMemory,
  dtype: 'F32' | 'F64',
  rows: TargetRows,
  numRows: number,
  numClasses: number,
  out: number,
): void {
  const { keep, mass, prior, onValue, offValue } = rows.smoothing
  const size = numRows * numClasses
  const q = viewOf(memory, dtype, out, size)
  if (rows.kind === 'dense') {
    const t = viewOf(memory, dtype, rows.values, size)
    if (mass === 0) q.set(t)
    else if (prior)
      for (let i = 0, k = 0; i < size; i++, k = k + 1 === numClasses ? 0 : k + 1) q[i] = keep * t[i]! + mass * prior[k]!
    else for (let i = 0; i < size; i++) q[i] = t[i]! * onValue + (1 - t[i]!) * offValue
    return
  }
  const labels = memory.i32(rows.labels, numRows * rows.entries)
  const shares = memory.f64(rows.shares, numRows * rows.entries)
  if (prior) for (let i = 0, k = 0; i < size; i++, k = k + 1 === numClasses ? 0 : k + 1) q[i] = mass * prior[k]!
  else q.fill(rows.smoothing.offValue)
  for (let entry = 0; entry < labels.length; entry++) {
    if (shares[entry] === 0) continue
    const row = Math.floor(entry / rows.entries)
    q[row * numClasses + labels[entry]!] = smoothedValue(rows.smoothing, labels[entry]!, shares[entry]!)
  }
}

/** q of a class that holds `share` of t, in the on/off form, which is exact where share is 0 or 1 and never rounds below 0. */
export function smoothedValue(
  { keep, mass, prior, onValue, offValue }: Smoothing,
  label: number,
  share: number,
): number {
  return prior ? keep * share + mass * prior[label]! : share * onValue + (1 - share) * offValue
}

/** The unsmoothed target t as (class, share) pairs, `stride` of them a row, whichever way it is stored. Valid until memory grows. */
export interface LabelShares {
  readonly stride: number
  classOf(pair: number): number
  shareOf(pair: number): number
}

export function labelShares(
  memory: KernelMemory,
  dtype: 'F32' | 'F64',
  rows: TargetRows,
  numRows: number,
  numClasses: number,
): LabelShares {
  if (rows.kind === 'dense') {
    const values = viewOf(memory, dtype, rows.values, numRows * numClasses)
    return { stride: numClasses, classOf: (pair) => pair % numClasses, shareOf: (pair) => values[pair]! }
  }
  const labels = memory.i32(rows.labels, numRows * rows.entries)
  const shares = memory.f64(rows.shares, numRows * rows.entries)
  return { stride: rows.entries, classOf: (pair) => labels[pair]!, shareOf: (pair) => shares[pair]! }
}
