import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/kernels/engine.ts'
import { viewOf } from '../../src/wire/tensor.ts'
import { engines, scalarEngine } from '../helpers/evaluate.ts'
import { CALLS, type Given, NEXT_TO_NOTHING, NUM_ROWS, type Pointers, uniform } from './element-calls.ts'

/** Around the widths of a vector and of a part of a row. */
const CLASSES = [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 255, 257, 1000]
const TOLERANCE = { F32: 1e-6, F64: 1e-14 } as const
/** What kernels write that answers hold, or that is added up to it. */
const WRITTEN = new Set(['losses', 'gradients', 'q'])
/** What scales them, by name of what is given. */
const SCALES = new Set(['scale', 'factors', 'weights'])

interface Left {
  readonly result: unknown
  readonly left: Readonly<Record<string, number[]>>
}

/** What a call leaves in memory: it gets pointers to what is given, each on its own, and gives what it returns. */
function run({ memory }: Engine, given: Given, call: (pointers: Pointers) => unknown): Left {
  memory.reset()
  const places = Object.entries(given).map(([name, [type, values]]) => {
    const pointer = memory.allocate(8 * values.length)
    viewOf(memory, type, pointer, values.length).set(values)
    return { name, type, pointer, length: values.length }
  })
  const result = call(Object.fromEntries(places.map(({ name, pointer }) => [name, pointer])))
  const left = places.map(({ name, type, pointer, length }) => [name, [...viewOf(memory, type, pointer, length)]])
  return { result, left: Object.fromEntries(left) }
}

function near(actual: unknown, wanted: unknown, tolerance: number, what: string): void {
  const [a, b] = [actual as number, wanted as number]
  if (!Object.is(a, b) && !(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b))))
    expect.fail(`${what}: ${a}, expected ${b}`)
}

function agree(actual: Left, wanted: Left, tolerance: number): void {
  if (typeof wanted.result === 'number') near(actual.result, wanted.result, tolerance, 'result')
  for (const [name, values] of Object.entries(wanted.left))
    values.forEach((value, i) => {
      near(actual.left[name]![i], value, tolerance, `${name}[${i}]`)
    })
}

describe.each(engines)('$kernels.name element kernels', (engine) => {
  for (const [name, place] of Object.entries(CALLS)) {
    test.each(['F32', 'F64'] as const)(`agree with the plain ones on ${name} of %s`, (dtype) => {
      for (const k of CLASSES) {
        const [given, call] = place(dtype, k)
        agree(
          run(engine, given, call(engine)),
          run(scalarEngine, given, call(scalarEngine)),
          TOLERANCE[dtype] * Math.sqrt(k),
        )
      }
    })
  }

  test.each(['F32', 'F64'] as const)('write 0, not -0, where a number of %s next to it vanishes', (dtype) => {
    const tiny = NEXT_TO_NOTHING[dtype]
    const vanishing = (given: Given): Given =>
      Object.fromEntries(
        Object.entries(given).map(([name, [type, values]]) => [
          name,
          [type, SCALES.has(name) && type === 'F64' ? values.map((value) => value * tiny) : values],
        ]),
      )
    const held: string[] = []
    for (const [name, place] of Object.entries(CALLS)) {
      for (const k of CLASSES) {
        const [given, call] = place(dtype, k)
        for (const [tensor, values] of Object.entries(run(engine, vanishing(given), call(engine)).left)) {
          const at = WRITTEN.has(tensor) ? values.findIndex((value) => Object.is(value, -0)) : -1
          if (at !== -1) held.push(`${name} of ${k}: ${tensor}[${at}]`)
        }
      }
    }
    expect(held).toEqual([])
  })

  test('give logarithms of all magnitudes, and to their last digits next to 1', () => {
    const values = [1, 1 + 1e-12, 1 - 1e-12, 0.5, 2, Math.SQRT1_2, Math.SQRT2, 1e-300, 1e300, 2 ** -1022, 3e-16]
    const many = [...values, ...uniform(2001, 0, 4), ...uniform(500, -700, 700).map(Math.exp)]
    const { left } = run(engine, { x: ['F64', many] }, ({ x }) => engine.kernels.logarithms(x!, many.length))
    many.forEach((value, i) => {
      const wanted = Math.log(value)
      expect(Math.abs(left.x![i]! - wanted), `log ${value}`).toBeLessThanOrEqual(4 * 2 ** -52 * Math.abs(wanted))
    })
    const vanished = run(engine, { x: ['F64', [0, 5e-324, 1]] }, ({ x }) => engine.kernels.logarithms(x!, 3))
    expect(vanished.left.x).toEqual([Math.log(2 ** -1022), Math.log(2 ** -1022), 0])
  })

  test('keep the digits of what a confident row misses', () => {
    const logits = [0, 50, 0]
    const [missing, loss] = [2 * Math.exp(-50), (1 + 0.5) * 2 * Math.exp(-50)]
    const given: Given = {
      z: ['F64', logits],
      labels: ['I32', [1]],
      one: ['F64', [1]],
      half: ['F64', [0.5]],
      losses: ['F64', [0]],
      gradients: ['F64', [0, 0, 0]],
    }
    const { left } = run(engine, given, ({ z, labels, one, half, losses, gradients }) =>
      engine.typed.F64.polyCrossEntropy(z!, 1, 3, labels!, one!, half!, 1, 0, one!, losses!, gradients!),
    )
    near(left.losses![0]! / loss, 1, 1e-12, 'loss')
    near(left.gradients![1]! / missing, -1.5, 1e-12, 'gradient')
  })

  test.each([
    ['F32', 'a cross entropy of labels and what they miss over 0.1'],
    ['F32', 'binary cross entropy'],
    ['F64', 'binary cross entropy'],
    ['F32', 'a likelihood of labels over one base'],
    ['F64', 'a likelihood of labels over a base of each class'],
    ['F32', 'a likelihood of labels over no base'],
    ['F64', 'a likelihood of distributions'],
  ] as const)('name the first row of %s of which there is no %s', (dtype, name) => {
    for (const k of CLASSES) {
      for (const bad of [Number.NaN, Infinity, -Infinity]) {
        const z = uniform(NUM_ROWS * k, -1, 1).map((each, i) =>
          Math.floor(i / k) === 1 && (bad === -Infinity || i % k === k - 1) ? bad : each,
        )
        const [given, call] = CALLS[name]!(dtype, k)
        const scores = 'z' in given ? 'z' : 'logP'
        expect(run(engine, { ...given, [scores]: [dtype, z] }, call(engine)).result).toBe(1)
      }
    }
  })
})
