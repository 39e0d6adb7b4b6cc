/** A batch with what every party must answer, computed in float64 by the textbook. Row-major [rows, classes]. */
export interface Batch {
  readonly rows: number
  readonly classes: number
  /** float32 values of 7 decimal digits, so that JSON and binary carry the same numbers. */
  readonly logits: Float32Array<ArrayBuffer>
  readonly targets: Int32Array<ArrayBuffer>
  /** The batch as a client writes it in JSON: 7 digits a logit. */
  json(fields?: Readonly<Record<string, unknown>>): Buffer<ArrayBuffer>
  readonly expected: Outputs
}

export interface Outputs {
  readonly loss: number
  readonly losses: ArrayLike<number>
  readonly gradients: ArrayLike<number>
  readonly smoothedTargets: ArrayLike<number>
}

export const LABEL_SMOOTHING = 0.1

const LOGIT_RANGE = 10
const DIGITS = 7
const SEED = 20_261_101
/** What float32 gives away, with room to spare: relative for losses, absolute and before reduction for gradients and targets. */
const TOLERANCE = 5e-6

/** The same batch at every call. */
export function makeBatch(rows: number, classes: number): Batch {
  const random = mulberry32(SEED)
  const decimals = Float64Array.from({ length: rows * classes }, () =>
    Number(((random() - 0.5) * LOGIT_RANGE).toPrecision(DIGITS)),
  )
  const logits = Float32Array.from(decimals)
  const targets = Int32Array.from({ length: rows }, () => Math.floor(random() * classes))
  return {
    rows,
    classes,
    logits,
    targets,
    json(fields = {}) {
      const matrix = Array.from({ length: rows }, (_, n) => [...decimals.subarray(n * classes, (n + 1) * classes)])
      const request = { logits: matrix, targets: [...targets], label_smoothing: LABEL_SMOOTHING, ...fields }
      return Buffer.from(new TextEncoder().encode(JSON.stringify(request)))
    },
    expected: evaluate(logits, targets, rows, classes),
  }
}

/** Throws where an answer is not the expected one; outputs that are absent were not asked for. */
export function checkOutputs(who: string, { rows, classes, expected }: Batch, answer: Partial<Outputs>): void {
  const name = `${who}, ${rows}x${classes}`
  if (answer.loss !== undefined) near(`${name}: loss`, [answer.loss], [expected.loss], TOLERANCE * expected.loss)
  if (answer.losses) near(`${name}: losses`, answer.losses, expected.losses, TOLERANCE * expected.loss)
  if (answer.gradients) near(`${name}: gradients`, answer.gradients, expected.gradients, TOLERANCE / rows)
  if (answer.smoothedTargets) {
    near(`${name}: smoothed targets`, answer.smoothedTargets, expected.smoothedTargets, TOLERANCE)
  }
}

function near(name: string, actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  if (actual.length !== expected.length)
    throw new Error(`${name}: expected ${expected.length} values, got ${actual.length}`)
  for (let i = 0; i < expected.length; i++) {
    if (Math.abs(actual[i]! - expected[i]!) <= tolerance) continue
    throw new Error(`${name}: expected ${expected[i]} within ${tolerance} at ${i}, got ${actual[i]}`)
  }
}

function evaluate(logits: Float32Array, targets: Int32Array, rows: number, classes: number): Outputs {
  const losses = new Float64Array(rows)
  const gradients = new Float64Array(rows * classes)
  const smoothedTargets = new Float64Array(rows * classes)
  for (let n = 0; n < rows; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes)
    const max = row.reduce((a, b) => Math.max(a, b))
    const sum = row.reduce((total, logit) => total + Math.exp(logit - max), 0)
    for (let k = 0; k < classes; k++) {
      const q = LABEL_SMOOTHING / classes + (k === targets[n] ? 1 - LABEL_SMOOTHING : 0)
      const logP = row[k]! - max - Math.log(sum)
      losses[n]! -= q * logP
      gradients[n * classes + k] = (Math.exp(logP) - q) / rows
      smoothedTargets[n * classes + k] = q
    }
  }
  return { loss: losses.reduce((a, b) => a + b) / rows, losses, gradients, smoothedTargets }
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
