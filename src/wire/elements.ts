import type { Engine } from '../kernels/engine.ts'
import { ELEMENT_BYTES, sizeOf, type Tensor, type TensorFault, viewOf } from './tensor.ts'

interface WireType {
  readonly bytes: number
  /** The element type that holds every value of this one with the fewest bytes. */
  readonly natural: 'F32' | 'F64'
  read(view: DataView, offset: number): number
}

/** Element types a binary tensor may have, by their safetensors names; little-endian. */
export const WIRE_TYPES: Readonly<Record<string, WireType>> = {
  F16: { bytes: 2, natural: 'F32', read: (view, offset) => halfToNumber(view.getUint16(offset, true)) },
  BF16: { bytes: 2, natural: 'F32', read: (view, offset) => bfloatToNumber(view.getUint16(offset, true)) },
  F32: { bytes: 4, natural: 'F32', read: (view, offset) => view.getFloat32(offset, true) },
  F64: { bytes: 8, natural: 'F64', read: (view, offset) => view.getFloat64(offset, true) },
  I32: { bytes: 4, natural: 'F64', read: (view, offset) => view.getInt32(offset, true) },
  I64: { bytes: 8, natural: 'F64', read: (view, offset) => Number(view.getBigInt64(offset, true)) },
  U8: { bytes: 1, natural: 'F32', read: (view, offset) => view.getUint8(offset) },
  U32: { bytes: 4, natural: 'F64', read: (view, offset) => view.getUint32(offset, true) },
}

/**
 * A tensor of `shape` from little-endian elements.
 *
 * @param source gives exactly the tensor's bytes, at any alignment; called again where another element type is wanted
 */
export function decodeElements(
  engine: Engine,
  source: () => Uint8Array,
  type: string,
  shape: readonly number[],
): Tensor {
  return decodeAs(engine, source, type, shape, WIRE_TYPES[type]!.natural) as Tensor
}

function decodeAs(
  engine: Engine,
  source: () => Uint8Array,
  type: string,
  shape: readonly number[],
  dtype: 'F32' | 'F64',
): Tensor | TensorFault {
  const { memory } = engine
  const size = sizeOf(shape)
  const pointer = memory.allocate(size * ELEMENT_BYTES[dtype])
  const bytes = source()
  if (type === dtype) {
    memory.u8(pointer, bytes.length).set(bytes)
  } else {
    const { bytes: stride, read } = WIRE_TYPES[type]!
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const values = viewOf(memory, dtype, pointer, size)
    for (let i = 0; i < size; i++) {
      const value = read(view, i * stride)
      values[i] = value
      if (Number.isFinite(value) && !Number.isFinite(values[i])) {
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
    as: (other) => (other === dtype ? tensor : decodeAs(engine, source, type, shape, other)),
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
