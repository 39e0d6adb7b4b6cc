/** Plain float64 pieces of the slow references that tests hold the kernels against. No speed, no shared code with the fast paths. */

export interface ReferenceRow {
  /** What the family reads: logits, or log-probabilities. */
  readonly scores: readonly number[]
  /** Mixed target before smoothing. */
  readonly hardTarget: readonly number[]
  /** Target after smoothing. */
  readonly target: readonly number[]
  /** What is smoothed towards. */
  readonly prior: readonly number[]
  readonly classWeights: readonly number[]
  /** Shares of the hard target and of the prior in the target; they sum to 1. */
  readonly keep: number
  readonly mass: number
  /** What makes a part of the loss that class weights do not touch an average over rows: see `Block`. */
  readonly unweighted: number
  /** Scores of all rows of its group, in the client's order, and which of them this one is. A loss that sees each row alone has groups of one. */
  readonly group: readonly (readonly number[])[]
  readonly member: number
}

export function logSoftmax(logits: readonly number[]): number[] {
  const top = logits.indexOf(Math.max(...logits))
  const rest = logits.reduce((sum, z, k) => (k === top ? sum : sum + Math.exp(z - logits[top]!)), 0)
  return logits.map((z) => z - logits[top]! - Math.log1p(rest))
}

/** p - q, where p rounds to 1 too. */
export function probabilityMinus(logP: number, q: number): number {
  return logP > -0.5 ? 1 - q + Math.expm1(logP) : Math.exp(logP) - q
}

/** -sum_k w_k q_k log p_k, where nothing on a class of probability 0 costs nothing. */
export function weightedCrossEntropy(
  q: readonly number[],
  classWeights: readonly number[],
  logProbabilities: readonly number[],
): number {
  return q.reduce(
    (sum, share, k) => (share * classWeights[k]! === 0 ? sum : sum - share * classWeights[k]! * logProbabilities[k]!),
    0,
  )
}
