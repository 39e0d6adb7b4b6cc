import { expect, test } from 'vitest'
import { loadKernelModule } from '../../src/kernels/load.ts'
import { createScalarCodec } from '../../src/kernels/scalar-codec.ts'
import { createSimdKernels } from '../../src/kernels/simd.ts'
import { createDesk } from './codec-desk.ts'
import { describeNumberCodec } from './number-codec.ts'
import { mutate, pick, randomArray, randomOf } from './number-texts.ts'

const module = loadKernelModule()!
const runs = Number(process.env.LOSSD_FUZZ_RUNS ?? 10_000)
const seed = Number(process.env.LOSSD_FUZZ_SEED ?? Date.now() % 2 ** 31)

describeNumberCodec('the WebAssembly codec', (memory) => createSimdKernels(module, memory), Math.max(300_000, runs))

test(`both codecs report the same of ${runs} mutated texts`, { timeout: 20_000 + runs }, () => {
  const random = randomOf(seed)
  const simd = createDesk((memory) => createSimdKernels(module, memory))
  const scalar = createDesk(createScalarCodec)
  for (let run = 0; run < runs; run++) {
    const text = mutate(random, new TextEncoder().encode(randomArray(random)))
    const around = pick(random, [0x39, 0x2c, 0x5d, 0x22, 0x20])
    const type = pick(random, ['F32', 'F64'] as const)
    const what = `seed ${seed}, run ${run}: ${Buffer.from(text).toString('latin1')}`
    expect(simd.read(type, text, around, run % 16), what).toEqual(scalar.read(type, text, around, run % 16))
    expect(simd.skip(text, around), what).toEqual(scalar.skip(text, around))
  }
})
