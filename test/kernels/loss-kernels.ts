import { describe, expect, test } from 'vitest'
import type { LossKernels } from '../../src/kernels/contract.ts'
import { type DType, LossDesk, type Rows, rounder } from './loss-desk.ts'
import { argmaxReference, crossEntropyReference, sigmoidReference, softmaxReference } from './reference.ts'

/** Around the widths of a vector and of a block of the widest loop. */
const CLASSES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 1000]
const ROWS = [1, 2, 3]
const DTYPES = ['F32', 'F64'] as const

/** Losses relative, gradients absolute for a target that sums to 1. */
const TOLERANCE = {
  F32: { loss: 2 * 2 ** -23, gradient: 1e-7 },
  F64: { loss: 1e-12, gradient: 2e-15 },
} as const

/** Relative, and what is as small as nothing. */
const SIGMOID = {
  F32: { relative: 3 * 2 ** -23, least: 2 ** -126 },
  F64: { relative: 3 * 2 ** -52, least: 1e-307 },
} as const

type Random = () => number
type LogitRow = (numClasses: number, random: Random) => number[]

const LOGITS: Record<string, LogitRow> = {
  'in [-2, 2]': (k, random) => fill(k, () => 4 * random() - 2),
  'in [90, 100], where exp overflows without the maximum': (k, random) => fill(k, () => 90 + 10 * random()),
  'in [-2000, -1900]': (k, random) => fill(k, () => -2000 + 100 * random()),
  'of +-1e30': (k, random) => fill(k, () => (random() < 0.5 ? 1e30 : -1e30)),
  'of +-3e38': (k, random) => fill(k, () => (random() < 0.5 ? 3e38 : -3e38)),
  'that are all equal': (k) => fill(k, () => 12.1),
  'equal but for one 12 above': (k, random) => peaked(k, random, 12, () => 0.3),
  'with one -Infinity': (k, random) => masked(k, random, 1),
  'that are mostly -Infinity': (k, random) => masked(k, random, Math.max(0, k - 2)),
}
for (const gap of [1, 3, 8, 20, 45, 60, 87, 90, 100]) {
  LOGITS[`confident by ${gap}`] = (k, random) => peaked(k, random, gap, () => 4 * random() - 2)
}

/** @param create kernels over a memory, and the first byte of it that is free */
export function describeLossKernels(
  name: string,
  create: (memory: WebAssembly.Memory) => { kernels: LossKernels; base: number },
): void {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65_536 })
  const { kernels, base } = create(memory)
  const desk = new LossDesk(memory, kernels, base)

  describe(`${name} loss kernels`, () => {
    for (const dtype of DTYPES) {
      for (const [kind, row] of Object.entries(LOGITS)) {
        test(`softmax of ${dtype} logits ${kind} agrees with the reference`, () => {
          for (const { logits } of cases(dtype, row)) expectSoftmax(dtype, logits)
        })
        test(`sigmoid of ${dtype} logits ${kind} agrees with the reference`, () => {
          for (const { logits } of cases(dtype, row)) expectSigmoid(dtype, logits)
        })
        test(`sparse cross entropy of ${dtype} logits ${kind} agrees with the reference`, () => {
          for (const { logits, random } of cases(dtype, row)) expectSparse(dtype, logits, random)
        })
        test(`dense cross entropy of ${dtype} logits ${kind} agrees with the reference`, () => {
          for (const { logits, random } of cases(dtype, row)) expectDense(dtype, logits, random)
        })
        test(`a batch of ${dtype} logits ${kind} equals its rows to the last bit`, () => {
          for (const { logits, random } of cases(dtype, row)) expectBatchEqualsRows(dtype, logits, random)
        })
      }

      test(`a row of ${dtype} with NaN, +Infinity or nothing but -Infinity is reported wherever it is`, () => {
        for (const k of CLASSES) {
          for (const fault of [Number.NaN, Number.POSITIVE_INFINITY]) {
            for (const at of new Set([0, 1, 2, 3, k >> 1, k - 2, k - 1]))
              if (at >= 0 && at < k) expectFault(dtype, k, fault, at)
          }
          expectFault(dtype, k, Number.NEGATIVE_INFINITY, 'everywhere')
        }
      })

      test(`a NaN of ${dtype} is reported beside -Infinity and beside a confident maximum`, () => {
        for (const k of [2, 5, 16, 33]) {
          for (let at = 0; at < k; at++) {
            const masked: number[] = fill(k, () => Number.NEGATIVE_INFINITY)
            masked[at] = Number.NaN
            expect(desk.softmax(dtype, [masked]).faulty).toBe(0)
            const confident: number[] = fill(k, () => 0)
            confident[(at + 1) % k] = 100
            confident[at] = Number.NaN
            expect(desk.softmax(dtype, [confident], 'in place').faulty).toBe(0)
          }
        }
      })

      test(`a confident row of ${dtype} keeps the digits of a loss far below its epsilon`, () => {
        for (const gap of [20, 50, 75, 100]) {
          const logits = [[gap, 0, 0]]
          const expected = Math.log1p(2 * Math.exp(-gap))
          const { losses, gradients } = desk.sparse(dtype, { logits, labels: [[0]], coefficients: [[1]], base: 0 })
          expectClose(losses[0]!, expected, expected * TOLERANCE[dtype].loss)
          // float32 holds gradients down to 1.2e-38.
          if (gap < 80) expectClose(gradients[0]![0]!, -expected, expected * 1e-6)
        }
      })

      test(`a target of 0 at -Infinity costs nothing in ${dtype}, more than 0 costs Infinity and leaves the gradient finite`, () => {
        const logits = [[1, Number.NEGATIVE_INFINITY, 0, 0.5, 2]]
        const free = { logits, labels: [[0]], coefficients: [[0.9]] }
        const shared = desk.sparse(dtype, { ...free, base: [0.025, 0, 0.025, 0.025, 0.025] })
        expect(shared.losses[0]).toBeLessThan(10)
        for (const costly of [
          desk.sparse(dtype, { ...free, base: 0.02 }),
          desk.sparse(dtype, { ...free, base: [0.02, 0.02, 0.02, 0.02, 0.02] }),
          desk.sparse(dtype, { logits, labels: [[1]], coefficients: [[1]], base: 0 }),
          desk.dense(dtype, { logits, targets: [[0, 1, 0, 0, 0]] }),
        ]) {
          expect(costly.faulty).toBe(-1)
          expect(costly.losses).toEqual([Number.POSITIVE_INFINITY])
          expect(costly.gradients[0]!.every(Number.isFinite)).toBe(true)
        }
        const absent = desk.sparse(dtype, { logits, labels: [[1]], coefficients: [[0]], base: 0 })
        expect(absent.losses).toEqual([0])
      })

      test(`a loss of nothing is 0 and not -0 in ${dtype}`, () => {
        const { losses, gradients } = desk.sparse(dtype, {
          logits: [[3], [-4]],
          labels: [[0], [0]],
          coefficients: [[1], [0]],
          base: 0,
          rowScale: [1, 0],
        })
        expect(losses.map((loss) => Object.is(loss, 0))).toEqual([true, true])
        expect(gradients.flat().map((gradient) => Object.is(gradient, 0))).toEqual([true, true])
        const ignored = { logits: [[3, 4, 5]], labels: [[2]], coefficients: [[1]], base: 0, rowScale: [0] }
        expect(desk.sparse(dtype, ignored).gradients[0]!.every((gradient) => Object.is(gradient, 0))).toBe(true)
      })

      test(`a gradient of ${dtype} that vanishes is 0 and not -0`, () => {
        const random = randomOf(13)
        // Half of the least float32 above 0, which rounds to 0 with its sign, and the least float64.
        const least = dtype === 'F32' ? 2 ** -150 : 2 ** -1074
        for (const { logits } of cases(dtype, (k) => peaked(k, random, 20, () => 4 * random() - 2))) {
          const rowScale = logits.map(() => least * random())
          const targets = logits.map((row) => row.map(() => random() / row.length))
          const [labels, coefficients] = [logits.map(() => [0]), logits.map(() => [0.9])]
          for (const { gradients } of [
            desk.sparse(dtype, { logits, labels, coefficients, base: 0, rowScale }),
            desk.sparse(dtype, { logits, labels, coefficients, base: 0.1 / logits[0]!.length, rowScale }),
            desk.dense(dtype, { logits, targets, rowScale }),
          ])
            expect(gradients.flat().findIndex((gradient) => Object.is(gradient, -0))).toBe(-1)
        }
      })

      test(`131072 classes of ${dtype} lose no accuracy`, () => {
        const random = randomOf(7)
        for (const logits of [fill(131_072, () => 0.75), fill(131_072, () => Math.fround(8 * random() - 4))]) {
          logits[70_001] = 12.5
          expectSoftmax(dtype, [logits])
          const target = fill(131_072, () => 0.1 / 131_072)
          target[5]! += 0.9
          const sparse = { logits: [logits], labels: [[5]], coefficients: [[0.9]], base: 0.1 / 131_072 }
          expectCrossEntropy(dtype, [logits], [target], desk.sparse(dtype, sparse))
          const rounded = target.map(rounder(dtype))
          expectCrossEntropy(dtype, [logits], [rounded], desk.dense(dtype, { logits: [logits], targets: [rounded] }))
        }
      })

      test(`random rows of ${dtype} at every offset and confidence stay within tolerance`, () => {
        const random = randomOf(11)
        const offsets = [0, 1, -5, 10, 90, -300, 600, -2040, 2040, 5000]
        for (let i = 0; i < 500; i++) {
          const k = pick(CLASSES.slice(1, -1), random)
          const offset = pick(offsets, random)
          const spread = pick([0, 1e-3, 0.5, 2, 10], random)
          const row = peaked(k, random, random() * random() * 100, () => offset + spread * (2 * random() - 1))
          expectSparse(dtype, [row.map(rounder(dtype))], random)
        }
      })

      test(`sigmoid of ${dtype} keeps its digits at both ends and everywhere between`, () => {
        expectSigmoid(dtype, [fill(20_001, (i) => rounder(dtype)((i - 10_000) / 100))])
        expectSigmoid(dtype, [fill(2001, (i) => rounder(dtype)((i - 1000) * 1e-5))])
      })

      test(`sigmoid of ${dtype} writes every row and names the first that holds NaN, +Infinity or nothing but -Infinity`, () => {
        for (const k of CLASSES) {
          for (const fault of [Number.NaN, Number.POSITIVE_INFINITY]) {
            for (const at of new Set([0, k >> 1, k - 1])) {
              const logits = fill(3, (n) => fill(k, (i) => (n === 1 && i === at ? fault : 1)))
              const { faulty, on, logOff } = desk.sigmoid(dtype, logits)
              expect(faulty).toBe(1)
              expect(on[1]![at]).toBe(Number.isNaN(fault) ? Number.NaN : 1)
              expect(logOff[1]![at]).toBe(Number.isNaN(fault) ? Number.NaN : Number.NEGATIVE_INFINITY)
              expectClose(on[2]![k - 1]!, sigmoidReference(1).on, 2e-7)
            }
          }
          const masked = fill(k, () => Number.NEGATIVE_INFINITY)
          expect(desk.sigmoid(dtype, [fill(k, () => 0), masked]).faulty).toBe(1)
        }
      })

      test(`argmax of ${dtype} is the lowest index of the maximum, or of a NaN`, () => {
        const random = randomOf(3)
        for (const k of CLASSES) {
          const rows = [
            fill(k, () => Math.floor(4 * random())),
            fill(k, () => Number.NEGATIVE_INFINITY),
            fill(k, (i) => (i % 2 === 0 ? -0 : 0)),
            fill(k, (i) => (i === k - 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY)),
            fill(k, (i) => (i >= k >> 1 ? Number.NaN : i)),
            fill(k, (i) => i),
            fill(k, (i) => -i),
          ]
          expect(desk.argmax(dtype, rows)).toEqual(rows.map(argmaxReference))
        }
      })
    }

    test('memory may grow between two calls', () => {
      const logits = [[1, 2, 3]]
      const before = desk.softmax('F32', logits)
      memory.grow(1)
      expect(desk.softmax('F32', logits)).toEqual(before)
    })
  })

  function expectSoftmax(dtype: DType, logits: Rows): void {
    const { faulty, probabilities, rowMax, logSum } = desk.softmax(dtype, logits)
    expect(faulty).toBe(-1)
    for (const [n, row] of logits.entries()) {
      const expected = softmaxReference(row)!
      expect(rowMax[n]).toBe(expected.rowMax)
      expectClose(logSum[n]!, expected.logSum, expected.logSum * TOLERANCE[dtype].loss + Number.MIN_VALUE)
      expectAllClose(probabilities[n]!, expected.probabilities, TOLERANCE[dtype].gradient)
    }
    expectSame(desk.softmax(dtype, logits, 'in place'), { faulty, probabilities, rowMax, logSum })
    expectSame(desk.softmax(dtype, logits, 'not wanted'), { faulty, probabilities: [], rowMax, logSum })
  }

  function expectSigmoid(dtype: DType, logits: Rows): void {
    const { faulty, ...results } = desk.sigmoid(dtype, logits)
    expect(faulty).toBe(-1)
    for (const [n, row] of logits.entries()) {
      const expected = row.map(sigmoidReference)
      for (const name of ['on', 'off', 'logOn', 'logOff'] as const) {
        for (const [k, value] of results[name][n]!.entries()) {
          const wanted = expected[k]![name]
          expectClose(value, wanted, SIGMOID[dtype].relative * Math.abs(wanted) + SIGMOID[dtype].least, k)
        }
      }
    }
  }

  function expectSparse(dtype: DType, logits: Rows, random: Random): void {
    const k = logits[0]!.length
    const vector = fill(k, () => (random() < 0.3 ? 0 : (0.2 * random()) / k)).map(rounder(dtype))
    const label = () => Math.floor(random() * k)
    const two = logits.map(() => (random() < 0.3 ? [label()].flatMap((y) => [y, y]) : [label(), label()]))
    const share = random()
    for (const base of [0, 0.1 / k, vector]) {
      for (const [labels, coefficients] of [
        [two.map(([y]) => [y!]), logits.map(() => [0.9])],
        [two, logits.map(() => [0.9 * share, 0.9 * (1 - share)])],
        [two, logits.map(() => [0.9, 0])],
        [logits.map((row) => [row.indexOf(maxOf(row))]), logits.map(() => [0.9])],
      ] as const) {
        const shared = typeof base === 'number' ? fill(k, () => base) : base
        const targets = logits.map((_, n) => {
          const target = [...shared]
          for (const [j, y] of labels[n]!.entries()) target[y]! += coefficients[n]![j]!
          return target
        })
        const given = { logits, labels, coefficients, base }
        const result = desk.sparse(dtype, given)
        expectCrossEntropy(dtype, logits, targets, result)
        expectSame(desk.sparse(dtype, { ...given, wantsGradients: false }), { ...result, gradients: [] })
      }
    }
  }

  function expectDense(dtype: DType, logits: Rows, random: Random): void {
    const k = logits[0]!.length
    const targets = logits.map(() => fill(k, () => (random() < 0.3 ? 0 : (2 * random()) / k)).map(rounder(dtype)))
    const weights = fill(k, () => 2 * random()).map(rounder(dtype))
    for (const classWeights of [undefined, weights]) {
      const weighted = targets.map((row) => row.map((q, i) => q * (classWeights?.[i] ?? 1)))
      const result = desk.dense(dtype, { logits, targets, classWeights })
      expectCrossEntropy(dtype, logits, weighted, result)
      const lossOnly = desk.dense(dtype, { logits, targets, classWeights, wantsGradients: false })
      expectSame(lossOnly, { ...result, gradients: [] })
    }
  }

  function expectCrossEntropy(
    dtype: DType,
    logits: Rows,
    targets: Rows,
    { faulty, losses, gradients }: ReturnType<LossDesk['sparse']>,
  ): void {
    expect(faulty).toBe(-1)
    for (const [n, row] of logits.entries()) {
      const expected = crossEntropyReference(row, targets[n]!)!
      expectClose(losses[n]!, expected.loss, expected.loss * TOLERANCE[dtype].loss + Number.MIN_VALUE)
      const mass = targets[n]!.reduce((sum, target) => sum + target, 0)
      // The mass itself is a rounded sum of that many terms.
      const tolerance = TOLERANCE[dtype].gradient * Math.max(1, mass) * (1 + row.length / 32_768)
      expectAllClose(gradients[n]!, expected.gradients, tolerance)
    }
  }

  function expectBatchEqualsRows(dtype: DType, logits: Rows, random: Random): void {
    const k = logits[0]!.length
    const labels = logits.map(() => [Math.floor(random() * k)])
    const coefficients = logits.map(() => [0.9])
    const targets = logits.map(() => fill(k, () => random() / k))
    const rowScale = logits.map(() => random())
    const sparse = desk.sparse(dtype, { logits, labels, coefficients, base: 0.1 / k, rowScale })
    const dense = desk.dense(dtype, { logits, targets, rowScale })
    for (const n of logits.keys()) {
      const row = { logits: [logits[n]!], rowScale: [rowScale[n]!] }
      const alone = { ...row, labels: [labels[n]!], coefficients: [coefficients[n]!], base: 0.1 / k }
      expectRow(sparse, n, desk.sparse(dtype, alone))
      expectRow(dense, n, desk.dense(dtype, { ...row, targets: [targets[n]!] }))
    }
  }

  function expectRow(batch: ReturnType<LossDesk['sparse']>, n: number, alone: ReturnType<LossDesk['sparse']>): void {
    expect(alone.losses[0]).toBe(batch.losses[n])
    expectSame(alone.gradients[0], batch.gradients[n])
  }

  function expectFault(dtype: DType, k: number, fault: number, at: number | 'everywhere'): void {
    const random = randomOf(k)
    const good = () => fill(k, () => 4 * random() - 2)
    const bad = good().map((z, i) => (at === 'everywhere' || at === i ? fault : z))
    for (const [expected, logits] of [
      [bad, good(), good()],
      [good(), bad, good()],
      [good(), good(), bad],
    ].entries()) {
      expect(desk.softmax(dtype, logits).faulty).toBe(expected)
      expect(desk.softmax(dtype, logits, 'in place').faulty).toBe(expected)
      const [labels, coefficients] = [logits.map(() => [0]), logits.map(() => [1])]
      expect(desk.sparse(dtype, { logits, labels, coefficients, base: 0 }).faulty).toBe(expected)
      expect(desk.dense(dtype, { logits, targets: logits.map(() => fill(k, () => 1 / k)) }).faulty).toBe(expected)
    }
  }
}

/** Every number of classes and rows (one of rows where classes are many), the elements rounded to their type. */
function cases(dtype: DType, row: LogitRow): { logits: Rows; random: Random }[] {
  return CLASSES.flatMap((k) =>
    (k < 1000 ? ROWS : [2]).map((n) => {
      const random = randomOf(1000 * k + n)
      return { logits: fill(n, () => row(k, random).map(rounder(dtype))), random }
    }),
  )
}

function peaked(k: number, random: Random, gap: number, rest: () => number): number[] {
  const row = fill(k, rest)
  row[Math.floor(random() * k)] = maxOf(row) + gap
  return row
}

function masked(k: number, random: Random, count: number): number[] {
  const row = fill(k, () => 4 * random() - 2)
  const first = Math.floor(random() * k)
  for (let i = 0; i < Math.min(count, k - 1); i++) row[(first + i) % k] = Number.NEGATIVE_INFINITY
  return row
}

function expectAllClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length)
  for (const [k, value] of actual.entries()) expectClose(value, expected[k]!, tolerance, k)
}

function expectClose(actual: number, expected: number, tolerance: number, index?: number): void {
  if (actual === expected || Math.abs(actual - expected) <= tolerance) return
  const at = index === undefined ? '' : ` at ${index}`
  expect.fail(`got ${actual}${at}, expected ${expected} +- ${tolerance}, off by ${actual - expected}`)
}

/** Equal to the last bit. expect's own comparison takes most of the suite's time. */
function expectSame(actual: unknown, expected: unknown): void {
  expect(JSON.stringify(actual) === JSON.stringify(expected)).toBe(true)
}

function fill<T>(length: number, value: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => value(index))
}

function maxOf(row: readonly number[]): number {
  return row.reduce((max, z) => Math.max(max, z))
}

function pick<T>(values: readonly T[], random: Random): T {
  return values[Math.floor(random() * values.length)]!
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
