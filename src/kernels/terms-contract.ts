/** What losses that are functions of log p, summed over the classes, are made of: a part of the kernel contract, see `contract.ts`. */
export interface TermKernels {
  /**
   * Cross entropy of labels over a base, as `crossEntropySparseF32` has it, plus what of the labels' probability is missing: with
   * target_n = baseValue + sum_j coefficient_nj * e_label_nj
   *   losses[n]    = sum_k target_k (m - z_k) + sum_k target_k * logSum + sum_j missing_nj (1 - p_label_nj)
   *   gradients[n] = rowScale[n] * (S p - target'), target' with coefficient + missing * p in place of each coefficient, S its sum
   * A confident row keeps its digits.
   *
   * @param labels       int32 [N, J], each in [0, K); a row's labels may be equal
   * @param coefficients float64 [N, J], >= 0
   * @param missing      float64 [N, J]
   * @param entries      J, 1 or 2
   * @param baseValue    float64 >= 0, the same for every class
   * @param rowScale     float64 [N], multiplies the gradient only
   * @param losses       float64 [N], written
   * @param gradients    [N, K], written; never aliases `logits`; 0 = not wanted
   * @returns as `softmaxF32`
   */
  polyCrossEntropyF32: PolyCrossEntropy
  polyCrossEntropyF64: PolyCrossEntropy

  /**
   * losses[n] = -sum_k share_k (1 - p_k)^gamma log p_k of `numRows` rows, and their slopes h_k = d loss / d log p_k, finite and to all their digits
   * where p is next to 1. A share of 0 costs 0.
   *
   * @param logP   float64 [N, K], and `p`, what `widenSoftmaxF32` wrote
   * @param shares float64 [N, K], >= 0
   * @param gamma  >= 0
   * @param losses float64 [N], written
   * @param slopes float64 [N, K], written
   */
  focalTerms: Terms

  /** The same of sum_k share_k (1 - p_k^power) / power, with `power` in (0, 1] for `gamma`. */
  powerTerms: Terms
}

type PolyCrossEntropy = (
  logits: number,
  numRows: number,
  numClasses: number,
  labels: number,
  coefficients: number,
  missing: number,
  entries: number,
  baseValue: number,
  rowScale: number,
  losses: number,
  gradients: number,
) => number

type Terms = (
  logP: number,
  p: number,
  shares: number,
  numRows: number,
  numClasses: number,
  exponent: number,
  losses: number,
  slopes: number,
) => void
