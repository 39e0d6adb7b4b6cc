import type { KernelMemory } from './kernels/memory.ts'
import { type Smoothing, smoothedValue } from './smoothing.ts'
import { ELEMENT_BYTES, viewOf } from './wire/tensor.ts'

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
  /** [rows, numClasses] of it: log of `values`, where that is known; finite where a value has vanished. */
  readonly logs?: number
}

export type TargetRows = SparseRows | DenseRows

export interface Targets {
  readonly rows: TargetRows
  /** Which rows count: 1, or 0 for an ignored one. */
  readonly counted: Uint8Array
  /** Whether the client gave class indices and did not mix them: the route whose mean divides by class weights. */
  readonly isIndexRoute: boolean
}

/** The rows `start` to the end of `rows`, as rows of their own. */
export function rowsFrom(rows: TargetRows, start: number, numClasses: number, dtype: 'F32' | 'F64'): TargetRows {
  if (start === 0) return rows
  return rows.kind === 'dense'
    ? movedDense(rows, (pointer) => pointer + start * numClasses * ELEMENT_BYTES[dtype])
    : {
        ...rows,
        labels: rows.labels + start * rows.entries * ELEMENT_BYTES.I32,
        shares: rows.shares + start * rows.entries * ELEMENT_BYTES.F64,
      }
}

/** The same targets with each of their arrays [rows, numClasses] somewhere else. */
export function movedDense(rows: DenseRows, move: (pointer: number) => number): DenseRows {
  const moved = { ...rows, values: move(rows.values) }
  return rows.logs === undefined ? moved : { ...moved, logs: move(rows.logs) }
}

/**
 * Writes q, the smoothed targets of the first `numRows` rows.
 *
 * @param dtype element type of dense rows
 * @param out   [numRows, numClasses] of `outType`
 */
export function writeSmoothed(
  memory: KernelMemory,
  dtype: 'F32' | 'F64',
  rows: TargetRows,
  numRows: number,
  numClasses: number,
  out: number,
  outType = dtype,
): void {
  const { keep, mass, prior, onValue, offValue, binarize } = rows.smoothing
  const size = numRows * numClasses
  const q = viewOf(memory, outType, out, size)
  if (rows.kind === 'dense') {
    const t = viewOf(memory, dtype, rows.values, size)
    if (mass === 0) q.set(t)
    else if (prior)
      for (let i = 0, k = 0; i < size; i++, k = k + 1 === numClasses ? 0 : k + 1) q[i] = keep * t[i]! + mass * prior[k]!
    else for (let i = 0; i < size; i++) q[i] = t[i]! * onValue + (1 - t[i]!) * offValue
    if (binarize) for (let i = 0; i < size; i++) q[i] = binarize(q[i]!)
    return
  }
  const labels = memory.i32(rows.labels, numRows * rows.entries)
  const shares = memory.f64(rows.shares, numRows * rows.entries)
  if (prior)
    for (let i = 0, k = 0; i < size; i++, k = k + 1 === numClasses ? 0 : k + 1)
      q[i] = smoothedValue(rows.smoothing, k, 0)
  else q.fill(smoothedValue(rows.smoothing, 0, 0))
  for (let entry = 0; entry < labels.length; entry++) {
    if (shares[entry] === 0) continue
    const row = Math.floor(entry / rows.entries)
    q[row * numClasses + labels[entry]!] = smoothedValue(rows.smoothing, labels[entry]!, shares[entry]!)
  }
}

/** How many rows of [numRows, numClasses] are worked on at a time: those that `elements` have room for, at least one. */
export function stripRowsOf(numRows: number, numClasses: number, elements: number): number {
  return Math.min(numRows, Math.max(1, Math.floor(elements / numClasses)))
}

/**
 * Writes q of one strip of rows after the other to the same place: `strip(first, count)` those from `first` on. Of class indices only the labels
 * change between strips, and filling a float64 array with a number takes as long as an exponential of each would.
 *
 * @param numRows   of all strips
 * @param stripRows most rows of a strip
 * @param out       [stripRows, numClasses] of `outType`, which nobody else writes. Memory must not grow between strips.
 */
export function smoothedStrips(
  memory: KernelMemory,
  dtype: 'F32' | 'F64',
  rows: TargetRows,
  numRows: number,
  stripRows: number,
  numClasses: number,
  out: number,
  outType: 'F32' | 'F64' = 'F64',
): (first: number, count: number) => void {
  if (rows.kind === 'dense')
    return (first, count) =>
      writeSmoothed(memory, dtype, rowsFrom(rows, first, numClasses, dtype), count, numClasses, out, outType)
  const { smoothing, entries } = rows
  const q = viewOf(memory, outType, out, stripRows * numClasses)
  if (smoothing.prior) for (let k = 0; k < numClasses; k++) q[k] = smoothedValue(smoothing, k, 0)
  else q.fill(smoothedValue(smoothing, 0, 0), 0, numClasses)
  for (let n = 1; n < stripRows; n++) q.copyWithin(n * numClasses, 0, numClasses)
  const labels = memory.i32(rows.labels, numRows * entries)
  const shares = memory.f64(rows.shares, numRows * entries)
  const written = new Int32Array(stripRows * entries)
  let size = 0
  return (first, count) => {
    for (let i = 0; i < size; i++) q[written[i]!] = smoothedValue(smoothing, written[i]! % numClasses, 0)
    size = count * entries
    for (let i = 0, entry = first * entries; i < size; i++, entry++) {
      const at = Math.floor(i / entries) * numClasses + labels[entry]!
      written[i] = at
      if (shares[entry] !== 0) q[at] = smoothedValue(smoothing, labels[entry]!, shares[entry]!)
    }
  }
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
