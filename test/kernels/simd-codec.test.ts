import { expect, test } from 'vitest'
import { loadKernelModule } from '../../src/kernels/load.ts'
import { createScalarCodec } from '../../src/kernels/scalar-codec.ts'
import { formatF32 } from '../../src/kernels/scalar-printer.ts'
import { createSimdKernels } from '../../src/kernels/simd.ts'
import { borderlineF32 } from './borderline.ts'
import { createDesk } from './codec-desk.ts'
import { describeNumberCodec } from './number-codec.ts'
import { mutate, pick, randomArray, randomOf } from './number-texts.ts'

const module = loadKernelModule()!
const runs = Number(process.env.LOSSD_FUZZ_RUNS ?? 10_000)
const seed = Number(process.env.LOSSD_FUZZ_SEED ?? Date.now() % 2 ** 31)

/** What the plain codec has from exact decimal expansions. */
function expectSamePrinted(bits: number[]): void {
  const values = new Float32Array(Uint32Array.from(bits).buffer)
  const printed = createDesk((memory) => createSimdKernels(module, memory))
    .printBits('F32', Uint32Array.from(bits))
    .slice(1, -1)
    .split(',')
  const wrong = printed.findIndex((text, at) => text !== formatF32(values[at]!))
  expect(wrong < 0 ? undefined : [bits[wrong], printed[wrong], formatF32(values[wrong]!)]).toBeUndefined()
}

describeNumberCodec('the WebAssembly codec', (memory) => createSimdKernels(module, memory), Math.max(300_000, runs))

test('the float32 that are closest to other digits print exactly', () => {
  const bits = borderlineF32()
  expect(bits.length).toBeGreaterThan(5000)
  expectSamePrinted(bits)
})

test('powers of two, their neighbours and the least subnormals print exactly', () => {
  const powers = Array.from({ length: 255 }, (_, exponent) => exponent << 23)
  const subnormal = Array.from({ length: 23 }, (_, bit) => 1 << bit)
  const least = Array.from({ length: 2000 }, (_, bits) => bits)
  const around = [...powers, ...subnormal].flatMap((bits) => [Math.max(0, bits - 1), bits, bits + 1])
  expectSamePrinted([...around, ...least, 0x15ae43fc, 0x15ae43fd, 0x15ae43fe, 0x15ae43ff, 0x7f7fffff])
})

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
