import type { Engine } from '../kernels/engine.ts'
import { ELEMENT_BYTES, sizeOf, type Tensor, type TensorFault, viewOf } from './tensor.ts'

interface WireType {
  readonly bytes: number
  /** The element type that holds every value of this one with the fewest bytes. */
  readonly natural: 'F32' | 'F64'
  read(view: DataView, offset: number): number
}

const HIGH_WORD = 2 ** 32

/** Element types a binary tensor may have, by their safetensors names; little-endian. */
export const WIRE_TYPES: Readonly<Record<string, WireType>> = {
  F16: { bytes: 2, natural: 'F32', read: (view, offset) => halfToNumber(view.getUint16(offset, true)) },
  BF16: { bytes: 2, natural: 'F32', read: (view, offset) => bfloatToNumber(view.getUint16(offset, true)) },
  F32: { bytes: 4, natural: 'F32', read: (view, offset) => view.getFloat32(offset, true) },
  F64: { bytes: 8, natural: 'F64', read: (view, offset) => view.getFloat64(offset, true) },
  I32: { bytes: 4, natural: 'F64', read: (view, offset) => view.getInt32(offset, true) },
  // Rounded beyond 2^53, where no class index lies.
  I64: {
    bytes: 8,
    natural: 'F64',
    read: (view, offset) => view.getInt32(offset + 4, true) * HIGH_WORD + view.getUint32(offset, true),
  },
  U8: { bytes: 1, natural: 'F32', read: (view, offset) => view.getUint8(offset) },
  U32: { bytes: 4, natural: 'F64', read: (view, offset) => view.getUint32(offset, true) },
}

/**
 * A tensor of `shape` from little-endian elements in kernel memory, at any alignment. Elements of a type that is computed in
 * stay where they are if they are aligned.
 */
export function decodeElements(
  engine: Engine,
  source: number,
  bytes: number,
  type: string,
  shape: readonly number[],
): Tensor {
  return decodeAs(engine, source, bytes, type, shape, WIRE_TYPES[type]!.natural) as Tensor
}

function decodeAs(
  engine: Engine,
  source: number,
  bytes: number,
  type: string,
  shape: readonly number[],
  dtype: 'F32' | 'F64',
): Tensor | TensorFault {
  const { memory } = engine
  const size = sizeOf(shape)
  const isInPlace = type === dtype && source % ELEMENT_BYTES[dtype] === 0
  const pointer = isInPlace ? source : memory.allocate(size * ELEMENT_BYTES[dtype])
  if (!isInPlace && type === dtype) {
    memory.u8(0, memory.byteLength).copyWithin(pointer, source, source + bytes)
  } else if (!isInPlace) {
    const { bytes: stride, read } = WIRE_TYPES[type]!
    const view = new DataView(memory.memory.buffer, source, bytes)
    const values = viewOf(memory, dtype, pointer, size)
    for (let i = 0; i < size; i++) {
      const value = read(view, i * stride)
      values[i] = value
      if (!Number.isFinite(values[i]) && Number.isFinite(value)) {
        return {
          fault: 'validation_failed',
          path: indicesOf(shape, i),
          detail: `expected a number that fits float32, got ${value}`,
        }
      }
    }
  }
  const tensor: Tensor = {
    dtype,
    shape,
    pointer,
    as: (other) => (other === dtype ? tensor : decodeAs(engine, source, bytes, type, shape, other)),
  }
  return tensor
}

function indicesOf(shape: readonly number[], index: number): number[] {
  const path: number[] = []
  let rest = index
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    path.unshift(rest % shape[axis]!)
    rest = Math.floor(rest / shape[axis]!)
  }
  return path
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const bfloat = new DataView(new ArrayBuffer(4))

function bfloatToNumber(bits: number): number {
  bfloat.setUint32(0, bits << 16)
  return bfloat.getFloat32(0)
}
