import type { Kernels } from './contract.ts'

/** The kernels of one element type, so that callers choose a type once and not at every call. */
export interface TypedKernels {
  readonly softmax: Kernels['softmaxF32']
  readonly crossEntropySparse: Kernels['crossEntropySparseF32']
  readonly crossEntropyDense: Kernels['crossEntropyDenseF32']
  readonly sigmoid: Kernels['sigmoidF32']
  readonly argmax: Kernels['argmaxF32']
  readonly readArray: Kernels['readArrayF32']
  readonly printRows: Kernels['printRowsF32']
  readonly printSparseRows: Kernels['printSparseRowsF32']
}

export function kernelsOf(kernels: Kernels): Record<'F32' | 'F64', TypedKernels> {
  return {
    F32: {
      softmax: kernels.softmaxF32,
      crossEntropySparse: kernels.crossEntropySparseF32,
      crossEntropyDense: kernels.crossEntropyDenseF32,
      sigmoid: kernels.sigmoidF32,
      argmax: kernels.argmaxF32,
      readArray: kernels.readArrayF32,
      printRows: kernels.printRowsF32,
      printSparseRows: kernels.printSparseRowsF32,
    },
    F64: {
      softmax: kernels.softmaxF64,
      crossEntropySparse: kernels.crossEntropySparseF64,
      crossEntropyDense: kernels.crossEntropyDenseF64,
      sigmoid: kernels.sigmoidF64,
      argmax: kernels.argmaxF64,
      readArray: kernels.readArrayF64,
      printRows: kernels.printRowsF64,
      printSparseRows: kernels.printSparseRowsF64,
    },
  }
}
