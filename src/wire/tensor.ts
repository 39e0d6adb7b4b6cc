import { copyBytes } from '../copy-bytes.ts'
import type { KernelMemory } from '../kernels/memory.ts'

/** Element types a tensor has in kernel memory, by their safetensors names. */
export type ElementType = 'F32' | 'F64' | 'I32'

export const ELEMENT_BYTES = { F32: 4, F64: 8, I32: 4 } as const satisfies Record<ElementType, number>

/**
 * What a decoder makes and no client can write: a field is whatever the body says, and an object with a pointer of the client's choice must not be
 * taken for a tensor.
 */
const DECODED = Symbol('decoded')

/** A dense, row-major array. */
export interface Tensor {
  readonly [DECODED]: 'tensor'
  readonly dtype: 'F32' | 'F64'
  readonly shape: readonly number[]
  /** Byte offset in kernel memory; where there is an `outside`, reading it copies all elements there first. */
  readonly pointer: number
  /** The same elements where they came in, for who reads them once and in parts. */
  readonly outside?: Uint8Array
  /**
   * The same numbers in another element type, each rounded once from what the client wrote.
   * Gives a `TensorFault` where one does not fit that type.
   */
  as(dtype: 'F32' | 'F64'): Tensor | TensorFault
}

/** What a decoder gives in place of a tensor that it could not read: the first fault, for the schema to report at its place. */
export interface TensorFault {
  readonly [DECODED]: 'fault'
  readonly fault: 'validation_failed' | 'shape_mismatch' | 'tensor_invalid'
  /** Indices from the field down to the element at fault. */
  readonly path: readonly (string | number)[]
  readonly detail: string
}

export function isTensor(value: unknown): value is Tensor {
  return decodedAs(value) === 'tensor'
}

export function isTensorFault(value: unknown): value is TensorFault {
  return decodedAs(value) === 'fault'
}

function decodedAs(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (value as { [DECODED]?: unknown })[DECODED] : undefined
}

/** @param as see `Tensor` */
export function tensorAt(
  dtype: 'F32' | 'F64',
  shape: readonly number[],
  pointer: number,
  as: (dtype: 'F32' | 'F64') => Tensor | TensorFault,
): Tensor {
  const tensor: Tensor = {
    [DECODED]: 'tensor',
    dtype,
    shape,
    pointer,
    as: (other) => (other === dtype ? tensor : as(other)),
  }
  return tensor
}

/** A tensor whose elements stay where they came in until somebody asks for its pointer. Its room in kernel memory is reserved, not written. */
export function tensorOutside(
  memory: KernelMemory,
  dtype: 'F32' | 'F64',
  shape: readonly number[],
  outside: Uint8Array,
  as: Tensor['as'],
): Tensor {
  const pointer = memory.allocate(outside.length)
  let isCopied = false
  const tensor: Tensor = {
    [DECODED]: 'tensor',
    dtype,
    shape,
    outside,
    get pointer() {
      if (!isCopied) copyBytes(outside, memory.u8(pointer, outside.length))
      isCopied = true
      return pointer
    },
    as: (other) => (other === dtype ? tensor : as(other)),
  }
  return tensor
}

export function tensorFault(
  fault: TensorFault['fault'],
  path: readonly (string | number)[],
  detail: string,
): TensorFault {
  return { [DECODED]: 'fault', fault, path, detail }
}

/** Bytes of a tensor of an answer: in kernel memory or, where there is an `outside`, there. */
export interface Region {
  readonly pointer: number
  readonly bytes: number
  readonly outside?: Uint8Array | undefined
}

/** Writes the regions of kernel memory behind each other to `target`, from its byte `at` on. */
export function copyRegions(memory: KernelMemory, regions: Iterable<Region>, target: Uint8Array, at: number): void {
  for (const { pointer, bytes, outside } of regions) {
    if (outside) continue
    copyBytes(memory.u8(pointer, bytes), target, at)
    at += bytes
  }
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1)
}

/** A view of a tensor's numbers, valid until kernel memory grows. */
export function valuesOf(
  memory: KernelMemory,
  tensor: Pick<Tensor, 'dtype' | 'shape' | 'pointer'>,
): Float32Array | Float64Array | Int32Array {
  return viewOf(memory, tensor.dtype, tensor.pointer, sizeOf(tensor.shape))
}

const VIEWS = {
  F32: (memory: KernelMemory, pointer: number, length: number) => memory.f32(pointer, length),
  F64: (memory: KernelMemory, pointer: number, length: number) => memory.f64(pointer, length),
  I32: (memory: KernelMemory, pointer: number, length: number) => memory.i32(pointer, length),
}

/** A view of `length` elements at a pointer, valid until kernel memory grows. */
export function viewOf<D extends ElementType>(
  memory: KernelMemory,
  dtype: D,
  pointer: number,
  length: number,
): ReturnType<(typeof VIEWS)[D]> {
  return VIEWS[dtype](memory, pointer, length) as ReturnType<(typeof VIEWS)[D]>
}
