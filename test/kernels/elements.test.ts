import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/kernels/engine.ts'
import { viewOf } from '../../src/wire/tensor.ts'
import { engines, scalarEngine } from '../helpers/evaluate.ts'
import { randomOf } from '../helpers/model.ts'

/** Around the widths of a vector and of a part of a row. */
const CLASSES = [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 255, 257, 1000]
const NUM_ROWS = 3
const TOLERANCE = { F32: 1e-6, F64: 1e-14 } as const
/** Half of the least number above 0 of float32, which rounds to 0 with its sign, and the least of float64. */
const NEXT_TO_NOTHING = { F32: 2 ** -150, F64: 2 ** -1074 } as const
/** What kernels write that answers hold, or that is added up to it. */
const WRITTEN = new Set(['losses', 'gradients', 'q'])
/** What scales them, by name of what is given. */
const SCALES = new Set(['scale', 'factors', 'weights'])
type Dtype = keyof typeof TOLERANCE

const random = randomOf('elements')

function uniform(length: number, least: number, most: number): number[] {
  return Array.from({ length }, () => least + (most - least) * random())
}

/** Logits of which some are masked out, none of the first of a row. */
function logits(numClasses: number): number[] {
  return uniform(NUM_ROWS * numClasses, -9, 9).map((z, i) => (i % numClasses > 0 && random() < 0.1 ? -Infinity : z))
}

type Given = Readonly<Record<string, readonly [type: Dtype | 'I32', values: readonly number[]]>>
type Pointers = Readonly<Record<string, number>>

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

const ROW = () => uniform(NUM_ROWS, 0.25, 2)

/** What every kernel is given, and how it is called. */
type Place = (dtype: Dtype, k: number) => readonly [Given, (engine: Engine) => (pointers: Pointers) => unknown]

const CALLS: Readonly<Record<string, Place>> = {
  'binary cross entropy': (dtype, k) => [
    {
      z: [dtype, logits(k)],
      q: [dtype, uniform(NUM_ROWS * k, 0, 1).map((q) => (q < 0.3 ? 0 : q > 0.7 ? 1 : q))],
      on: [dtype, uniform(k, 0, 2)],
      off: [dtype, uniform(k, 0, 2).map((weight) => (weight < 0.3 ? 0 : weight))],
      scale: ['F64', ROW()],
      losses: ['F64', ROW()],
      gradients: [dtype, uniform(NUM_ROWS * k, 0, 1)],
    },
    ({ typed }) =>
      ({ z, q, on, off, scale, losses, gradients }) =>
        typed[dtype].binaryCrossEntropy(z!, NUM_ROWS, k, q!, on!, off!, scale!, losses!, gradients!),
  ],
  ...Object.fromEntries(
    [
      [2, 2, 0],
      [1, 4, 0.05],
      [0.5, 3, 0.2],
      [0, 0, 0],
    ].map(([gammaOn, gammaOff, clip]) => [
      `a focus of ${gammaOn} and ${gammaOff}, clipped at ${clip},`,
      (dtype: Dtype, k: number) => [
        {
          z: [dtype, logits(k).slice(0, k)],
          on: ['F64', uniform(k, 0, 1)],
          off: ['F64', uniform(k, 0, 1)],
          logOn: ['F64', uniform(k, 0, 1)],
          logOff: ['F64', uniform(k, 0, 1)],
          q: ['F64', uniform(k, 0, 1).map((q) => (q < 0.4 ? 0 : q > 0.7 ? 1 : q))],
          weights: ['F64', uniform(k, 0, 2).map((weight) => (weight < 0.3 ? 0 : weight))],
          gradients: [dtype, uniform(k, 0, 1)],
        },
        ({ typed }: Engine) =>
          ({ z, on, off, logOn, logOff, q, weights, gradients }: Pointers) => {
            typed[dtype].sigmoid(z!, 1, k, on!, off!, logOn!, logOff!)
            const alphas = [0.25, 0.75] as const
            return typed[dtype].focus(
              ...([on!, off!, logOn!, logOff!, q!, weights!, k, gammaOn!, gammaOff!, clip!] as const),
              ...([...alphas, 0.5, gradients!] as const),
            )
          },
      ],
    ]),
  ),
  ...Object.fromEntries(
    [0, 1].map((isSquared) => [
      isSquared ? 'squared margins' : 'margins',
      (dtype: Dtype, k: number) => [
        {
          z: [dtype, logits(k)],
          labels: ['I32', [0, k >> 1, 0]],
          factors: ['F64', ROW()],
          losses: ['F64', ROW()],
          gradients: [dtype, uniform(NUM_ROWS * k, 0, 1)],
        },
        ({ typed }: Engine) =>
          ({ z, labels, factors, losses, gradients }: Record<string, number>) =>
            typed[dtype].margins(z!, NUM_ROWS, k, labels!, 0.5, isSquared, factors!, losses!, gradients!),
      ],
    ]),
  ),
  'tempering and the log of a softmax': (dtype, k) => [
    {
      z: [dtype, logits(k)],
      tempered: [dtype, uniform(NUM_ROWS * k, 0, 1)],
      p: [dtype, uniform(NUM_ROWS * k, 0, 1)],
      max: ['F64', ROW()],
      sum: ['F64', ROW()],
      logs: [dtype, uniform(NUM_ROWS * k, 0, 1)],
    },
    ({ typed }) =>
      ({ z, tempered, p, max, sum, logs }) => {
        typed[dtype].temper(z!, NUM_ROWS, k, 2.5, tempered!)
        typed[dtype].softmax(tempered!, NUM_ROWS, k, p!, max!, sum!)
        typed[dtype].logSoftmax(tempered!, NUM_ROWS, k, max!, sum!, logs!)
      },
  ],
  'a divergence': (dtype, k) => [
    {
      p: [dtype, uniform(NUM_ROWS * k, 0, 1).map((p) => (p < 0.2 ? 0 : p))],
      logP: [dtype, uniform(NUM_ROWS * k, -3, 0)],
      z: [dtype, uniform(NUM_ROWS * k, -9, 9)],
      max: ['F64', ROW()],
      sum: ['F64', ROW()],
      factors: ['F64', ROW()],
      losses: ['F64', ROW()],
      q: [dtype, uniform(NUM_ROWS * k, 0, 1)],
    },
    ({ typed }) =>
      ({ p, logP, z, max, sum, factors, losses, q }) =>
        typed[dtype].divergence(p!, logP!, z!, NUM_ROWS, k, max!, sum!, factors!, losses!, q!),
  ],
  'a divergence the other way round': (dtype, k) => [
    {
      z: [dtype, uniform(k, -9, 9)],
      target: ['F64', uniform(k, -3, 0).map((log) => (log < -2.9 ? -Infinity : log))],
      q: [dtype, uniform(k, 0, 1).map((q) => (q < 0.2 ? 0 : q / k))],
    },
    ({ typed }) =>
      ({ z, target, q }) =>
        typed[dtype].towards(z!, k, 9, 0.5, target!, 1.5, 0.75, q!),
  ],
  'a divergence the other way round of shares next to nothing': (dtype, k) => [
    {
      z: [dtype, uniform(k, 8, 9)],
      target: ['F64', uniform(k, -1, 0)],
      q: [dtype, uniform(k, 0, 1).map((q) => (q < 0.2 ? 0 : 2 * NEXT_TO_NOTHING[dtype]))],
    },
    ({ typed }) =>
      ({ z, target, q }) =>
        typed[dtype].towards(z!, k, 9, 0.5, target!, 1.5, 0.5, q!),
  ],
  ...Object.fromEntries(
    (['one base', 'a base of each class', 'no base'] as const).map((base) => [
      `a likelihood of labels over ${base}`,
      (dtype: Dtype, k: number) => [
        {
          logP: [dtype, logits(k)],
          labels: ['I32', [0, k >> 1, k - 1, 0, 0, k >> 1]],
          coefficients: ['F64', [0.7, 0.2, 0.9, 0, 0, 0.5]],
          base: [dtype, uniform(k, 0, 1).map((each) => (each < 0.3 ? 0 : each / k))],
          scale: ['F64', ROW()],
          losses: ['F64', ROW()],
          gradients: [dtype, uniform(NUM_ROWS * k, 0, 1)],
        },
        ({ typed }: Engine) =>
          ({ logP, labels, coefficients, base: bases, scale, losses, gradients }: Pointers) =>
            typed[dtype].nllSparse(
              ...([logP!, NUM_ROWS, k, labels!, coefficients!, 2] as const),
              ...([base === 'a base of each class' ? bases! : 0, base === 'one base' ? 0.1 / k : 0] as const),
              ...([scale!, losses!, gradients!] as const),
            ),
      ],
    ]),
  ),
  ...Object.fromEntries(
    [false, true].map((isWeighted) => [
      `a likelihood of ${isWeighted ? 'weighted ' : ''}distributions`,
      (dtype: Dtype, k: number) => [
        {
          logP: [dtype, logits(k)],
          q: [dtype, uniform(NUM_ROWS * k, 0, 1).map((q) => (q < 0.4 ? 0 : q / k))],
          weights: [dtype, uniform(k, 0, 2)],
          scale: ['F64', ROW()],
          losses: ['F64', ROW()],
          gradients: [dtype, uniform(NUM_ROWS * k, 0, 1)],
        },
        ({ typed }: Engine) =>
          ({ logP, q, weights, scale, losses, gradients }: Pointers) =>
            typed[dtype].nllDense(
              ...([logP!, NUM_ROWS, k, q!, isWeighted ? weights! : 0, scale!, losses!, gradients!] as const),
            ),
      ],
    ]),
  ),
  ...Object.fromEntries(
    [0, 0.1].map((base) => [
      `a cross entropy of labels and what they miss over ${base}`,
      (dtype: Dtype, k: number) => [
        {
          z: [dtype, logits(k)],
          labels: ['I32', [0, k >> 1, k - 1, 0, 0, k >> 1]],
          coefficients: ['F64', [0.7, 0.2, 0.9, 0, 0, 0.5]],
          missing: ['F64', [1.5, 0, -0.5, 0, 0.25, 2]],
          scale: ['F64', ROW()],
          losses: ['F64', ROW()],
          gradients: [dtype, uniform(NUM_ROWS * k, 0, 1)],
        },
        ({ typed }: Engine) =>
          ({ z, labels, coefficients, missing, scale, losses, gradients }: Pointers) =>
            typed[dtype].polyCrossEntropy(
              ...([z!, NUM_ROWS, k, labels!, coefficients!, missing!, 2, base / k] as const),
              ...([scale!, losses!, gradients!] as const),
            ),
      ],
    ]),
  ),
  ...Object.fromEntries(
    (
      [
        ['focalTerms', 2],
        ['focalTerms', 0],
        ['focalTerms', 0.5],
        ['focalTerms', 3.5],
        ['focalTerms', 1.7],
        ['focalTerms', 12],
        ['powerTerms', 0.7],
        ['powerTerms', 1],
      ] as const
    ).map(([kernel, exponent]) => [
      `${kernel} of ${exponent}`,
      (_dtype: Dtype, k: number) => {
        // In the second row one class has nearly all, in the last all.
        const rows = Array.from({ length: NUM_ROWS }, (_, n) => {
          const z = uniform(k, -3, 3).map((each, i) => (i === k >> 1 ? each + 20 * n ** 2 : each))
          const masked = z.map((each, i) => (i !== k >> 1 && random() < 0.1 ? -Infinity : each))
          const top = masked[k >> 1]!
          const others = masked.reduce((sum, each, i) => (i === k >> 1 ? sum : sum + Math.exp(each - top)), 0)
          return masked.map((each) => each - top - Math.log1p(others))
        })
        const logP = rows.flat()
        return [
          {
            logP: ['F64', logP],
            p: ['F64', logP.map(Math.exp)],
            shares: ['F64', uniform(NUM_ROWS * k, 0, 1).map((each) => (each < 0.3 ? 0 : each))],
            losses: ['F64', ROW()],
            slopes: ['F64', uniform(NUM_ROWS * k, 0, 1)],
          },
          ({ kernels }: Engine) =>
            ({ logP: logs, p, shares, losses, slopes }: Pointers) =>
              kernels[kernel](logs!, p!, shares!, NUM_ROWS, k, exponent, losses!, slopes!),
        ] as const
      },
    ]),
  ),
  ...Object.fromEntries(
    (['one weight', 'weights'] as const).map((weights) => [
      `the consistency of rows of ${weights}`,
      (dtype: Dtype, k: number) => [
        {
          z: [dtype, logits(k)],
          target: ['F64', uniform(k, 0, 1).map((each) => (each < 0.3 ? 0 : each / k))],
          scale: ['F64', weights === 'weights' ? ROW() : [0.5, 0.5, 0.5]],
          losses: ['F64', ROW()],
          q: [dtype, uniform(NUM_ROWS * k, 0, 1)],
          rowMax: ['F64', ROW()],
          logSum: ['F64', ROW()],
        },
        ({ typed, memory }: Engine) =>
          ({ z, target, scale, losses, q, rowMax, logSum }: Pointers) => {
            typed[dtype].softmax(z!, NUM_ROWS, k, q!, rowMax!, logSum!)
            typed[dtype].consistency(
              ...([z!, NUM_ROWS, k, rowMax!, logSum!, target!, scale!, 4] as const),
              ...([memory.allocate(3 * 8 * k), losses!, q!] as const),
            )
          },
      ],
    ]),
  ),
  'a divergence from a row': (dtype, k) => [
    {
      p: [dtype, uniform(k, 0, 1).map((p) => (p < 0.2 ? 0 : p / k))],
      logP: [dtype, uniform(k, -3, 0)],
      target: ['F64', uniform(k, -3, 0)],
    },
    ({ typed }) =>
      ({ p, logP, target }) =>
        typed[dtype].away(p!, logP!, k, target!),
  ],
  'a scaled sum': (dtype, k) => [
    { x: [dtype, uniform(k, -9, 9)], to: ['F64', uniform(k, -1, 1)] },
    ({ typed }) =>
      ({ x, to }) =>
        typed[dtype].addScaled(x!, k, 0.375, to!),
  ],
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
