import type { KernelMemory } from './kernels/memory.ts'
import { refuseAt } from './problems.ts'
import { isTensorFault, type Tensor, valuesOf } from './wire/tensor.ts'

/** A copy of a tensor of this shape as float64, outside kernel memory. */
export function readVector(
  memory: KernelMemory,
  tensor: Tensor,
  path: readonly string[],
  shape: readonly number[],
  meaning: string,
): Float64Array {
  if (!sameShape(tensor.shape, shape)) {
    throw refuseAt(
      'shape_mismatch',
      path,
      `expected ${meaning} of shape [${shape.join(', ')}], got shape [${tensor.shape.join(', ')}]`,
    )
  }
  return Float64Array.from(valuesOf(memory, cast(tensor, 'F64', path)))
}

/** The tensor in another element type; a number that does not fit it is refused at its place. */
export function cast(tensor: Tensor, dtype: 'F32' | 'F64', path: readonly string[]): Tensor {
  const result = tensor.as(dtype)
  if (isTensorFault(result)) throw refuseAt(result.fault, [...path, ...result.path], result.detail)
  return result
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis])
}
