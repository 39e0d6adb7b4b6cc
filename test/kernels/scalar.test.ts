import { createScalarLossKernels } from '../../src/kernels/scalar.ts'
import { describeLossKernels } from './loss-kernels.ts'

describeLossKernels('scalar', (memory) => ({ kernels: createScalarLossKernels(memory), base: 0 }))
