import { describe, expect, test } from 'vitest'
import type { LossKernels } from '../../src/kernels/contract.ts'
import { type DType, LossDesk, type Rows, rounder } from './loss-desk.ts'
import { softmaxReference } from './reference.ts'

/** Around the widths of a vector and of a block of the widest loop. */
const CLASSES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 1000]
const ROWS = [1, 3]
const DTYPES = ['F32', 'F64'] as const
/** Of losses and gradients, which are made of rounded probabilities. */
const TOLERANCE = { F32: 1e-6, F64: 1e-14 } as const

type Random = () => number

const LOGITS: Record<string, (k: number, random: Random) => number[]> = {
  'in [-2, 2]': (k, random) => fill(k, () => 4 * random() - 2),
  'in [90, 100]': (k, random) => fill(k, () => 90 + 10 * random()),
  'of +-1e30': (k, random) => fill(k, () => (random() < 0.5 ? 1e30 : -1e30)),
  'confident by 12': (k, random) => peaked(k, random, 12),
  'confident by 60': (k, random) => peaked(k, random, 60),
  'with -Infinity': (k, random) => fill(k, (c) => (c > 0 && random() < 0.4 ? -Infinity : random())),
}

/** @param create kernels over a memory, and the first byte of it that is free */
export function describeRowKernels(
  name: string,
  create: (memory: WebAssembly.Memory) => { kernels: LossKernels; base: number },
): void {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65_536 })
  const { kernels, base } = create(memory)
  const desk = new LossDesk(memory, kernels, base)

  describe(`${name} row kernels`, () => {
    for (const dtype of DTYPES) {
      for (const [kind, row] of Object.entries(LOGITS)) {
        test(`distances of ${dtype} logits ${kind} agree with the reference`, () => {
          for (const each of cases(dtype, row))
            for (const isSquared of [false, true]) expectDistances(dtype, each, isSquared)
        })
        test(`widened softmax and gradients of slopes of ${dtype} logits ${kind} agree with the reference`, () => {
          for (const each of cases(dtype, row)) expectWidened(dtype, each)
        })
      }

      test(`distances of a confident row of ${dtype} keep their digits`, () => {
        for (const gap of [20, 35, 60]) {
          const rest = 2 * Math.exp(-gap)
          const logits = [[gap, 0, 0]]
          const target = [[1, 0, 0]]
          const absolute = desk.distances(dtype, logits, target, false, [1])
          expectRelative(absolute.losses[0]!, 2 * rest, 1e-6)
          expectRelative(absolute.gradients[0]![0]!, -2 * rest, 1e-6)
          expectRelative(absolute.gradients[0]![1]!, rest, 1e-6)
          const squared = desk.distances(dtype, logits, target, true, [1])
          expectRelative(squared.losses[0]!, 1.5 * rest * rest, 1e-6)
          // float32 holds gradients down to 1.2e-38.
          if (gap < 40 || dtype === 'F64') expectRelative(squared.gradients[0]![0]!, -3 * rest * rest, 1e-6)
        }
      })

      test(`gradients of slopes keep the digits of a confident row of ${dtype}`, () => {
        for (const gap of [20, 50, 75]) {
          const rest = 2 * Math.exp(-gap)
          const { gradients } = desk.widened(dtype, [[0, gap, 0]], [[0, -1, 0]], [1])
          expectRelative(gradients[0]![1]!, -rest, 1e-6)
          expectRelative(gradients[0]![0]!, rest / 2, 1e-6)
        }
      })

      test(`distances of ${dtype} report a row without a softmax`, () => {
        for (const bad of [[0, Number.NaN, 1], [Infinity, 0, 1], fill(3, () => -Infinity)]) {
          const logits = [[0, 1, 2], bad, [0, 1, 2]]
          expect(
            desk.distances(
              dtype,
              logits,
              logits.map(() => [1, 0, 0]),
              true,
              [1, 1, 1],
            ).faulty,
          ).toBe(1)
        }
      })

      test(`rows of ${dtype} are scaled each by its own factor, and never to -0`, () => {
        for (const k of CLASSES) {
          const random = randomOf(k)
          const rows = fill(3, () => fill(k, () => rounder(dtype)(random() - 0.5)))
          const factors = [2, 0, -0.25]
          expect(desk.scaleRows(dtype, rows, factors)).toEqual(
            rows.map((row, n) => row.map((value) => rounder(dtype)(value * factors[n]!) + 0)),
          )
        }
      })

      test(`${dtype} numbers are added one by one`, () => {
        for (const k of CLASSES) {
          const [a, b] = [fill(k, (i) => i / 4), fill(k, (i) => 1 / 2 ** (i % 8))]
          expect(desk.add(dtype, a, b)).toEqual(a.map((value, i) => rounder(dtype)(value + b[i]!)))
        }
      })
    }
  })

  function expectDistances(dtype: DType, { logits, targets, rowScale }: Given, isSquared: boolean): void {
    const { faulty, losses, gradients } = desk.distances(dtype, logits, targets, isSquared, rowScale)
    expect(faulty).toBe(-1)
    logits.forEach((row, n) => {
      const p = softmaxReference(row)!.probabilities
      const d = p.map((share, k) => share - targets[n]![k]!)
      const h = d.map((each) => (isSquared ? 2 * each : Math.sign(each)))
      const total = p.reduce((sum, share, k) => sum + share * h[k]!, 0)
      const loss = d.reduce((sum, each) => sum + (isSquared ? each * each : Math.abs(each)), 0)
      expectClose(losses[n]!, loss, 2 * TOLERANCE[dtype])
      // Where p and q are next to equal, rounding decides the sign of their difference.
      const isSafe = isSquared || d.every((each) => Math.abs(each) > TOLERANCE[dtype] || each === 0)
      if (!isSafe) return
      p.forEach((share, k) => {
        const wanted = rowScale[n]! * share * (h[k]! - total)
        expectClose(gradients[n]![k]!, wanted, 2 * TOLERANCE[dtype])
        expect(Object.is(gradients[n]![k], -0)).toBe(false)
      })
    })
  }

  function expectWidened(dtype: DType, { logits, slopes, rowScale }: Given): void {
    const { p, logP, gradients } = desk.widened(dtype, logits, slopes, rowScale)
    logits.forEach((row, n) => {
      const { rowMax, logSum, probabilities } = softmaxReference(row)!
      const total = slopes[n]!.reduce((sum, slope) => sum + slope, 0)
      const size = slopes[n]!.reduce((sum, slope) => sum + Math.abs(slope), 1)
      probabilities.forEach((share, k) => {
        expectClose(p[n]![k]!, share, TOLERANCE[dtype])
        const wanted = row[k]! - rowMax - logSum
        expectClose(logP[n]![k]!, wanted, TOLERANCE[dtype] * Math.max(1, logSum))
        expectClose(gradients[n]![k]!, rowScale[n]! * (slopes[n]![k]! - share * total), size * TOLERANCE[dtype])
        expect(Object.is(gradients[n]![k], -0)).toBe(false)
      })
    })
  }
}

interface Given {
  readonly logits: Rows
  readonly targets: Rows
  readonly slopes: Rows
  readonly rowScale: readonly number[]
}

/** Every number of classes and rows; one row in two has a one-hot target. */
function cases(dtype: DType, row: (k: number, random: Random) => number[]): Given[] {
  return CLASSES.flatMap((k) =>
    (k < 1000 ? ROWS : [1]).map((n) => {
      const random = randomOf(1000 * k + n)
      const round = rounder(dtype)
      const label = Math.floor(random() * k)
      return {
        logits: fill(n, () => row(k, random).map(round)),
        targets: fill(n, (i) => fill(k, (c) => (i % 2 === 0 ? Number(c === label) : round((2 * random()) / k) % 1))),
        slopes: fill(n, () => fill(k, () => (random() < 0.3 ? 0 : random() - 0.5))),
        rowScale: fill(n, () => random()),
      }
    }),
  )
}

function peaked(k: number, random: Random, gap: number): number[] {
  const top = Math.floor(random() * k)
  return fill(k, (c) => (c === top ? gap : 2 * random() - 2))
}

function expectClose(actual: number, expected: number, tolerance: number): void {
  if (actual === expected || Math.abs(actual - expected) <= tolerance) return
  expect.fail(`got ${actual}, expected ${expected} +- ${tolerance}, off by ${actual - expected}`)
}

function expectRelative(actual: number, expected: number, tolerance: number): void {
  expectClose(actual, expected, tolerance * Math.abs(expected))
}

function fill<T>(length: number, value: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => value(index))
}

/** mulberry32: the same numbers on every run. */
function randomOf(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}
