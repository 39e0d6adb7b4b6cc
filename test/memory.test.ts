import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { OperationName } from '../src/evaluate.ts'
import { createEngine } from '../src/kernels/engine.ts'
import { loadKernelModule } from '../src/kernels/load.ts'
import { encode, evaluateBytes } from './helpers/evaluate.ts'

interface GoldenCase {
  readonly name: string
  readonly operation: OperationName
  readonly request: object
}

const cases = readdirSync('test/goldens')
  .filter((file) => file.endsWith('.json'))
  .flatMap((file) => JSON.parse(readFileSync(`test/goldens/${file}`, 'utf8')).cases as GoldenCase[])

describe('kernel memory', () => {
  test('shows nothing of an earlier request in an answer', () => {
    const clean = createEngine(loadKernelModule())
    const dirty = createEngine(loadKernelModule())
    for (const { name, operation, request } of cases) {
      const { memory, kernels } = dirty
      memory.u8(kernels.heapBase(), memory.byteLength - kernels.heapBase()).fill(0xff)
      const [expected, actual] = [clean, dirty].map((engine) => evaluateBytes(operation, encode(request), engine))
      expect(actual, name).toEqual(expected)
    }
  })

  test('does not grow from one small request to the next', () => {
    const engine = createEngine(loadKernelModule())
    const body = encode({ logits: [[1, 2, 3]], targets: [1] })
    evaluateBytes('loss', body, engine)
    const before = engine.memory.byteLength
    for (let i = 0; i < 1000; i++) evaluateBytes('loss', body, engine)
    expect(engine.memory.byteLength).toBe(before)
  })
})
