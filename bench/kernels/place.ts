import type { LossKernels } from '../../src/kernels/contract.ts'

export interface Shape {
  readonly dtype: 'F32' | 'F64'
  readonly rows: number
  readonly classes: number
  /** How far the logit of the label is raised. */
  readonly confidence: number
}

const SMOOTHING = 0.1

export type PlacedCase = ReturnType<typeof placeCase>

/** One seeded case in kernel memory: normal logits, mean reduction, smoothing 0.1; and the calls that evaluate it. */
export function placeCase(memory: WebAssembly.Memory, heapBase: number, { dtype, rows, classes, confidence }: Shape) {
  const bytes = dtype === 'F32' ? 4 : 8
  const [elements, row] = [rows * classes * bytes, rows * 8]
  let top = Math.ceil(heapBase / 64) * 64
  const place = (length: number) => {
    const pointer = top
    top = Math.ceil((top + length) / 64) * 64
    return pointer
  }
  const [logits, targets, gradients] = [place(elements), place(elements), place(elements)]
  const [labels, coefficients, rowScale, losses, rowMax] = [place(row), place(row), place(row), place(row), place(row)]
  const missing = top - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / 65_536))

  const view = (pointer: number) =>
    dtype === 'F32'
      ? new Float32Array(memory.buffer, pointer, rows * classes)
      : new Float64Array(memory.buffer, pointer, rows * classes)
  const f64 = (pointer: number) => new Float64Array(memory.buffer, pointer, rows)
  const z = view(logits)
  const q = view(targets)
  const label = new Int32Array(memory.buffer, labels, rows)
  const random = randomOf(1)
  for (let i = 0; i < z.length; i++)
    z[i] = 2 * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  q.fill(SMOOTHING / classes)
  for (let n = 0; n < rows; n++) {
    label[n] = Math.floor(random() * classes)
    z[n * classes + label[n]!]! += confidence
    q[n * classes + label[n]!]! += 1 - SMOOTHING
  }
  f64(coefficients).fill(1 - SMOOTHING)
  f64(rowScale).fill(1 / rows)

  return {
    dtype,
    rows,
    classes,
    sparse: (kernels: LossKernels, wantsGradients: boolean) =>
      kernels[`crossEntropySparse${dtype}`](
        ...([logits, rows, classes, labels, coefficients, 1] as const),
        ...([0, SMOOTHING / classes, SMOOTHING, rowScale, losses, wantsGradients ? gradients : 0] as const),
      ),
    dense: (kernels: LossKernels) =>
      kernels[`crossEntropyDense${dtype}`](logits, rows, classes, targets, 0, rowScale, losses, gradients),
    softmax: (kernels: LossKernels) => kernels[`softmax${dtype}`](logits, rows, classes, gradients, rowMax, losses),
    argmax: (kernels: LossKernels) => kernels[`argmax${dtype}`](logits, rows, classes, losses),
    results: () => ({ losses: [...f64(losses)], gradients: view(gradients) }),
    logitsOf: (n: number) => [...z.subarray(n * classes, (n + 1) * classes)],
    targetOf: (n: number) =>
      Array.from({ length: classes }, (_, k) => SMOOTHING / classes + (k === label[n] ? 1 - SMOOTHING : 0)),
    bytes: () => ({
      logitBytes: new Uint8Array(memory.buffer, logits, elements).slice(),
      labelBytes: new Uint8Array(memory.buffer, labels, rows * 4).slice(),
    }),
  }
}

/** mulberry32: the same case on every run. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}
