/** Rows that are compared with their mean: a part of the kernel contract, see `contract.ts`. */
export interface ConsistencyKernels {
  /**
   * How far the softmaxes q_m of M rows are from their mean, and the cross entropy of the first of them. With r_mk = log q_mk - log mean_k, 0 where
   * q_mk is, D_m = sum_k q_mk r_mk, S the sum of the target, and s the row scales:
   *   losses[m]    = factor D_m, and of the first row + sum_k target_k (m - z_k) + S logSum
   *   gradients[m] = d (sum_i s_i losses[i]) / d z_m, in place of q_m
   * A target of 0 on a class at -Infinity costs 0.
   *
   * @param logits   [M, K]; `rowMax`, `logSum` and `q` what `softmaxF32` wrote of them
   * @param splits   M >= 1
   * @param target   float64 [K], >= 0, class weights multiplied in
   * @param rowScale float64 [M], multiplies the gradient only
   * @param factor   of the divergence
   * @param scratch  float64 [3, K], written
   * @param losses   float64 [M], written
   * @param q        [M, K], written: the gradients
   */
  consistencyF32: Consistency
  consistencyF64: Consistency
}

type Consistency = (
  logits: number,
  splits: number,
  numClasses: number,
  rowMax: number,
  logSum: number,
  target: number,
  rowScale: number,
  factor: number,
  scratch: number,
  losses: number,
  q: number,
) => void
