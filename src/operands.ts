import type { KernelMemory } from './kernels/memory.ts'
import { refuseAt } from './problems.ts'
import { isTensor, isTensorFault, type Tensor, valuesOf } from './wire/tensor.ts'

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

/** One weight for each class, [numClasses]; refuses one that is negative or not finite. */
export function readClassWeights(
  memory: KernelMemory,
  numClasses: number,
  field: string,
  tensor: Tensor,
): Float64Array {
  const weights = readVector(memory, tensor, [field], [numClasses], 'one weight for each class,')
  checkWeights(weights, (k) => [field, k])
  return weights
}

export function checkWeights(weights: Float64Array, pathOf: (index: number) => (string | number)[]): void {
  for (const [i, weight] of weights.entries()) {
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY))
      throw refuseAt('validation_failed', pathOf(i), `expected a finite weight >= 0, got ${weight}`)
  }
}

/** The fields of `shape` as the maths takes them: a tensor among them has a weight for each class. */
export function readOperands(
  memory: KernelMemory,
  numClasses: number,
  shape: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const operands: Record<string, unknown> = {}
  for (const name of Object.keys(shape)) {
    const value = given[name]
    operands[name] = isTensor(value) ? readClassWeights(memory, numClasses, name, value) : value
  }
  return operands
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
