export interface Case {
  readonly name: string
  readonly rows: number
  readonly classes: number
  /** Clients that each send one request after the other. */
  readonly connections: number
}

export const CASES: readonly Case[] = [
  { name: 'tiny', rows: 8, classes: 10, connections: 16 },
  { name: 'medium', rows: 64, classes: 100, connections: 8 },
  { name: 'large', rows: 1024, classes: 1000, connections: 4 },
]

const LABEL_SMOOTHING = 0.1
/** Of a logit in JSON: about what a float32 holds. */
const DECIMALS = 6
const LOGIT_RANGE = 10
const SEED = 20_240_501
/** The service computes in float32. */
const TOLERANCE = 1e-6

export interface Batch {
  readonly body: Buffer
  readonly expectedLoss: number
}

/** A request with default outputs, the same at every call. */
export function makeBatch({ rows, classes }: Case): Batch {
  const random = mulberry32(SEED)
  const logits = Array.from({ length: rows }, () =>
    Array.from({ length: classes }, () => Number(((random() - 0.5) * LOGIT_RANGE).toFixed(DECIMALS))),
  )
  const targets = Array.from({ length: rows }, () => Math.floor(random() * classes))
  const body = Buffer.from(JSON.stringify({ logits, targets, label_smoothing: LABEL_SMOOTHING }))
  return { body, expectedLoss: smoothedCrossEntropy(logits, targets) }
}

/** Sends the batch once and compares the loss with float64: a service that answers wrongly must not get a number. */
export async function checkAnswer(
  url: string,
  { rows, classes }: Case,
  { body, expectedLoss }: Batch,
): Promise<number> {
  const headers = { 'content-type': 'application/json', 'accept-encoding': 'identity' }
  const answer = await fetch(new URL('/loss', url), { method: 'POST', headers, body })
  const text = await answer.text()
  if (answer.status !== 200)
    throw new Error(`expected status 200 for ${rows}x${classes}, got ${answer.status}: ${text.slice(0, 500)}`)
  const { loss, losses, gradients, smoothed_targets: smoothedTargets } = JSON.parse(text)
  if (!(Math.abs(loss - expectedLoss) <= TOLERANCE * expectedLoss)) {
    throw new Error(`expected the loss ${expectedLoss} for ${rows}x${classes}, got ${loss}`)
  }
  const shapes = [losses, gradients, gradients?.[0], smoothedTargets, smoothedTargets?.[0]].map(
    (array) => array?.length,
  )
  if (shapes.join() !== [rows, rows, classes, rows, classes].join()) {
    throw new Error(
      `expected losses, gradients and smoothed targets for ${rows}x${classes}, got lengths ${shapes.join(', ')}`,
    )
  }
  return Buffer.byteLength(text)
}

function smoothedCrossEntropy(logits: readonly (readonly number[])[], targets: readonly number[]): number {
  let sum = 0
  for (const [i, row] of logits.entries()) {
    const max = row.reduce((a, b) => Math.max(a, b))
    const logSumExp = max + Math.log(row.reduce((total, logit) => total + Math.exp(logit - max), 0))
    const mean = row.reduce((total, logit) => total + logit, 0) / row.length
    const nll = logSumExp - row[targets[i]!]!
    sum += (1 - LABEL_SMOOTHING) * nll + LABEL_SMOOTHING * (logSumExp - mean)
  }
  return sum / logits.length
}

/** Uniform in [0, 1), seeded. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
