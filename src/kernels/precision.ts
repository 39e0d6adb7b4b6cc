import type { Kernels } from './contract.ts'

/** The kernels of one element type, so that callers choose a type once and not at every call. */
export interface TypedKernels {
  readonly softmax: Kernels['softmaxF32']
  readonly crossEntropySparse: Kernels['crossEntropySparseF32']
  readonly crossEntropyDense: Kernels['crossEntropyDenseF32']
  readonly nllSparse: Kernels['nllSparseF32']
  readonly nllDense: Kernels['nllDenseF32']
  readonly polyCrossEntropy: Kernels['polyCrossEntropyF32']
  readonly consistency: Kernels['consistencyF32']
  readonly sigmoid: Kernels['sigmoidF32']
  readonly distances: Kernels['distancesF32']
  readonly widenSoftmax: Kernels['widenSoftmaxF32']
  readonly slopesToGradients: Kernels['slopesToGradientsF32']
  readonly scaleRows: Kernels['scaleRowsF32']
  readonly add: Kernels['addF32']
  readonly binaryCrossEntropy: Kernels['binaryCrossEntropyF32']
  readonly focus: Kernels['focusF32']
  readonly margins: Kernels['marginsF32']
  readonly logSoftmax: Kernels['logSoftmaxF32']
  readonly divergence: Kernels['divergenceF32']
  readonly towards: Kernels['towardsF32']
  readonly away: Kernels['awayF32']
  readonly temper: Kernels['temperF32']
  readonly addScaled: Kernels['addScaledF32']
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
      nllSparse: kernels.nllSparseF32,
      nllDense: kernels.nllDenseF32,
      polyCrossEntropy: kernels.polyCrossEntropyF32,
      consistency: kernels.consistencyF32,
      sigmoid: kernels.sigmoidF32,
      distances: kernels.distancesF32,
      widenSoftmax: kernels.widenSoftmaxF32,
      slopesToGradients: kernels.slopesToGradientsF32,
      scaleRows: kernels.scaleRowsF32,
      add: kernels.addF32,
      binaryCrossEntropy: kernels.binaryCrossEntropyF32,
      focus: kernels.focusF32,
      margins: kernels.marginsF32,
      logSoftmax: kernels.logSoftmaxF32,
      divergence: kernels.divergenceF32,
      towards: kernels.towardsF32,
      away: kernels.awayF32,
      temper: kernels.temperF32,
      addScaled: kernels.addScaledF32,
      argmax: kernels.argmaxF32,
      readArray: kernels.readArrayF32,
      printRows: kernels.printRowsF32,
      printSparseRows: kernels.printSparseRowsF32,
    },
    F64: {
      softmax: kernels.softmaxF64,
      crossEntropySparse: kernels.crossEntropySparseF64,
      crossEntropyDense: kernels.crossEntropyDenseF64,
      nllSparse: kernels.nllSparseF64,
      nllDense: kernels.nllDenseF64,
      polyCrossEntropy: kernels.polyCrossEntropyF64,
      consistency: kernels.consistencyF64,
      sigmoid: kernels.sigmoidF64,
      distances: kernels.distancesF64,
      widenSoftmax: kernels.widenSoftmaxF64,
      slopesToGradients: kernels.slopesToGradientsF64,
      scaleRows: kernels.scaleRowsF64,
      add: kernels.addF64,
      binaryCrossEntropy: kernels.binaryCrossEntropyF64,
      focus: kernels.focusF64,
      margins: kernels.marginsF64,
      logSoftmax: kernels.logSoftmaxF64,
      divergence: kernels.divergenceF64,
      towards: kernels.towardsF64,
      away: kernels.awayF64,
      temper: kernels.temperF64,
      addScaled: kernels.addScaledF64,
      argmax: kernels.argmaxF64,
      readArray: kernels.readArrayF64,
      printRows: kernels.printRowsF64,
      printSparseRows: kernels.printSparseRowsF64,
    },
  }
}
