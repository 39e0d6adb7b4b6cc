/** Sums of one row that the plain kernels are made of. */

export interface RowSums {
  readonly argmax: number
  readonly max: number
  /** Sum of exp(z - max) over all but one maximum. */
  readonly others: number
  readonly logSum: number
}

/**
 * @param exponentials written: exp(z - max)
 * @returns undefined: the row has no distribution
 */
export function sumsOf(row: Float64Array, exponentials: Float64Array): RowSums | undefined {
  const argmax = indexOfMax(row)
  const max = row[argmax]!
  for (let k = 0; k < row.length; k++) exponentials[k] = Math.exp(row[k]! - max)
  exponentials[argmax] = 0
  const others = sum(exponentials)
  exponentials[argmax] = 1
  // others is NaN if the row holds a NaN, and if max is infinite and not alone.
  return Number.isFinite(max) && !Number.isNaN(others) ? { argmax, max, others, logSum: Math.log1p(others) } : undefined
}

/** Lowest index of the largest element of a row without NaN; of a row with one, any index. */
export function indexOfMax(row: Float32Array | Float64Array): number {
  let best = 0
  for (let k = 1; k < row.length; k++) if (row[k]! > row[best]!) best = k
  return best
}

/** Neumaier's sum: among 131072 equal terms a plain one loses five digits. */
export function sum(terms: Float64Array): number {
  let total = 0
  let lost = 0
  for (let k = 0; k < terms.length; k++) {
    const term = terms[k]!
    const next = total + term
    lost += Math.abs(total) >= Math.abs(term) ? total - next + term : term - next + total
    total = next
  }
  return Number.isFinite(total) ? total + lost : total
}
