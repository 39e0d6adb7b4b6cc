import type { Kernels } from './contract.ts'

/** The kernels of one element type, so that callers choose a type once and not at every call. */
export interface TypedKernels {
  readonly softmax: Kernels['softmaxF32']
  readonly crossEntropySparse: Kernels['crossEntropySparseF32']
  readonly crossEntropyDense: Kernels['crossEntropyDenseF32']
  readonly sigmoid: Kernels['sigmoidF32']
  readonly distances: Kernels['distancesF32']
  readonly widenSoftmax: Kernels['widenSoftmaxF32']
  readonly slopesToGradients: Kernels['slopesToGradientsF32']
  readonly scaleRows: Kernels['scaleRowsF32']
  readonly add: Kernels['addF32']
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
      distances: kernels.distancesF32,
      widenSoftmax: kernels.widenSoftmaxF32,
      slopesToGradients: kernels.slopesToGradientsF32,
      scaleRows: kernels.scaleRowsF32,
      add: kernels.addF32,
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
      distances: kernels.distancesF64,
      widenSoftmax: kernels.widenSoftmaxF64,
      slopesToGradients: kernels.slopesToGradientsF64,
      scaleRows: kernels.scaleRowsF64,
      add: kernels.addF64,
      argmax: kernels.argmaxF64,
      readArray: kernels.readArrayF64,
      printRows: kernels.printRowsF64,
      printSparseRows: kernels.printSparseRowsF64,
    },
  }
}
