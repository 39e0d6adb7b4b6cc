import { copyBytes } from '../copy-bytes.ts'
import type { Engine } from '../kernels/engine.ts'
import type { KernelMemory } from '../kernels/memory.ts'
import { MIN_OUTSIDE_BYTES } from './outside.ts'
import {
  ELEMENT_BYTES,
  sizeOf,
  type Tensor,
  type TensorFault,
  tensorAt,
  tensorFault,
  tensorOutside,
  viewOf,
} from './tensor.ts'

type Numbers = Float32Array | Float64Array

interface WireType {
  readonly bytes: number
  /** The element type that holds every value of this one with the fewest bytes. */
  readonly natural: 'F32' | 'F64'
  /** Writes the `size` elements at `source`, a multiple of their size, to `values`. */
  read(memory: KernelMemory, source: number, size: number, values: Numbers): void
}

const HIGH_WORD = 2 ** 32

/** Element types a binary tensor may have, by their safetensors names; little-endian. */
export const WIRE_TYPES: Readonly<Record<string, WireType>> = {
  F16: { bytes: 2, natural: 'F32', read: readHalves },
  BF16: { bytes: 2, natural: 'F32', read: readBrainHalves },
  F32: { bytes: 4, natural: 'F32', read: (memory, source, size, values) => values.set(memory.f32(source, size)) },
  F64: { bytes: 8, natural: 'F64', read: (memory, source, size, values) => values.set(memory.f64(source, size)) },
  I32: { bytes: 4, natural: 'F64', read: (memory, source, size, values) => values.set(memory.i32(source, size)) },
  I64: { bytes: 8, natural: 'F64', read: readLongs },
  U8: { bytes: 1, natural: 'F32', read: (memory, source, size, values) => values.set(memory.u8(source, size)) },
  U32: {
    bytes: 4,
    natural: 'F64',
    read: ({ memory }, source, size, values) => values.set(new Uint32Array(memory.buffer, source, size)),
  },
}

/**
 * A tensor of `shape` from little-endian elements outside of kernel memory, at any alignment. Many elements of a type that is computed in stay there:
 * `bytes` must stay as they are for as long as the tensor is used.
 */
export function decodeOutside(engine: Engine, bytes: Uint8Array, type: string, shape: readonly number[]): Tensor {
  const { memory } = engine
  if (type === WIRE_TYPES[type]!.natural && bytes.length >= MIN_OUTSIDE_BYTES) {
    const tensor: Tensor = tensorOutside(memory, type, shape, bytes, (dtype) =>
      decodeAs(memory, tensor.pointer, type, shape, dtype),
    )
    return tensor
  }
  const pointer = memory.allocate(bytes.length)
  copyBytes(bytes, memory.u8(pointer, bytes.length))
  return decodeElements(engine, pointer, type, shape)
}

/**
 * A tensor of `shape` from little-endian elements in kernel memory, at a multiple of 8. Elements of a type that is computed in stay where they are.
 */
export function decodeElements(engine: Engine, source: number, type: string, shape: readonly number[]): Tensor {
  return decodeAs(engine.memory, source, type, shape, WIRE_TYPES[type]!.natural) as Tensor
}

function decodeAs(
  memory: KernelMemory,
  source: number,
  type: string,
  shape: readonly number[],
  dtype: 'F32' | 'F64',
): Tensor | TensorFault {
  const size = sizeOf(shape)
  const pointer = type === dtype ? source : memory.allocate(size * ELEMENT_BYTES[dtype])
  if (type !== dtype) {
    const values = viewOf(memory, dtype, pointer, size)
    WIRE_TYPES[type]!.read(memory, source, size, values)
    // No other type holds more than float32 does.
    const tooLarge = type === 'F64' ? firstOverflow(memory.f64(source, size), values) : undefined
    if (tooLarge) {
      const detail = `expected a number that fits float32, got ${tooLarge.value}`
      return tensorFault('validation_failed', indicesOf(shape, tooLarge.index), detail)
    }
  }
  return tensorAt(dtype, shape, pointer, (other) => decodeAs(memory, source, type, shape, other))
}

/** The first finite number that became an infinity. */
function firstOverflow(from: Float64Array, values: Numbers): { index: number; value: number } | undefined {
  for (let index = 0; index < from.length; index++) {
    const value = from[index]!
    if (!Number.isFinite(values[index]) && Number.isFinite(value)) return { index, value }
  }
  return undefined
}

/** Indices in an array of this shape of its element number `index`. */
export function indicesOf(shape: readonly number[], index: number): number[] {
  const path: number[] = []
  let rest = index
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    path.unshift(rest % shape[axis]!)
    rest = Math.floor(rest / shape[axis]!)
  }
  return path
}

/** Rounded beyond 2^53, where no class index lies. */
function readLongs(memory: KernelMemory, source: number, size: number, values: Numbers): void {
  const words = memory.i32(source, size * 2)
  for (let i = 0; i < size; i++) values[i] = words[2 * i + 1]! * HIGH_WORD + (words[2 * i]! >>> 0)
}

const word = new Uint32Array(1)
const wordAsFloat = new Float32Array(word.buffer)

/** bfloat16 is the upper half of a float32. */
function readBrainHalves({ memory }: KernelMemory, source: number, size: number, values: Numbers): void {
  const halves = new Uint16Array(memory.buffer, source, size)
  for (let i = 0; i < size; i++) {
    word[0] = halves[i]! << 16
    values[i] = wordAsFloat[0]!
  }
}

/** The value of every float16, made when the first one is read. */
let halfValues: Float32Array | undefined

function readHalves({ memory }: KernelMemory, source: number, size: number, values: Numbers): void {
  halfValues ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => halfToNumber(bits))
  const halves = new Uint16Array(memory.buffer, source, size)
  for (let i = 0; i < size; i++) values[i] = halfValues[halves[i]!]!
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
