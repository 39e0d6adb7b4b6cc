import { writeSmoothed } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import type { Block } from './definition.ts'

/**
 * Evaluates sum_j |p_j - q_j| or sum_j (p_j - q_j)^2, times sum_k w_k q_k: the weight of a class has a meaning for a row as a whole here.
 * Without class weights that is 1, whatever q sums to.
 *
 * @returns the first row that has no softmax, or -1
 */
export function targetDistance(block: Block, power: 1 | 2): number {
  const { engine, dtype, numRows, numClasses, classWeights } = block
  const { memory, typed } = engine
  const size = numRows * numClasses
  return memory.scratch(() => {
    const q = memory.allocate(size * ELEMENT_BYTES[dtype])
    const gradients = block.gradients === 0 ? memory.allocate(size * ELEMENT_BYTES[dtype]) : block.gradients
    const factors = memory.allocate(numRows * ELEMENT_BYTES.F64)
    writeSmoothed(memory, dtype, block.targets, numRows, numClasses, q)
    const weights = classWeights && rowWeights(viewOf(memory, dtype, q, size), classWeights)
    const scales = memory.f64(block.gradientScale, numRows)
    memory.f64(factors, numRows).set(weights ? scales.map((scale, n) => scale * weights[n]!) : scales)
    const faulty = typed[dtype].distances(
      ...([block.scores, numRows, numClasses, q, power - 1] as const),
      ...([factors, block.losses, gradients] as const),
    )
    if (faulty !== -1 || !weights) return faulty
    const losses = memory.f64(block.losses, numRows)
    for (let n = 0; n < numRows; n++) losses[n] = losses[n]! * weights[n]!
    return -1
  })
}

function rowWeights(q: Float32Array | Float64Array, classWeights: Float64Array): Float64Array {
  const weights = new Float64Array(q.length / classWeights.length)
  for (let n = 0, i = 0; n < weights.length; n++)
    for (let k = 0; k < classWeights.length; k++, i++) weights[n]! += q[i]! * classWeights[k]!
  return weights
}
