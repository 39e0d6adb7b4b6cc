import type { KernelMemory } from './kernels/memory.ts'
import { refuseAt } from './problems.ts'
import { ELEMENT_BYTES, type ElementType, sizeOf, viewOf } from './wire/tensor.ts'

/**
 * How a tensor of scores is seen as rows of classes. A row is one position: an entry of [N, K], a token of [B, T, K], a pixel of
 * [N, K, d1, d2]. Kernels see rows only, [numRows, numClasses]; answers keep the client's shape.
 */
export interface Layout {
  /** Shape of the scores as the client wrote them. */
  readonly shape: readonly number[]
  /** The same without the class axis: the shape of index targets, of `losses`, of `sample_weights`. */
  readonly rowsShape: readonly number[]
  readonly numRows: number
  readonly numClasses: number
  /** The axis of `shape` that the classes are on. */
  readonly classAxis: number
  /** Positions behind the class axis: 1 where the classes are last. */
  readonly inner: number
  /** Length of the first axis, along which mixup pairs. */
  readonly numSamples: number
  /** Rows of one entry of the first axis. */
  readonly rowsPerSample: number
}

/** Refuses (`shape_mismatch`) scores of rank below 2, without rows or without classes. */
export function layoutOf(field: string, shape: readonly number[], classAxis: -1 | 1): Layout {
  const shown = `[${shape.join(', ')}]`
  if (shape.length < 2)
    throw refuseAt('shape_mismatch', [field], `expected at least 2 dimensions [N, K], got shape ${shown}`)
  if (sizeOf(shape) === 0)
    throw refuseAt('shape_mismatch', [field], `expected at least one row and one class, got shape ${shown}`)
  const axis = classAxis === -1 ? shape.length - 1 : 1
  return layoutAround(shape.toSpliced(axis, 1), shape[axis]!, axis)
}

/** The layout of scores that are not there: rows of this shape, each of `numClasses` classes on the axis `axis`. */
export function layoutAround(rowsShape: readonly number[], numClasses: number, axis: number): Layout {
  const numRows = sizeOf(rowsShape)
  const numSamples = rowsShape[0]!
  return {
    shape: rowsShape.toSpliced(axis, 0, numClasses),
    rowsShape,
    numRows,
    numClasses,
    classAxis: axis,
    inner: sizeOf(rowsShape.slice(axis)),
    numSamples,
    rowsPerSample: numRows / numSamples,
  }
}

/** Indices of a row in `rowsShape`: its place in index targets and weights. */
export function rowPath(layout: Layout, row: number): number[] {
  const path: number[] = []
  let rest = row
  for (let axis = layout.rowsShape.length - 1; axis >= 0; axis--) {
    const length = layout.rowsShape[axis]!
    path.unshift(rest % length)
    rest = Math.floor(rest / length)
  }
  return path
}

/** Indices of one class of a row in the client's tensor. */
export function elementPath(layout: Layout, row: number, classIndex: number): number[] {
  return rowPath(layout, row).toSpliced(layout.classAxis, 0, classIndex)
}

/** Where a row stands in the client's tensor: an array of it or, where its classes lie in as many arrays, the first of them. */
export function wholeRowPath(layout: Layout, row: number): number[] {
  return layout.classAxis === layout.rowsShape.length ? rowPath(layout, row) : elementPath(layout, row, 0)
}

/** Pointer to [numRows, numClasses]: the tensor itself where its classes are last, else a copy with them last. */
export function toRows(memory: KernelMemory, layout: Layout, dtype: ElementType, pointer: number): number {
  if (layout.inner === 1) return pointer
  const rows = memory.allocate(sizeOf(layout.shape) * ELEMENT_BYTES[dtype])
  transpose(memory, layout, dtype, pointer, rows, layout.numClasses, layout.inner)
  return rows
}

/** The way back: [numRows, numClasses] to the client's layout. */
export function fromRows(memory: KernelMemory, layout: Layout, dtype: ElementType, rows: number): number {
  if (layout.inner === 1) return rows
  const pointer = memory.allocate(sizeOf(layout.shape) * ELEMENT_BYTES[dtype])
  transpose(memory, layout, dtype, rows, pointer, layout.inner, layout.numClasses)
  return pointer
}

/** Each [height, width] matrix of `from` to [width, height] in `to`. */
function transpose(
  memory: KernelMemory,
  layout: Layout,
  dtype: ElementType,
  from: number,
  to: number,
  height: number,
  width: number,
): void {
  const size = sizeOf(layout.shape)
  const source = viewOf(memory, dtype, from, size)
  const target = viewOf(memory, dtype, to, size)
  for (let start = 0; start < size; start += height * width) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) target[start + x * height + y] = source[start + y * width + x]!
    }
  }
}
