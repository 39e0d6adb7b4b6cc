import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import type { Block } from './definition.ts'

/** What may be done to logits before their softmax, and to their normalizer: z' = c tanh(z / c) / T, and lambda lse(z')^2 on top of the loss. */
export interface Modifiers {
  readonly z_loss: number
  readonly softcap?: number | undefined
  readonly temperature: number
}

export function isPlain({ z_loss: zLoss, softcap, temperature }: Modifiers): boolean {
  return zLoss === 0 && softcap === undefined && temperature === 1
}

/**
 * Evaluates a loss of the modified logits, and its gradient with respect to the client's.
 *
 * @param evaluate the loss of logits as they are
 * @returns the first row that has no softmax, or -1
 */
export function evaluateModified(block: Block, modifiers: Modifiers, evaluate: (block: Block) => number): number {
  if (modifiers.softcap !== undefined || modifiers.temperature !== 1) return evaluateMoved(block, modifiers, evaluate)
  const faulty = evaluate(block)
  if (faulty === -1) addNormalizer(block, modifiers.z_loss)
  return faulty
}

/** All of it in float64: what a float32 loses of a logit, a small temperature would multiply. */
function evaluateMoved(block: Block, modifiers: Modifiers, evaluate: (block: Block) => number): number {
  const { memory, typed } = block.engine
  const { numRows, numClasses, dtype } = block
  const size = numRows * numClasses
  return memory.scratch(() => {
    const rowMax = memory.allocate(numRows * ELEMENT_BYTES.F64)
    const logSum = memory.allocate(numRows * ELEMENT_BYTES.F64)
    // Of the client's logits: a cap would make a finite number of Infinity.
    const faulty = typed[dtype].softmax(block.scores, numRows, numClasses, 0, rowMax, logSum)
    if (faulty !== -1) return faulty

    const wide = () => memory.allocate(size * ELEMENT_BYTES.F64)
    const [scores, slopes] = [wide(), wide()]
    const gradients = block.gradients === 0 ? 0 : wide()
    const targets = block.targets.kind === 'dense' ? { ...block.targets, values: wide() } : block.targets
    const shifts = memory.f64(rowMax, numRows)
    const z = viewOf(memory, dtype, block.scores, size)
    modify(z, memory.f64(scores, size), memory.f64(slopes, size), shifts, modifiers)
    if (targets.kind === 'dense' && block.targets.kind === 'dense')
      memory.f64(targets.values, size).set(viewOf(memory, dtype, block.targets.values, size))
    const moved: Block = { ...block, dtype: 'F64', scores, gradients, targets }
    evaluate(moved)
    if (modifiers.z_loss !== 0) addNormalizer(moved, modifiers.z_loss, memory.f64(rowMax, numRows).slice())
    if (gradients === 0) return -1
    const slope = memory.f64(slopes, size)
    const from = memory.f64(gradients, size)
    const to = viewOf(memory, dtype, block.gradients, size)
    for (let i = 0; i < size; i++) to[i] = from[i]! * slope[i]! + 0
    return -1
  })
}

/**
 * Writes z' and d z' / d z. A row is moved so that its largest z' is 0, by which a small temperature overflows nothing.
 *
 * @param shifts [numRows] the largest of each row of `from`; written: the largest z'
 */
function modify(
  from: Float32Array | Float64Array,
  scores: Float64Array,
  slopes: Float64Array,
  shifts: Float64Array,
  { softcap, temperature }: Modifiers,
): void {
  const numClasses = from.length / shifts.length
  for (let n = 0, i = 0; n < shifts.length; n++) {
    const top = softcap === undefined ? shifts[n]! : softcap * Math.tanh(shifts[n]! / softcap)
    for (let k = 0; k < numClasses; k++, i++) {
      const z = from[i]!
      // A class that is masked out stays so, and has the slope of logits that are not capped.
      const isCapped = softcap !== undefined && z !== Number.NEGATIVE_INFINITY
      scores[i] = ((isCapped ? softcap * Math.tanh(z / softcap) : z) - top) / temperature
      slopes[i] = (isCapped ? capSlope(z / softcap) : 1) / temperature
    }
    shifts[n] = top / temperature
  }
}

/** 1 - tanh(x)^2 to all its digits. */
function capSlope(x: number): number {
  const power = Math.exp(-2 * Math.abs(x))
  return (4 * power) / (1 + power) ** 2
}

/**
 * lambda lse^2, which no class weighs.
 *
 * @param shifts [numRows] what was taken off the scores of each row
 */
function addNormalizer(block: Block, zLoss: number, shifts?: Float64Array): void {
  const { memory, typed } = block.engine
  const { numRows, numClasses, dtype, scores, gradients } = block
  const size = numRows * numClasses
  memory.scratch(() => {
    const perRow = () => memory.allocate(numRows * ELEMENT_BYTES.F64)
    const [rowMax, logSum, factors] = [perRow(), perRow(), perRow()]
    const probabilities = gradients === 0 ? 0 : memory.allocate(size * ELEMENT_BYTES[dtype])
    typed[dtype].softmax(scores, numRows, numClasses, probabilities, rowMax, logSum)
    const losses = memory.f64(block.losses, numRows)
    const scales = memory.f64(block.gradientScale, numRows)
    const maxima = memory.f64(rowMax, numRows)
    const logSums = memory.f64(logSum, numRows)
    const factor = memory.f64(factors, numRows)
    const weight = zLoss * block.unweighted
    for (let n = 0; n < numRows; n++) {
      const logPartition = (shifts ? shifts[n]! : 0) + maxima[n]! + logSums[n]!
      losses[n] = losses[n]! + weight * logPartition * logPartition
      factor[n] = finite(2 * weight * logPartition * scales[n]!)
    }
    if (gradients === 0) return
    typed[dtype].scaleRows(probabilities, numRows, numClasses, factors)
    typed[dtype].add(gradients, probabilities, size)
  })
}

/** The nearest number that makes 0 of 0. */
function finite(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(value, Number.MAX_VALUE))
}
