import type { LossKernels } from '../../src/kernels/contract.ts'

export type DType = 'F32' | 'F64'
export type Rows = readonly (readonly number[])[]

export interface SparseCase {
  readonly logits: Rows
  /** [N, J] */
  readonly labels: Rows
  /** [N, J] */
  readonly coefficients: Rows
  /** [K], or one number that stands for every class */
  readonly base: readonly number[] | number
  readonly rowScale?: readonly number[]
  readonly wantsGradients?: boolean
}

export interface DenseCase {
  readonly logits: Rows
  readonly targets: Rows
  readonly classWeights?: readonly number[] | undefined
  readonly rowScale?: readonly number[]
  readonly wantsGradients?: boolean
}

export interface CrossEntropyResult {
  readonly faulty: number
  readonly losses: number[]
  readonly gradients: number[][]
}

/** What memory holds before a kernel writes: nothing a kernel may read. */
const POISON = 0xff

/** Lays cases out in memory, each region on its own offset, runs a kernel and reads back what it wrote. */
export class LossDesk {
  readonly #memory: WebAssembly.Memory
  readonly #kernels: LossKernels
  readonly #base: number
  #top: number

  /** @param base first byte of `memory` that is free */
  constructor(memory: WebAssembly.Memory, kernels: LossKernels, base: number) {
    this.#memory = memory
    this.#kernels = kernels
    this.#base = Math.ceil(base / 16) * 16
    this.#top = this.#base
  }

  softmax(dtype: DType, logits: Rows, place: 'apart' | 'in place' | 'not wanted' = 'apart') {
    this.#clear()
    const [n, k] = [logits.length, logits[0]!.length]
    const z = this.#write(dtype, logits.flat())
    const p = place === 'apart' ? this.#room(dtype, n * k) : place === 'in place' ? z : 0
    const [rowMax, logSum] = [this.#room('F64', n), this.#room('F64', n)]
    const faulty = this.#kernels[`softmax${dtype}`](z, n, k, p, rowMax, logSum)
    return {
      faulty,
      probabilities: p === 0 ? [] : this.#readRows(dtype, p, n, k),
      rowMax: this.#read('F64', rowMax, n),
      logSum: this.#read('F64', logSum, n),
    }
  }

  sparse(dtype: DType, given: SparseCase): CrossEntropyResult {
    this.#clear()
    const [n, k] = [given.logits.length, given.logits[0]!.length]
    const z = this.#write(dtype, given.logits.flat())
    const labels = this.#writeIndices(given.labels.flat())
    const coefficients = this.#write('F64', given.coefficients.flat())
    const base = typeof given.base === 'number' ? 0 : this.#write(dtype, given.base)
    const baseValue = typeof given.base === 'number' ? given.base : 0
    const baseSum = typeof given.base === 'number' ? given.base * k : sumOf(given.base.map(rounder(dtype)))
    const rowScale = this.#write('F64', given.rowScale ?? Array(n).fill(1))
    const losses = this.#room('F64', n)
    const gradients = given.wantsGradients === false ? 0 : this.#room(dtype, n * k)
    const entries = given.labels[0]!.length
    const kernel = this.#kernels[`crossEntropySparse${dtype}`]
    const faulty = kernel(
      ...([z, n, k, labels, coefficients, entries] as const),
      ...([base, baseValue, baseSum, rowScale, losses, gradients] as const),
    )
    return this.#crossEntropyResult(dtype, faulty, losses, gradients, n, k)
  }

  dense(dtype: DType, given: DenseCase): CrossEntropyResult {
    this.#clear()
    const [n, k] = [given.logits.length, given.logits[0]!.length]
    const z = this.#write(dtype, given.logits.flat())
    const targets = this.#write(dtype, given.targets.flat())
    const classWeights = given.classWeights ? this.#write(dtype, given.classWeights) : 0
    const rowScale = this.#write('F64', given.rowScale ?? Array(n).fill(1))
    const losses = this.#room('F64', n)
    const gradients = given.wantsGradients === false ? 0 : this.#room(dtype, n * k)
    const kernel = this.#kernels[`crossEntropyDense${dtype}`]
    const faulty = kernel(z, n, k, targets, classWeights, rowScale, losses, gradients)
    return this.#crossEntropyResult(dtype, faulty, losses, gradients, n, k)
  }

  sigmoid(dtype: DType, logits: Rows) {
    this.#clear()
    const [n, k] = [logits.length, logits[0]!.length]
    const z = this.#write(dtype, logits.flat())
    const room = () => this.#room('F64', n * k)
    const [on, off, logOn, logOff] = [room(), room(), room(), room()]
    const faulty = this.#kernels[`sigmoid${dtype}`](z, n, k, on, off, logOn, logOff)
    const read = (pointer: number) => this.#readRows('F64', pointer, n, k)
    return { faulty, on: read(on), off: read(off), logOn: read(logOn), logOff: read(logOff) }
  }

  distances(dtype: DType, logits: Rows, targets: Rows, isSquared: boolean, rowScale: readonly number[]) {
    this.#clear()
    const [n, k] = [logits.length, logits[0]!.length]
    const [z, q] = [this.#write(dtype, logits.flat()), this.#write(dtype, targets.flat())]
    const [scales, losses] = [this.#write('F64', rowScale), this.#room('F64', n)]
    const gradients = this.#room(dtype, n * k)
    const faulty = this.#kernels[`distances${dtype}`](z, n, k, q, Number(isSquared), scales, losses, gradients)
    return this.#crossEntropyResult(dtype, faulty, losses, gradients, n, k)
  }

  /** Probabilities and their logs as float64, and the gradients of these slopes, from the same softmax. */
  widened(dtype: DType, logits: Rows, slopes: Rows, rowScale: readonly number[]) {
    this.#clear()
    const [n, k] = [logits.length, logits[0]!.length]
    const z = this.#write(dtype, logits.flat())
    const probabilities = this.#room(dtype, n * k)
    const [rowMax, logSum] = [this.#room('F64', n), this.#room('F64', n)]
    const [p, logP] = [this.#room('F64', n * k), this.#room('F64', n * k)]
    const [h, scales] = [this.#write('F64', slopes.flat()), this.#write('F64', rowScale)]
    const gradients = this.#room(dtype, n * k)
    this.#kernels[`softmax${dtype}`](z, n, k, probabilities, rowMax, logSum)
    this.#kernels[`widenSoftmax${dtype}`](z, probabilities, n, k, rowMax, logSum, p, logP)
    this.#kernels[`slopesToGradients${dtype}`](h, p, logP, n, k, scales, gradients)
    return {
      p: this.#readRows('F64', p, n, k),
      logP: this.#readRows('F64', logP, n, k),
      gradients: this.#readRows(dtype, gradients, n, k),
    }
  }

  scaleRows(dtype: DType, rows: Rows, factors: readonly number[]): number[][] {
    this.#clear()
    const [n, k] = [rows.length, rows[0]!.length]
    const values = this.#write(dtype, rows.flat())
    this.#kernels[`scaleRows${dtype}`](values, n, k, this.#write('F64', factors))
    return this.#readRows(dtype, values, n, k)
  }

  add(dtype: DType, a: readonly number[], b: readonly number[]): number[] {
    this.#clear()
    const [sum, addend] = [this.#write(dtype, a), this.#write(dtype, b)]
    this.#kernels[`add${dtype}`](sum, addend, a.length)
    return this.#read(dtype, sum, a.length)
  }

  argmax(dtype: DType, values: Rows): number[] {
    this.#clear()
    const n = values.length
    const from = this.#write(dtype, values.flat())
    const indices = this.#reserve(n * 4, 4)
    this.#kernels[`argmax${dtype}`](from, n, values[0]!.length, indices)
    return [...new Int32Array(this.#memory.buffer, indices, n)]
  }

  #crossEntropyResult(dtype: DType, faulty: number, losses: number, gradients: number, n: number, k: number) {
    return {
      faulty,
      losses: this.#read('F64', losses, n),
      gradients: gradients === 0 ? [] : this.#readRows(dtype, gradients, n, k),
    }
  }

  #clear(): void {
    new Uint8Array(this.#memory.buffer).fill(POISON, this.#base, this.#top)
    this.#top = this.#base
  }

  #reserve(bytes: number, alignment: number): number {
    // One element behind a 16-byte boundary: the least alignment the contract allows.
    const pointer = Math.ceil(this.#top / 16) * 16 + alignment
    this.#top = pointer + bytes
    const missing = this.#top + 16 - this.#memory.buffer.byteLength
    if (missing > 0) this.#memory.grow(Math.ceil(missing / 65_536))
    return pointer
  }

  #room(dtype: DType, length: number): number {
    const pointer = this.#reserve(length * bytesOf(dtype), bytesOf(dtype))
    this.#view(dtype, pointer, length).fill(Number.NaN)
    return pointer
  }

  #write(dtype: DType, values: readonly number[]): number {
    const pointer = this.#room(dtype, values.length)
    this.#view(dtype, pointer, values.length).set(values)
    return pointer
  }

  #writeIndices(values: readonly number[]): number {
    const pointer = this.#reserve(values.length * 4, 4)
    new Int32Array(this.#memory.buffer, pointer, values.length).set(values)
    return pointer
  }

  #read(dtype: DType, pointer: number, length: number): number[] {
    return [...this.#view(dtype, pointer, length)]
  }

  #readRows(dtype: DType, pointer: number, n: number, k: number): number[][] {
    return Array.from({ length: n }, (_, i) => this.#read(dtype, pointer + i * k * bytesOf(dtype), k))
  }

  #view(dtype: DType, pointer: number, length: number): Float32Array | Float64Array {
    return dtype === 'F32'
      ? new Float32Array(this.#memory.buffer, pointer, length)
      : new Float64Array(this.#memory.buffer, pointer, length)
  }
}

/** What storing a number as an element makes of it. */
export function rounder(dtype: DType): (value: number) => number {
  return dtype === 'F32' ? Math.fround : (value) => value
}

function bytesOf(dtype: DType): number {
  return dtype === 'F32' ? 4 : 8
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
