import type { ConsistencyKernels } from './consistency-contract.ts'
import type { LikelihoodKernels } from './likelihood-contract.ts'
import type { TermKernels } from './terms-contract.ts'

/** What losses made of probabilities do with whole rows: a part of the kernel contract, see `contract.ts`. */
export interface RowKernels extends LikelihoodKernels, TermKernels, ConsistencyKernels {
  /**
   * Distance of softmax from a dense target, sum_k |p_k - q_k| or sum_k (p_k - q_k)^2, and its gradient. A confident row keeps its digits.
   *
   * @param targets   [N, K] of the element type, in [0, 1]
   * @param isSquared 1 or 0
   * @param rowScale  float64 [N], multiplies the gradient only
   * @param losses    float64 [N], written
   * @param gradients [N, K], written; never aliases `logits`
   * @returns as `softmaxF32`
   */
  distancesF32(
    logits: number,
    numRows: number,
    numClasses: number,
    targets: number,
    isSquared: number,
    rowScale: number,
    losses: number,
    gradients: number,
  ): number
  distancesF64(
    logits: number,
    numRows: number,
    numClasses: number,
    targets: number,
    isSquared: number,
    rowScale: number,
    losses: number,
    gradients: number,
  ): number

  /**
   * Probabilities and their logarithms as float64, so that a loop over them sees one type.
   *
   * @param logits        [N, K]
   * @param probabilities [N, K], and `rowMax` and `logSum`, what `softmaxF32` wrote of them
   * @param p             float64 [N, K], written: the probabilities
   * @param logP          float64 [N, K], written: (z - rowMax) - logSum
   */
  widenSoftmaxF32(
    logits: number,
    probabilities: number,
    numRows: number,
    numClasses: number,
    rowMax: number,
    logSum: number,
    p: number,
    logP: number,
  ): void
  widenSoftmaxF64(
    logits: number,
    probabilities: number,
    numRows: number,
    numClasses: number,
    rowMax: number,
    logSum: number,
    p: number,
    logP: number,
  ): void

  /**
   * The gradient of losses that are functions of log p, from h_k = d loss / d log p_k taken as if each were free:
   *   gradients[n] = rowScale[n] * (h_j - p_j sum_k h_k)
   * To all its digits at a class of nearly all the probability, where it is h (1 - p) - p (sum of the others' h).
   *
   * @param slopes    float64 [N, K], finite
   * @param p         float64 [N, K], and `logP`, what `widenSoftmaxF32` wrote
   * @param gradients [N, K], written
   */
  slopesToGradientsF32(
    slopes: number,
    p: number,
    logP: number,
    numRows: number,
    numClasses: number,
    rowScale: number,
    gradients: number,
  ): void
  slopesToGradientsF64(
    slopes: number,
    p: number,
    logP: number,
    numRows: number,
    numClasses: number,
    rowScale: number,
    gradients: number,
  ): void

  /** values[n] *= factors[n], in place, never -0. values: [N, K]; factors: float64 [N], finite. */
  scaleRowsF32(values: number, numRows: number, numClasses: number, factors: number): void
  scaleRowsF64(values: number, numRows: number, numClasses: number, factors: number): void

  /** sum += addend, in place; both [count]. */
  addF32(sum: number, addend: number, count: number): void
  addF64(sum: number, addend: number, count: number): void
}
