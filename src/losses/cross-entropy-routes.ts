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

/** Cross entropy of labels plus a base that is the same for every row: no dense target is ever built. */
export function crossEntropyOfLabels(block: Block, targets: SparseRows): number {
  const { memory, typed } = block.engine
  const { numRows, numClasses, classWeights, dtype } = block
  const { keep, mass, prior, offValue } = targets.smoothing
  const size = numRows * targets.entries
  return memory.scratch(() => {
    const coefficients = memory.allocate(size * ELEMENT_BYTES.F64)
    const base = classWeights || prior ? memory.allocate(numClasses * ELEMENT_BYTES[dtype]) : 0
    const labels = memory.i32(targets.labels, size)
    const shares = memory.f64(targets.shares, size)
    const coefficientView = memory.f64(coefficients, size)
    for (let i = 0; i < size; i++)
      coefficientView[i] = keep * shares[i]! * (classWeights ? classWeights[labels[i]!]! : 1)
    let baseSum = mass
    if (base !== 0) {
      const view = viewOf(memory, dtype, base, numClasses)
      baseSum = 0
      for (let k = 0; k < numClasses; k++) {
        const value = (prior ? mass * prior[k]! : offValue) * (classWeights ? classWeights[k]! : 1)
        view[k] = value
        baseSum += value
      }
    }
    return typed[dtype].crossEntropySparse(
      block.scores,
      numRows,
      numClasses,
      targets.labels,
      coefficients,
      targets.entries,
      base,
      offValue,
      baseSum,
      block.gradientScale,
      block.losses,
      block.gradients,
    )
  })
}

/** Cross entropy of the dense, smoothed target: -sum_k w_k q_k log p_k. */
export function crossEntropyOfDistributions(block: Block): number {
  const { memory, typed } = block.engine
  const { numRows, numClasses, classWeights, dtype } = block
  return memory.scratch(() => {
    const q = memory.allocate(numRows * numClasses * ELEMENT_BYTES[dtype])
    const weights = classWeights ? memory.allocate(numClasses * ELEMENT_BYTES[dtype]) : 0
    writeSmoothed(memory, dtype, block.targets, numRows, numClasses, q)
    if (classWeights) viewOf(memory, dtype, weights, numClasses).set(classWeights)
    return typed[dtype].crossEntropyDense(
      block.scores,
      numRows,
      numClasses,
      q,
      weights,
      block.gradientScale,
      block.losses,
      block.gradients,
    )
  })
}
