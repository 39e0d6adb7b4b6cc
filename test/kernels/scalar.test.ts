import { createScalarLossKernels } from '../../src/kernels/scalar.ts'
import { describeLossKernels } from './loss-kernels.ts'
import { describeRowKernels } from './row-kernels.ts'

for (const describeKernels of [describeLossKernels, describeRowKernels])
  describeKernels('scalar', (memory) => ({ kernels: createScalarLossKernels(memory), base: 0 }))
