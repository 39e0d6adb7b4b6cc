/** What the loss kernels compute, said once more in float64 and as plainly as can be. Shares no code with src/. */

export interface RowReference {
  readonly rowMax: number
  readonly logSum: number
  readonly probabilities: number[]
}

/** undefined: no distribution can be made of the row. */
export function softmaxReference(row: readonly number[]): RowReference | undefined {
  const rowMax = Math.max(...pieces(row).map((piece) => Math.max(...piece)))
  if (row.some(Number.isNaN) || !Number.isFinite(rowMax)) return undefined
  const first = row.indexOf(rowMax)
  const exponentials = row.map((z) => Math.exp(z - rowMax))
  const others = compensatedSum(exponentials.map((e, k) => (k === first ? 0 : e)))
  return { rowMax, logSum: Math.log1p(others), probabilities: exponentials.map((e) => e / (1 + others)) }
}

export interface CrossEntropyReference {
  readonly loss: number
  /** Before the row scale. */
  readonly gradients: number[]
}

export function crossEntropyReference(
  row: readonly number[],
  target: readonly number[],
): CrossEntropyReference | undefined {
  const softmax = softmaxReference(row)
  if (softmax === undefined) return undefined
  const mass = compensatedSum(target)
  const costs = row.map((z, k) => (target[k] === 0 ? 0 : target[k]! * (softmax.rowMax - z)))
  return {
    loss: compensatedSum([...costs, mass === 0 ? 0 : mass * softmax.logSum]),
    gradients: softmax.probabilities.map((p, k) => mass * p - target[k]!),
  }
}

/** sigmoid(z), sigmoid(-z) and their logs. */
export function sigmoidReference(z: number) {
  const power = Math.exp(-Math.abs(z))
  const [most, least] = [1 / (1 + power), power / (1 + power)]
  const [on, off] = z < 0 ? [least, most] : [most, least]
  return { on, off, logOn: Math.min(z, 0) - Math.log1p(power), logOff: Math.min(-z, 0) - Math.log1p(power) }
}

export function argmaxReference(row: readonly number[]): number {
  const nan = row.findIndex(Number.isNaN)
  if (nan !== -1) return nan
  return row.reduce((best, value, k) => (value > row[best]! ? k : best), 0)
}

/** Neumaier's sum: correct to the last place for terms of one sign. */
export function compensatedSum(terms: readonly number[]): number {
  let sum = 0
  let lost = 0
  for (const term of terms) {
    const next = sum + term
    if (Number.isFinite(next)) lost += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum
    sum = next
  }
  return Number.isFinite(sum) ? sum + lost : sum
}

/** Calls take only so many arguments. */
function pieces(row: readonly number[]): number[][] {
  return Array.from({ length: Math.ceil(row.length / 10_000) }, (_, i) => row.slice(i * 10_000, (i + 1) * 10_000))
}
