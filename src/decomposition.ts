import { normalizeRows } from './families/distributions.ts'
import type { Scored } from './families/family.ts'
import { softmaxOf } from './families/softmax.ts'
import { labelShares, writeSmoothed } from './target-rows.ts'
import { ELEMENT_BYTES, viewOf } from './wire/tensor.ts'

/**
 * What label-smoothed cross entropy is made of, each the mean over the rows that count, without weights (NaN where none does):
 *
 *   loss = keep * nll + mass * uniform = target_entropy + kl_target_model
 */
export interface Decomposition {
  /** -sum t log p, t the unsmoothed target. */
  readonly nll: number
  /** -sum u log p, u the uniform distribution or the prior. */
  readonly uniform: number
  /** H(q): the loss no model gets below. */
  readonly target_entropy: number
  /** KL(q to p): what is left to learn. */
  readonly kl_target_model: number
  /** KL(u to p). */
  readonly kl_uniform_model: number
}

export function decompose(scored: Scored): Decomposition {
  const { engine, layout, dtype, scores, targets } = scored
  const { memory } = engine
  const { numRows, numClasses } = layout
  const size = numRows * numClasses
  const smoothed = memory.allocate(size * ELEMENT_BYTES[dtype])
  writeSmoothed(memory, dtype, targets.rows, numRows, numClasses, smoothed)
  const { rowMax, logSum } = normalizeRows(scored, softmaxOf, 0)
  const z = viewOf(memory, dtype, scores, size)
  const q = viewOf(memory, dtype, smoothed, size)
  const shares = labelShares(memory, dtype, targets.rows, numRows, numClasses)
  const prior = targets.rows.smoothing.prior ?? new Float64Array(numClasses).fill(1 / numClasses)
  const total = { nll: 0, uniform: 0, target_entropy: 0, kl_target_model: 0, kl_uniform_model: 0 }
  let rows = 0
  for (let row = 0; row < numRows; row++) {
    if (!targets.counted[row]) continue
    rows++
    const start = row * numClasses
    const costOf = (k: number) => rowMax[row]! - z[start + k]! + logSum[row]!
    for (let i = row * shares.stride; i < (row + 1) * shares.stride; i++)
      total.nll += product(shares.shareOf(i), costOf(shares.classOf(i)))
    for (let k = 0; k < numClasses; k++) {
      const cost = costOf(k)
      const entropy = -product(q[start + k]!, Math.log(q[start + k]!))
      total.uniform += product(prior[k]!, cost)
      total.kl_uniform_model += product(prior[k]!, cost + Math.log(prior[k]!))
      total.target_entropy += entropy
      total.kl_target_model += product(q[start + k]!, cost + Math.log(q[start + k]!))
    }
  }
  return Object.fromEntries(Object.entries(total).map(([name, sum]) => [name, sum / rows])) as unknown as Decomposition
}

/** 0 times anything, infinities included, is 0. */
function product(share: number, value: number): number {
  return share === 0 ? 0 : share * value
}
