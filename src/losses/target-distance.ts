import { smoothedStrips, stripRowsOf } from '../target-rows.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import type { Block } from './definition.ts'

/** Elements of the rows whose targets are built at a time: they stay in the nearest cache. */
const STRIP_ELEMENTS = 4096

/**
 * Evaluates sum_j |p_j - q_j| or sum_j (p_j - q_j)^2, times sum_k w_k q_k: the weight of a class has a meaning for a row as a whole here.
 * Without class weights that is 1, whatever q sums to.
 *
 * @returns the first row that has no softmax, or -1
 */
export function targetDistance(block: Block, power: 1 | 2): number {
  const { engine, dtype, numRows, numClasses, classWeights, targets } = block
  const { memory, typed } = engine
  const { distances } = typed[dtype]
  const rowBytes = numClasses * ELEMENT_BYTES[dtype]
  const stripRows = stripRowsOf(numRows, numClasses, STRIP_ELEMENTS)
  return memory.scratch(() => {
    const q = memory.allocate(stripRows * rowBytes)
    const unwanted = block.gradients === 0 ? memory.allocate(stripRows * rowBytes) : 0
    const factors = memory.allocate(numRows * ELEMENT_BYTES.F64)
    const writeTargets = smoothedStrips(memory, dtype, targets, numRows, stripRows, numClasses, q, dtype)
    const target = viewOf(memory, dtype, q, stripRows * numClasses)
    const losses = memory.f64(block.losses, numRows)
    const factor = memory.f64(factors, numRows)
    factor.set(memory.f64(block.gradientScale, numRows))
    for (let first = 0; first < numRows; first += stripRows) {
      const count = Math.min(stripRows, numRows - first)
      const [row, perRow] = [first * rowBytes, first * ELEMENT_BYTES.F64]
      const gradients = block.gradients === 0 ? unwanted : block.gradients + row
      writeTargets(first, count)
      const weights = classWeights && rowWeights(target.subarray(0, count * numClasses), classWeights)
      if (weights) for (let n = 0; n < count; n++) factor[first + n]! *= weights[n]!
      const z = block.scores + row
      const faulty = distances(z, count, numClasses, q, power - 1, factors + perRow, block.losses + perRow, gradients)
      if (faulty !== -1) return first + faulty
      if (weights) for (let n = 0; n < count; n++) losses[first + n]! *= weights[n]!
    }
    return -1
  })
}

function rowWeights(q: Float32Array | Float64Array, classWeights: Float64Array): Float64Array {
  const weights = new Float64Array(q.length / classWeights.length)
  for (let n = 0, i = 0; n < weights.length; n++)
    for (let k = 0; k < classWeights.length; k++, i++) weights[n]! += q[i]! * classWeights[k]!
  return weights
}
