import { createScalarCodec } from '../../src/kernels/scalar-codec.ts'
import { describeNumberCodec } from './number-codec.ts'

describeNumberCodec('the TypeScript codec', createScalarCodec, 20_000)
