import { rowsFrom, stripRowsOf, writeSmoothed } from '../target-rows.ts'
import { ELEMENT_BYTES } from '../wire/tensor.ts'
import type { Block } from './definition.ts'

/** What makes a binary cross entropy look at hard labels more than at easy ones: see `focusF32` of the kernels. */
export interface Focus {
  /** Powers of how wrong a label is that is on, and one that is off. */
  readonly gammaOn: number
  readonly gammaOff: number
  /** Probability that is taken off that of a class that is off. */
  readonly clip: number
  readonly alphaOn: number
  readonly alphaOff: number
}

/** Elements of the rows whose probabilities, logarithms and labels are in float64 at a time: they stay near the processor. */
const STRIP_ELEMENTS = 1024

/**
 * Evaluates binary cross entropy with such a focus over a block.
 *
 * @returns the first row with a score that is no logit, or -1
 */
export function evaluateFocused(block: Block, focus: Focus): number {
  const { memory, typed } = block.engine
  const { numRows, numClasses, dtype, gradients } = block
  const kernels = typed[dtype]
  const bytes = ELEMENT_BYTES[dtype]
  const stripRows = stripRowsOf(numRows, numClasses, STRIP_ELEMENTS)
  return memory.scratch(() => {
    const plane = () => memory.allocate(stripRows * numClasses * ELEMENT_BYTES.F64)
    const [on, off, logOn, logOff, labels] = [plane(), plane(), plane(), plane(), plane()]
    const weights = memory.allocate(numClasses * ELEMENT_BYTES.F64)
    memory.f64(weights, numClasses).set(block.classWeights ?? new Float64Array(numClasses).fill(1))
    const losses = memory.f64(block.losses, numRows)
    const scales = memory.f64(block.gradientScale, numRows)
    const { gammaOn, gammaOff, clip, alphaOn, alphaOff } = focus
    for (let first = 0; first < numRows; first += stripRows) {
      const count = Math.min(stripRows, numRows - first)
      const scores = block.scores + first * numClasses * bytes
      const faulty = kernels.sigmoid(scores, count, numClasses, on, off, logOn, logOff)
      if (faulty !== -1) return first + faulty
      const targets = rowsFrom(block.targets, first, numClasses, dtype)
      writeSmoothed(memory, dtype, targets, count, numClasses, labels, 'F64')
      for (let n = 0; n < count; n++) {
        const start = n * numClasses * ELEMENT_BYTES.F64
        losses[first + n] = kernels.focus(
          on + start,
          off + start,
          logOn + start,
          logOff + start,
          labels + start,
          weights,
          numClasses,
          gammaOn,
          gammaOff,
          clip,
          alphaOn,
          alphaOff,
          scales[first + n]!,
          gradients === 0 ? 0 : gradients + (first + n) * numClasses * bytes,
        )
      }
    }
    return -1
  })
}
