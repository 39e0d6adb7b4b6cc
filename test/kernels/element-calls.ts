import type { Engine } from '../../src/kernels/engine.ts'
import { randomOf } from '../helpers/model.ts'

export const NUM_ROWS = 3
/** Half of the least number above 0 of float32, which rounds to 0 with its sign, and the least of float64. */
export const NEXT_TO_NOTHING = { F32: 2 ** -150, F64: 2 ** -1074 } as const
export type Dtype = 'F32' | 'F64'

const random = randomOf('elements')

export function uniform(length: number, least: number, most: number): number[] {
  return Array.from({ length }, () => least + (most - least) * random())
}

/** Logits of which some are masked out, none of the first of a row. */
function logits(numClasses: number): number[] {
  return uniform(NUM_ROWS * numClasses, -9, 9).map((z, i) => (i % numClasses > 0 && random() < 0.1 ? -Infinity : z))
}

export type Given = Readonly<Record<string, readonly [type: Dtype | 'I32', values: readonly number[]]>>
export type Pointers = Readonly<Record<string, number>>

const ROW = () => uniform(NUM_ROWS, 0.25, 2)

/** What every kernel is given, and how it is called. */
type Place = (dtype: Dtype, k: number) => readonly [Given, (engine: Engine) => (pointers: Pointers) => unknown]

export const CALLS: Readonly<Record<string, Place>> = {
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
