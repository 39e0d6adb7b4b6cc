import { smoothedValue } from '../smoothing.ts'
import type { SparseRows, TargetRows } from '../target-rows.ts'
import { ELEMENT_BYTES } from '../wire/tensor.ts'
import type { Block } from './definition.ts'

/**
 * A loss that is cross entropy and, of each class, linear in its probability:
 *
 *   logs * (-sum_k q_k log p_k) + sum_k f(q_k) (1 - p_k) + what does not depend on p
 *
 * Where all classes but the labels have the same q, so that they have the same f, the probabilities that are not of labels sum to what those leave: such a
 * row needs no more than a cross entropy does.
 */
export interface Poly {
  readonly logs: number
  ofMissing(q: number): number
  /** What is left of the loss beside cross entropy and (f - `off`) (1 - p) of the labels: f of the other classes, and how much more the labels have. */
  constant(off: number, more: number, numClasses: number): number
}

/** Whether class indices are mixed and smoothed at most towards what is the same for every class, weights included. */
export function hasOneBase(rows: TargetRows, classWeights: Float64Array | undefined): rows is SparseRows {
  if (rows.kind !== 'sparse') return false
  const { keep, mass, prior } = rows.smoothing
  if (classWeights) return mass === 0 && rows.entries === 1
  return mass === 0 || (keep >= 0 && !prior)
}

/**
 * Evaluates it over a block with one base.
 *
 * @returns the first row that has no softmax, or -1
 */
export function evaluatePoly(block: Block, targets: SparseRows, { logs, ofMissing, constant }: Poly): number {
  const { engine, dtype, scores, numRows, numClasses, classWeights, gradientScale, gradients } = block
  const { memory, typed } = engine
  const { smoothing, entries } = targets
  const size = numRows * entries
  return memory.scratch(() => {
    const [coefficients, missing] = [
      memory.allocate(size * ELEMENT_BYTES.F64),
      memory.allocate(size * ELEMENT_BYTES.F64),
    ]
    const labels = memory.i32(targets.labels, size)
    const shares = memory.f64(targets.shares, size)
    const [coefficient, weight] = [memory.f64(coefficients, size), memory.f64(missing, size)]
    const base = smoothing.mass === 0 ? 0 : smoothing.offValue
    const off = ofMissing(base)
    for (let i = 0; i < size; i++) {
      const classWeight = classWeights ? classWeights[labels[i]!]! : 1
      const share = shares[i]!
      coefficient[i] = classWeight * logs * smoothing.keep * share
      const q = smoothing.mass === 0 ? share : smoothedValue(smoothing, labels[i]!, share)
      weight[i] = share === 0 ? 0 : classWeight * (ofMissing(q) - off)
    }
    const faulty = typed[dtype].polyCrossEntropy(
      scores,
      numRows,
      numClasses,
      targets.labels,
      coefficients,
      missing,
      entries,
      logs * base,
      gradientScale,
      block.losses,
      gradients,
    )
    if (faulty !== -1) return faulty
    const losses = memory.f64(block.losses, numRows)
    for (let n = 0; n < numRows; n++) {
      const classWeight = classWeights ? classWeights[labels[n]!]! : 1
      const more = weight[n * entries]! + (entries === 1 ? 0 : weight[n * entries + 1]!)
      losses[n] = losses[n]! + constant(classWeight * off, more, numClasses) + 0
    }
    return -1
  })
}
