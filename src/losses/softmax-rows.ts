import { rowsFrom, type SparseRows, type TargetRows, writeSmoothed } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import type { Block } from './definition.ts'

/**
 * What the losses of softmax(z) share. Each of them is a function of log p alone, and with h_k its derivative with respect to log p_k, as if
 * every one of these were free, its gradient is
 *
 *   d loss / d z_j = h_j - p_j sum_k h_k
 *
 * So a loss says what it costs and its slopes h, row by row, in loops of its own: a function called for every class would be one that
 * the compiler sees with many targets, and several times as slow. For the same reason it is one object, made once, whose functions take
 * what depends on the request as their last argument.
 */
export interface SoftmaxMaths<Params> {
  /** Gives the loss of the classes `start` to `end` of `rows`, which are one row, and writes their slopes: finite even where a loss is not. */
  row(rows: SoftmaxRows, start: number, end: number, params: Params): number
  /** The same where the whole target is on one class of weight 1, from log p of that class; absent: no shorter way. */
  readonly label?: {
    loss(logP: number, params: Params): number
    slope(logP: number, params: Params): number
  }
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

/** p - q to all its digits. */
export function differenceOf(p: number, q: number, logP: number): number {
  return p > 0.5 ? 1 - q + Math.expm1(logP) : p - q
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
function isOneClass(targets: TargetRows): targets is SparseRows {
  return targets.kind === 'sparse' && targets.entries === 1 && targets.smoothing.mass === 0
}

/** The gradient of a row is that of its cross entropy times -slope, and the kernel writes it. */
function evaluateLabels<Params>(
  { engine, dtype, numRows, numClasses, scores, gradientScale, losses, gradients }: Block,
  targets: SparseRows,
  label: NonNullable<SoftmaxMaths<Params>['label']>,
  params: Params,
  weights: Float64Array | undefined,
): number {
  const { memory, typed } = engine
  return memory.scratch(() => {
    const perRow = () => memory.allocate(numRows * ELEMENT_BYTES.F64)
    const [rowMax, logSum, ones, factors] = [perRow(), perRow(), perRow(), perRow()]
    const faulty = typed[dtype].softmax(scores, numRows, numClasses, 0, rowMax, logSum)
    if (faulty !== -1) return faulty
    const z = viewOf(memory, dtype, scores, numRows * numClasses)
    const maxima = memory.f64(rowMax, numRows)
    const logSums = memory.f64(logSum, numRows)
    const labels = memory.i32(targets.labels, numRows)
    const scales = memory.f64(gradientScale, numRows)
    const factor = memory.f64(factors, numRows)
    const loss = memory.f64(losses, numRows)
    for (let n = 0; n < numRows; n++) {
      const weight = weights ? weights[labels[n]!]! : 1
      const logP = z[n * numClasses + labels[n]!]! - maxima[n]! - logSums[n]!
      // An infinite loss of weight 0 is 0.
      loss[n] = weight === 0 ? 0 : weight * label.loss(logP, params) + 0
      factor[n] = -scales[n]! * weight * label.slope(logP, params)
    }
    if (gradients === 0) return -1
    memory.f64(ones, numRows).fill(1)
    return typed[dtype].crossEntropySparse(
      scores,
      numRows,
      numClasses,
      targets.labels,
      ones,
      1,
      0,
      0,
      0,
      factors,
      rowMax,
      gradients,
    )
  })
}

function evaluateTargets<Params>(
  block: Block,
  maths: SoftmaxMaths<Params>,
  params: Params,
  weights: Float64Array | undefined,
): number {
  const { engine, dtype, numRows, numClasses, losses } = block
  const { memory, typed } = engine
  const size = numRows * numClasses
  return memory.scratch(() => {
    const rowMax = memory.allocate(numRows * ELEMENT_BYTES.F64)
    const logSum = memory.allocate(numRows * ELEMENT_BYTES.F64)
    // The gradient starts as the probabilities.
    const probabilities = block.gradients === 0 ? memory.allocate(size * ELEMENT_BYTES[dtype]) : block.gradients
    const faulty = typed[dtype].softmax(block.scores, numRows, numClasses, probabilities, rowMax, logSum)
    if (faulty !== -1) return faulty

    const stripRows = Math.min(numRows, Math.max(1, Math.floor(STRIP_ELEMENTS / numClasses)))
    const strip = () => memory.allocate(stripRows * numClasses * ELEMENT_BYTES.F64)
    const [logPs, ps, qs, slopes] = [strip(), strip(), strip(), strip()]
    const shares = weights ? strip() : 0
    const z = viewOf(memory, dtype, block.scores, size)
    const gradients = viewOf(memory, dtype, probabilities, size)
    const maxima = memory.f64(rowMax, numRows)
    const logSums = memory.f64(logSum, numRows)
    const scales = memory.f64(block.gradientScale, numRows)
    const loss = memory.f64(losses, numRows)
    const length = stripRows * numClasses
    const q = memory.f64(qs, length)
    const rows: SoftmaxRows = {
      logP: memory.f64(logPs, length),
      p: memory.f64(ps, length),
      q,
      shares: weights ? memory.f64(shares, length) : q,
      slopes: memory.f64(slopes, length),
      label: -1,
    }
    const { targets } = block
    const labels = targets.kind === 'sparse' && targets.entries === 1 ? memory.i32(targets.labels, numRows) : undefined
    for (let first = 0; first < numRows; first += stripRows) {
      const count = Math.min(stripRows, numRows - first)
      const [from, to] = [first * numClasses, (first + count) * numClasses]
      rows.logP.set(z.subarray(from, to))
      rows.p.set(gradients.subarray(from, to))
      writeSmoothed(memory, dtype, rowsFrom(block.targets, first, numClasses, dtype), count, numClasses, qs, 'F64')
      if (weights) multiply(rows.shares, rows.q, weights, count)
      for (let n = 0; n < count; n++) {
        const start = n * numClasses
        const end = start + numClasses
        subtract(rows.logP, start, end, maxima[first + n]!, logSums[first + n]!)
        if (labels) rows.label = labels[first + n]!
        loss[first + n] = maths.row(rows, start, end, params) + 0
        if (block.gradients !== 0) toGradient(rows, start, end, scales[first + n]!)
      }
      if (block.gradients !== 0) gradients.set(rows.slopes.subarray(0, to - from), from)
    }
    return -1
  })
}

function multiply(out: Float64Array, q: Float64Array, weights: Float64Array, numRows: number): void {
  for (let n = 0, i = 0; n < numRows; n++) for (let k = 0; k < weights.length; k++, i++) out[i] = q[i]! * weights[k]!
}

function subtract(values: Float64Array, start: number, end: number, a: number, b: number): void {
  for (let k = start; k < end; k++) values[k] = values[k]! - a - b
}

/**
 * Slopes to gradients, in place. Where one class has more than half of the probability, its 1 - p is what the others have, which is lost in
 * h - p sum h: h (1 - p) - p (sum of the others' h) keeps the digits of a confident row.
 */
function toGradient({ p, logP, slopes }: SoftmaxRows, start: number, end: number, scale: number): void {
  let top = -1
  let others = 0
  for (let k = start; k < end; k++) {
    if (p[k]! > 0.5) top = k
    else others += slopes[k]!
  }
  const slope = top === -1 ? 0 : slopes[top]!
  const total = others + slope
  for (let k = start; k < end; k++) slopes[k] = scale * (slopes[k]! - p[k]! * total) + 0
  if (top !== -1) slopes[top] = scale * (slope * -Math.expm1(logP[top]!) - p[top]! * others) + 0
}
