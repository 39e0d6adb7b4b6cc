import type { Kernels } from '../kernels/contract.ts'
import { type SparseRows, smoothedStrips, stripRowsOf, type TargetRows } from '../target-rows.ts'
import { ELEMENT_BYTES } from '../wire/tensor.ts'
import type { Block } from './definition.ts'

/**
 * What the losses of softmax(z) share. Each of them is a function of log p alone, and with h_k its derivative with respect to log p_k, as if
 * every one of these were free, its gradient is
 *
 *   d loss / d z_j = h_j - p_j sum_k h_k
 *
 * So a loss says what it costs and its slopes h, which are finite even where a loss is not: by a kernel for all rows at once, or row by row in
 * loops of its own. A function called for every class would be one that the compiler sees with many targets, and several times as slow. For
 * the same reason it is one object, made once, whose functions take what depends on the request as their last argument.
 */
export type SoftmaxMaths<Params> = (ByKernel<Params> | ByRow<Params>) & {
  /** Where the whole target is on one class; absent: no shorter way. */
  readonly label?: LabelMaths<Params>
}

interface ByKernel<Params> {
  /** Writes losses and slopes of `numRows` rows. */
  terms(kernels: Kernels, rows: RowPointers, numRows: number, numClasses: number, params: Params): void
}

interface ByRow<Params> {
  /** Gives the loss of the classes `start` to `end` of `rows`, which are one row, and writes their slopes. */
  row(rows: SoftmaxRows, start: number, end: number, params: Params): number
}

/** What `SoftmaxRows` says, as kernels take it. */
export interface RowPointers {
  readonly logP: number
  readonly p: number
  readonly shares: number
  readonly slopes: number
  /** float64 [rows], written: + 0 */
  readonly losses: number
}

/** A loss of rows whose whole target is on one class of weight 1, from log p of that class. */
export interface LabelMaths<Params> {
  loss(logP: number, params: Params): number
  slope(logP: number, params: Params): number
}

/** Some rows in float64, whatever the type of the request, so that every loop over them sees one type. [rows, numClasses] */
export interface SoftmaxRows {
  /** -Infinity for a class that is masked out. */
  readonly logP: Float64Array
  readonly p: Float64Array
  /** Smoothed targets. */
  readonly q: Float64Array
  /** Smoothed targets times the weights of their classes; where nothing is weighted, `q` itself. */
  readonly shares: Float64Array
  /** Written: d loss / d log p. */
  readonly slopes: Float64Array
  /** The class of the row at hand where targets are class indices and not mixed; else -1. */
  label: number
}

/** Elements of the rows that are in float64 at a time: their arrays stay in the nearest caches. */
const STRIP_ELEMENTS = 2048

/** 1 - p to all its digits, where p rounds to 1 too. */
export function restOf(p: number, logP: number): number {
  return p > 0.5 ? -Math.expm1(logP) : 1 - p
}

/** What the weights of its classes make a row weigh; 1 where nothing is weighted, whatever its target sums to. */
export function rowWeight({ q, shares }: SoftmaxRows, start: number, end: number): number {
  if (shares === q) return 1
  let weight = 0
  for (let k = start; k < end; k++) weight += shares[k]!
  return weight
}

/**
 * Evaluates such a loss over a block.
 *
 * @param weights of the classes, in place of the block's own
 * @returns the first row that has no softmax, or -1
 */
export function evaluateSoftmax<Params>(
  block: Block,
  maths: SoftmaxMaths<Params>,
  params: Params,
  weights = block.classWeights,
): number {
  return maths.label && isOneClass(block.targets)
    ? evaluateLabels(block, block.targets, maths.label, params, weights)
    : evaluateTargets(block, maths, params, weights)
}

/** Class indices as they are: neither smoothed nor mixed. */
export function isOneClass(targets: TargetRows): targets is SparseRows {
  return targets.kind === 'sparse' && targets.entries === 1 && targets.smoothing.mass === 0
}

/** The gradient of a row is that of its cross entropy times -slope, and its loss a function of that of its cross entropy. */
export function evaluateLabels<Params>(
  block: Block,
  targets: SparseRows,
  label: LabelMaths<Params>,
  params: Params,
  weights = block.classWeights,
): number {
  const { engine, dtype, numRows, numClasses, scores, gradientScale, losses, gradients } = block
  const { memory, typed } = engine
  return memory.scratch(() => {
    const ones = memory.allocate(numRows * ELEMENT_BYTES.F64)
    const factors = memory.allocate(numRows * ELEMENT_BYTES.F64)
    memory.f64(ones, numRows).fill(1)
    const faulty = typed[dtype].crossEntropySparse(
      scores,
      numRows,
      numClasses,
      targets.labels,
      ones,
      1,
      0,
      0,
      0,
      ones,
      losses,
      gradients,
    )
    if (faulty !== -1) return faulty
    const labels = memory.i32(targets.labels, numRows)
    const scales = memory.f64(gradientScale, numRows)
    const factor = memory.f64(factors, numRows)
    const loss = memory.f64(losses, numRows)
    for (let n = 0; n < numRows; n++) {
      const weight = weights ? weights[labels[n]!]! : 1
      const logP = -loss[n]!
      // An infinite loss of weight 0 is 0.
      loss[n] = weight === 0 ? 0 : weight * label.loss(logP, params) + 0
      factor[n] = -scales[n]! * weight * label.slope(logP, params)
    }
    if (gradients !== 0) typed[dtype].scaleRows(gradients, numRows, numClasses, factors)
    return -1
  })
}

function evaluateTargets<Params>(
  block: Block,
  maths: SoftmaxMaths<Params>,
  params: Params,
  weights: Float64Array | undefined,
): number {
  const { engine, dtype, numRows, numClasses } = block
  const { memory, typed, kernels } = engine
  const bytes = ELEMENT_BYTES[dtype]
  const size = numRows * numClasses
  return memory.scratch(() => {
    const rowMax = memory.allocate(numRows * ELEMENT_BYTES.F64)
    const logSum = memory.allocate(numRows * ELEMENT_BYTES.F64)
    // The gradient starts as the probabilities.
    const probabilities = block.gradients === 0 ? memory.allocate(size * bytes) : block.gradients
    const { softmax, widenSoftmax, slopesToGradients } = typed[dtype]
    const faulty = softmax(block.scores, numRows, numClasses, probabilities, rowMax, logSum)
    if (faulty !== -1) return faulty

    const stripRows = stripRowsOf(numRows, numClasses, STRIP_ELEMENTS)
    const length = stripRows * numClasses
    const strip = () => memory.allocate(length * ELEMENT_BYTES.F64)
    const [logP, p, q, slopes] = [strip(), strip(), strip(), strip()]
    const shares = weights ? strip() : 0
    const losses = memory.f64(block.losses, numRows)
    const qView = memory.f64(q, length)
    const rows: SoftmaxRows = {
      logP: memory.f64(logP, length),
      p: memory.f64(p, length),
      q: qView,
      shares: weights ? memory.f64(shares, length) : qView,
      slopes: memory.f64(slopes, length),
      label: -1,
    }
    const { targets } = block
    const writeTargets = smoothedStrips(memory, dtype, targets, numRows, stripRows, numClasses, q)
    const labels = targets.kind === 'sparse' && targets.entries === 1 ? memory.i32(targets.labels, numRows) : undefined
    for (let first = 0; first < numRows; first += stripRows) {
      const count = Math.min(stripRows, numRows - first)
      const offset = first * numClasses * bytes
      const perRow = first * ELEMENT_BYTES.F64
      const [z, probability, max] = [block.scores + offset, probabilities + offset, rowMax + perRow]
      // Arguments one by one: spread, they take as long as a hundred classes.
      widenSoftmax(z, probability, count, numClasses, max, logSum + perRow, p, logP)
      writeTargets(first, count)
      if (weights) multiply(rows.shares, rows.q, weights, count)
      if ('terms' in maths) {
        const at = { logP, p, shares: weights ? shares : q, slopes, losses: block.losses + perRow }
        maths.terms(kernels, at, count, numClasses, params)
      } else {
        for (let n = 0; n < count; n++) {
          if (labels) rows.label = labels[first + n]!
          losses[first + n] = maths.row(rows, n * numClasses, (n + 1) * numClasses, params) + 0
        }
      }
      if (block.gradients === 0) continue
      const scale = block.gradientScale + perRow
      slopesToGradients(slopes, p, logP, count, numClasses, scale, block.gradients + offset)
    }
    return -1
  })
}

function multiply(out: Float64Array, q: Float64Array, weights: Float64Array, numRows: number): void {
  for (let n = 0, i = 0; n < numRows; n++) for (let k = 0; k < weights.length; k++, i++) out[i] = q[i]! * weights[k]!
}
