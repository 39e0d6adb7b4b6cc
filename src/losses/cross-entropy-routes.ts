import { type SparseRows, type TargetRows, writeSmoothed } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import type { Block } from './definition.ts'

/**
 * Whether the target can stay unbuilt. With the "others" convention and s > (K-1)/K the label holds less than the other classes:
 * its entry would be negative, which the sparse kernel does not take.
 */
export function isSparse(targets: TargetRows): targets is SparseRows {
  return targets.kind === 'sparse' && targets.smoothing.keep >= 0
}

/** A target as the kernels take it that never build it: what every row has, and what its labels have on top. Class weights are multiplied in. */
export interface UnbuiltTarget {
  /** float64 [rows, entries] */
  readonly coefficients: number
  /** [numClasses] of the computation's element type; 0 = `baseValue` for every class. */
  readonly base: number
  readonly baseValue: number
  /** Sum of the base over the classes. */
  readonly baseSum: number
}

/** In scratch memory. */
export function unbuiltTarget(block: Block, targets: SparseRows): UnbuiltTarget {
  const { memory } = block.engine
  const { numRows, numClasses, classWeights, dtype } = block
  const { keep, mass, prior, offValue } = targets.smoothing
  const size = numRows * targets.entries
  const coefficients = memory.allocate(size * ELEMENT_BYTES.F64)
  const base = mass !== 0 && (classWeights || prior) ? memory.allocate(numClasses * ELEMENT_BYTES[dtype]) : 0
  const labels = memory.i32(targets.labels, size)
  const shares = memory.f64(targets.shares, size)
  const coefficientView = memory.f64(coefficients, size)
  for (let i = 0; i < size; i++) coefficientView[i] = keep * shares[i]! * (classWeights ? classWeights[labels[i]!]! : 1)
  if (base === 0) return { coefficients, base, baseValue: mass === 0 ? 0 : offValue, baseSum: mass }
  const view = viewOf(memory, dtype, base, numClasses)
  let baseSum = 0
  for (let k = 0; k < numClasses; k++) {
    const value = (prior ? mass * prior[k]! : offValue) * (classWeights ? classWeights[k]! : 1)
    view[k] = value
    baseSum += value
  }
  return { coefficients, base, baseValue: offValue, baseSum }
}

/** Cross entropy of labels plus a base that is the same for every row: no dense target is ever built. */
export function crossEntropyOfLabels(block: Block, targets: SparseRows): number {
  const { memory, typed } = block.engine
  const { scores, numRows, numClasses, dtype } = block
  return memory.scratch(() => {
    const { coefficients, base, baseValue, baseSum } = unbuiltTarget(block, targets)
    return typed[dtype].crossEntropySparse(
      scores,
      numRows,
      numClasses,
      targets.labels,
      coefficients,
      targets.entries,
      base,
      baseValue,
      baseSum,
      block.gradientScale,
      block.losses,
      block.gradients,
    )
  })
}

/** Smoothed targets of a block, and its class weights or 0, in its element type and in scratch memory. */
export function builtTarget(block: Block): readonly [q: number, weights: number] {
  const { memory } = block.engine
  const { numRows, numClasses, classWeights, dtype } = block
  const q = memory.allocate(numRows * numClasses * ELEMENT_BYTES[dtype])
  const weights = classWeights ? memory.allocate(numClasses * ELEMENT_BYTES[dtype]) : 0
  writeSmoothed(memory, dtype, block.targets, numRows, numClasses, q)
  if (classWeights) viewOf(memory, dtype, weights, numClasses).set(classWeights)
  return [q, weights]
}

/** Cross entropy of the dense, smoothed target: -sum_k w_k q_k log p_k. */
export function crossEntropyOfDistributions(block: Block): number {
  const { memory, typed } = block.engine
  const { scores, numRows, numClasses, dtype, gradientScale, losses, gradients } = block
  return memory.scratch(() => {
    const [q, weights] = builtTarget(block)
    return typed[dtype].crossEntropyDense(scores, numRows, numClasses, q, weights, gradientScale, losses, gradients)
  })
}
