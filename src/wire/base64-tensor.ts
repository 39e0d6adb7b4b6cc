import { MAX_RANK } from '../kernels/contract.ts'
import type { Engine } from '../kernels/engine.ts'
import { shown } from '../problems.ts'
import { decodeOutside, WIRE_TYPES } from './elements.ts'
import { sizeOf, type Tensor, type TensorFault, tensorFault } from './tensor.ts'

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** `{"dtype": "F32", "shape": [2, 3], "data": "<base64>"}` as a tensor. */
export function decodeContainer(engine: Engine, container: Record<string, unknown>): Tensor | TensorFault {
  const { dtype, shape, data, ...rest } = container
  const unknown = Object.keys(rest)[0]
  if (unknown !== undefined) return fault(unknown, 'a tensor has the members dtype, shape and data')
  if (typeof dtype !== 'string' || !Object.hasOwn(WIRE_TYPES, dtype)) {
    return fault('dtype', `expected one of ${Object.keys(WIRE_TYPES).join(', ')}, got ${shown(dtype)}`)
  }
  if (!isShape(shape)) return fault('shape', `expected an array of at most ${MAX_RANK} lengths >= 0`)
  if (typeof data !== 'string' || data.length % 4 !== 0 || !BASE64.test(data))
    return fault('data', 'expected padded base64')
  const bytes = Buffer.from(data, 'base64')
  const expected = sizeOf(shape) * WIRE_TYPES[dtype]!.bytes
  if (bytes.length !== expected)
    return fault('data', `expected ${expected} bytes for ${dtype} [${shape.join(', ')}], got ${bytes.length}`)
  return decodeOutside(engine, bytes, dtype, shape)
}

function isShape(shape: unknown): shape is number[] {
  return (
    Array.isArray(shape) &&
    shape.length <= MAX_RANK &&
    shape.every((length) => Number.isSafeInteger(length) && length >= 0)
  )
}

function fault(member: string, detail: string): TensorFault {
  return tensorFault('tensor_invalid', [member], detail)
}
