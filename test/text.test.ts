import { describe, expect, test } from 'vitest'
import { createEngine, type Engine } from '../src/kernels/engine.ts'
import { loadKernelModule } from '../src/kernels/load.ts'
import { ELEMENT_BYTES, viewOf } from '../src/wire/tensor.ts'
import { printedBytes, Text } from '../src/wire/text.ts'

const newEngine = () => createEngine(loadKernelModule())

/** The text as it leaves kernel memory, which is nothing but its length. */
function written(text: Text): string {
  const bytes = new Uint8Array(text.length + 1).fill(0xff)
  text.writeTo(bytes)
  expect(bytes.at(-1)).toBe(0xff)
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, -1))
}

function numbers({ memory }: Engine, dtype: 'F32' | 'F64', values: readonly number[]): number {
  const pointer = memory.allocate(values.length * ELEMENT_BYTES[dtype])
  viewOf(memory, dtype, pointer, values.length).set(values)
  return pointer
}

describe('a text', () => {
  test.each([
    ['', 'é', 'ÿ', '€', '😀', `${'a'.repeat(63)}é`],
    ['a'.repeat(64), 'a'.repeat(65), 'é'.repeat(64), 'é'.repeat(65), 'b'],
    ['é', 'a', 'é', 'é', 'a'.repeat(200), 'a'],
  ])('is what was pushed, whatever its letters and lengths', (...parts) => {
    const text = new Text(newEngine())
    for (const part of parts) {
      text.push(part)
      text.pushNumber('F64', -1.5)
    }
    const wanted = parts.map((part) => `${part}-1.5`).join('')
    expect(text.length).toBe(Buffer.byteLength(wanted))
    expect(written(text)).toBe(wanted)
  })

  test('takes as much memory as its letters, whatever was reserved for them', () => {
    const engine = newEngine()
    const pointer = numbers(engine, 'F32', new Array(10_000).fill(1))
    const text = new Text(engine)
    const before = engine.memory.top
    text.pushRows('F32', pointer, 1, 10_000)
    expect(engine.memory.top - before).toBeLessThan(text.length + 32)
    for (let i = 0; i < 1000; i++) text.push('a')
    expect(engine.memory.top - before).toBeLessThan(text.length + 32)
  })

  test.each([
    ['F32', -1.1754942e-38],
    ['F64', -2.2250738585072014e-308],
  ] as const)('has room for the longest numbers of %s', (dtype, longest) => {
    const engine = newEngine()
    const pointer = numbers(engine, dtype, [longest, longest, longest])
    const text = new Text(engine)
    text.pushRows(dtype, pointer, 3, 1)
    expect(text.length).toBeLessThanOrEqual(printedBytes(dtype, 3, 1))
  })

  test('does not go on over memory that was kept while it grew', () => {
    const engine = newEngine()
    const text = new Text(engine)
    text.push('a')
    engine.memory.scratch(() => engine.memory.allocate(64))
    text.push('b')
    expect(written(text)).toBe('ab')
    engine.memory.allocate(64)
    expect(() => text.push('c')).toThrow('This is a bug')
  })
})
