/** Rows that are log-probabilities already: a part of the kernel contract, see `contract.ts`. */
export interface LikelihoodKernels {
  /**
   * Negative log-likelihood with a target that is never built, as `crossEntropySparseF32` has it: target_n = base + sum_j coefficient_nj * e_label_nj,
   *   losses[n]    = -sum_k target_k log p_k
   *   gradients[n] = -rowScale[n] * target
   * A target of 0 on a class at -Infinity costs 0. Nothing is normalised: log p is taken as it is.
   *
   * @param logP         [N, K]
   * @param labels       int32 [N, J], each in [0, K); a row's labels may be equal
   * @param coefficients float64 [N, J], >= 0; an entry of 0 has no effect
   * @param entries      J, 1 or 2
   * @param base         [K] of the element type, >= 0, the same for every row; or 0: then `baseValue` stands for every class
   * @param baseValue    float64 >= 0, used when `base` is 0
   * @param rowScale     float64 [N], multiplies the gradient only
   * @param losses       float64 [N], written
   * @param gradients    [N, K], written; never aliases `logP`; 0 = not wanted
   * @returns as `softmaxF32`
   */
  nllSparseF32: NllSparse
  nllSparseF64: NllSparse

  /**
   * The same with a dense target, classWeights * targets.
   *
   * @param targets      [N, K] of the element type, >= 0
   * @param classWeights [K] of the element type, >= 0; or 0: every weight is 1
   */
  nllDenseF32: NllDense
  nllDenseF64: NllDense
}

type NllSparse = (
  logP: number,
  numRows: number,
  numClasses: number,
  labels: number,
  coefficients: number,
  entries: number,
  base: number,
  baseValue: number,
  rowScale: number,
  losses: number,
  gradients: number,
) => number

type NllDense = (
  logP: number,
  numRows: number,
  numClasses: number,
  targets: number,
  classWeights: number,
  rowScale: number,
  losses: number,
  gradients: number,
) => number
