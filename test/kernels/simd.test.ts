import { loadKernelModule } from '../../src/kernels/load.ts'
import { createSimdKernels } from '../../src/kernels/simd.ts'
import { describeLossKernels } from './loss-kernels.ts'
import { describeRowKernels } from './row-kernels.ts'

for (const describeKernels of [describeLossKernels, describeRowKernels]) {
  describeKernels('SIMD', (memory) => {
    const kernels = createSimdKernels(loadKernelModule()!, memory)
    return { kernels, base: kernels.heapBase() }
  })
}
