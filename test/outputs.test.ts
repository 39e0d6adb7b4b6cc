import { describe, expect, test } from 'vitest'
import { OUTPUTS } from '../schemas/fields.ts'
import { ask, engines, post } from './helpers/evaluate.ts'

/** softmax([ln 3, 0]) = [3/4, 1/4]: a row that is right costs ln(4/3), one that is wrong ln 4. */
const LN3 = Math.log(3)
const RIGHT = Math.log(4 / 3)
const WRONG = Math.log(4)
const BATCH = {
  logits: [
    [LN3, 0],
    [LN3, 0],
  ],
  targets: [0, 1],
  dtype: 'float64',
}

interface Base64Tensor {
  readonly dtype: 'F32' | 'F64' | 'I32'
  readonly shape: number[]
  readonly data: string
}

const READERS = {
  F32: (view: DataView, i: number) => view.getFloat32(4 * i, true),
  F64: (view: DataView, i: number) => view.getFloat64(8 * i, true),
  I32: (view: DataView, i: number) => view.getInt32(4 * i, true),
}

function decode({ dtype, shape, data }: Base64Tensor): number[] {
  const bytes = Buffer.from(data, 'base64')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const size = shape.reduce((product, length) => product * length, 1)
  return Array.from({ length: size }, (_, i) => READERS[dtype](view, i))
}

function shapeOf(value: unknown): number[] {
  return Array.isArray(value) ? [value.length, ...shapeOf(value[0])] : []
}

for (const engine of engines) {
  const evaluate = (request: object) => ask('loss', { ...BATCH, ...request }, engine)
  const raw = (request: object) => post('loss', { ...BATCH, ...request }, engine).answer as Record<string, unknown>

  describe(`outputs on ${engine.kernels.name} kernels`, () => {
    test('are loss, losses, gradients and smoothed targets unless asked otherwise, beside the normalizer', () => {
      expect(Object.keys(raw({}))).toEqual(['loss', 'normalizer', 'losses', 'gradients', 'smoothed_targets'])
    })

    test.each(OUTPUTS)('%s alone is what it is beside all the others', (name) => {
      const all = raw({ outputs: OUTPUTS, label_smoothing: 0.1 })
      const { warnings: _, ...alone } = raw({ outputs: [name], label_smoothing: 0.1 })
      expect(Object.keys(alone).sort()).toEqual([name, 'normalizer'].sort())
      expect(alone[name]).toEqual(all[name])
    })

    test('come in one order, whatever the order asked for', () => {
      const names = Object.keys(raw({ outputs: OUTPUTS }))
      expect(names.toSorted()).toEqual([...OUTPUTS, 'normalizer'].toSorted())
      expect(Object.keys(raw({ outputs: OUTPUTS.toReversed() }))).toEqual(names)
      expect(Object.keys(raw({ outputs: ['loss', 'loss'] }))).toEqual(['loss', 'normalizer'])
    })

    test('have the values worked out by hand', () => {
      const answer = evaluate({ outputs: OUTPUTS, reduction: 'sum' })
      expect(answer.loss).toBeCloseTo(RIGHT + WRONG, 12)
      expect(answer.normalizer).toBe(1)
      expect(answer.losses).toEqual([expect.closeTo(RIGHT, 12), expect.closeTo(WRONG, 12)])
      const row = (a: number, b: number) => [expect.closeTo(a, 12), expect.closeTo(b, 12)]
      expect(answer.gradients).toEqual([row(-0.25, 0.25), row(0.75, -0.75)])
      expect(answer.smoothed_targets).toEqual([
        [1, 0],
        [0, 1],
      ])
      expect(answer.probabilities).toEqual([row(0.75, 0.25), row(0.75, 0.25)])
      expect(answer.log_probabilities).toEqual([row(-RIGHT, -WRONG), row(-RIGHT, -WRONG)])
      expect(answer.predictions).toEqual([0, 0])
    })

    test('a loss is left out, even by name, where nothing is reduced', () => {
      expect(Object.keys(raw({ outputs: ['loss', 'losses'], reduction: 'none' }))).toEqual(['normalizer', 'losses'])
    })

    test.each(['float32', 'float64'] as const)('base64 holds the numbers of the arrays in %s', (dtype) => {
      const request = { outputs: OUTPUTS, dtype, label_smoothing: 0.1, mixup: { lam: 0.3 } }
      const arrays = raw(request)
      const packed = raw({ ...request, encoding: 'base64' })
      for (const name of OUTPUTS) {
        if (name === 'loss' || name === 'metrics') expect(packed[name]).toEqual(arrays[name])
        else if (Array.isArray(arrays[name])) compare(name, packed[name], arrays[name])
        else
          for (const [member, values] of Object.entries(arrays[name] as object))
            compare(`${name}.${member}`, (packed[name] as Record<string, unknown>)[member], values)
      }

      function compare(name: string, packed: unknown, array: unknown): void {
        const tensor = packed as Base64Tensor
        expect(tensor.shape, name).toEqual(shapeOf(array))
        const wide = dtype === 'float64' ? 'F64' : 'F32'
        const isInteger = /predictions|count|index|target$|prediction$/.test(name)
        expect(tensor.dtype, name).toBe(isInteger ? 'I32' : wide)
        const round = dtype === 'float64' ? Number : Math.fround
        const values = (array as number[]).flat(Number.POSITIVE_INFINITY)
        expect(decode(tensor), name).toEqual(values.map(round))
      }
    })

    test.each([
      { what: 'tokens [B, T, K]', logits: [2, 3, 4], rows: [2, 3], class_axis: -1 },
      { what: 'pixels [N, K, H, W]', logits: [2, 3, 2, 4], rows: [2, 2, 4], class_axis: 1 },
      { what: 'signals [N, K, L]', logits: [2, 3, 5], rows: [2, 5], class_axis: 1 },
      { what: 'a matrix whose classes are named first', logits: [2, 3], rows: [2], class_axis: 1 },
    ])('keep the shape of $what', ({ logits, rows, class_axis }) => {
      const request = { logits: filled(logits, 0.5), targets: filled(rows, 1), class_axis, label_smoothing: 0.1 }
      for (const encoding of ['array', 'base64']) {
        const answer = raw({ ...request, outputs: OUTPUTS, encoding })
        const shape = (value: unknown) => (encoding === 'array' ? shapeOf(value) : (value as Base64Tensor).shape)
        for (const name of ['losses', 'predictions']) expect(shape(answer[name]), name).toEqual(rows)
        for (const name of ['gradients', 'smoothed_targets', 'probabilities', 'log_probabilities'])
          expect(shape(answer[name]), name).toEqual(logits)
        const { index } = answer.hardest_rows as { index: unknown }
        expect(shape(index)).toEqual([
          Math.min(
            10,
            rows.reduce((a, b) => a * b),
          ),
          rows.length,
        ])
      }
    })
  })

  test.each(['array', 'base64'])(
    `an axis of length 1 behind the classes stays where it is, in %s on ${engine.kernels.name} kernels`,
    (encoding) => {
      const request = { logits: [[[2], [1], [0]]], targets: [[1]], class_axis: 1, label_smoothing: 0.3 }
      for (const mixup of [undefined, { lam: 0.5 }]) {
        const { smoothed_targets: targets } = raw({ ...request, mixup, encoding })
        expect(encoding === 'array' ? shapeOf(targets) : (targets as Base64Tensor).shape).toEqual([1, 3, 1])
        const values = encoding === 'array' ? (targets as number[][][]).flat(2) : decode(targets as Base64Tensor)
        expect(values).toEqual([0.1, 0.8, 0.1].map((q) => expect.closeTo(q, 12)))
      }
    },
  )

  describe(`metrics on ${engine.kernels.name} kernels`, () => {
    test('accuracy, nll and perplexity are of the unsmoothed targets, without weights', () => {
      const weights = { class_weights: [5, 1], sample_weights: [1, 7], label_smoothing: 0.4, reduction: 'sum' }
      const { metrics } = evaluate({ ...weights, outputs: ['metrics'] })
      expect(metrics.accuracy).toBe(0.5)
      expect(metrics.nll).toBeCloseTo((RIGHT + WRONG) / 2, 12)
      expect(metrics.perplexity).toBeCloseTo(Math.exp((RIGHT + WRONG) / 2), 12)
    })

    test('count the rows that count', () => {
      const { metrics } = evaluate({ targets: [0, -100], outputs: ['metrics'] })
      expect(metrics).toEqual({ accuracy: 1, nll: expect.closeTo(RIGHT, 12), perplexity: expect.closeTo(4 / 3, 12) })
    })

    test('are NaN where no row counts', () => {
      const { metrics } = raw({ targets: [-100, -100], outputs: ['metrics'] })
      expect(metrics).toEqual({ accuracy: 'NaN', nll: 'NaN', perplexity: 'NaN' })
    })

    test('of mixed targets take the larger share as the class, the lowest on a tie', () => {
      const accuracy = (lam: number, targets: number[]) =>
        evaluate({ targets, mixup: { lam }, outputs: ['metrics'] }).metrics.accuracy
      // Both rows are predicted 0; with lam 0.7 each keeps its own class, with 0.3 it has its partner's.
      expect(accuracy(0.7, [0, 1])).toBe(0.5)
      expect(accuracy(0.3, [0, 0])).toBe(1)
      expect(accuracy(0.5, [0, 1])).toBe(1)
    })

    test('of probabilities take the class they give most', () => {
      const { metrics } = evaluate({
        targets: [
          [0.6, 0.4],
          [0.1, 0.9],
        ],
        outputs: ['metrics'],
      })
      expect(metrics.accuracy).toBe(0.5)
      expect(metrics.nll).toBeCloseTo((0.6 * RIGHT + 0.4 * WRONG + 0.1 * RIGHT + 0.9 * WRONG) / 2, 12)
    })

    test('an impossible target has an infinite nll', () => {
      const { metrics } = evaluate({ logits: [[0, -Infinity]], targets: [1], outputs: ['metrics'] })
      expect(metrics).toEqual({ accuracy: 0, nll: Infinity, perplexity: Infinity })
    })
  })

  describe(`predictions on ${engine.kernels.name} kernels`, () => {
    test('are the lowest class of a tie', () => {
      const logits = [
        [1, 2, 2, 2],
        [0, 0, 0, 0],
        [-Infinity, -5, -Infinity, -5],
        [1e30, -1e30, 1e30, 3],
      ]
      for (const dtype of ['float32', 'float64'])
        expect(evaluate({ logits, targets: [0, 0, 1, 0], dtype, outputs: ['predictions'] }).predictions).toEqual([
          1, 0, 1, 0,
        ])
    })

    test('of many classes find the last of them', () => {
      const logits = [Array.from({ length: 1000 }, (_, k) => (k === 999 ? 1 : 0))]
      expect(evaluate({ logits, targets: [0], outputs: ['predictions'] }).predictions).toEqual([999])
    })
  })

  describe(`a mean over nothing on ${engine.kernels.name} kernels`, () => {
    test.each([
      { what: 'every row is ignored', request: { targets: [-100, -100] } },
      { what: 'every sample weight is 0', request: { sample_weights: [0, 0] } },
      { what: 'the classes of the targets weigh 0', request: { targets: [0, 0], class_weights: [0, 1] } },
    ])('is NaN with normalizer 0 and gradients 0 where $what', ({ request }) => {
      for (const label_smoothing of [0, 0.1]) {
        const answer = raw({ ...request, label_smoothing })
        expect(answer).toMatchObject({ loss: 'NaN', normalizer: 0 })
        const zeros = [
          [0, 0],
          [0, 0],
        ]
        expect(answer.gradients).toEqual(zeros)
      }
    })

    test('is 0 as a sum, and over a normalizer that was given', () => {
      expect(raw({ targets: [-100, -100], reduction: 'sum' })).toMatchObject({ loss: 0, normalizer: 1 })
      expect(raw({ targets: [-100, -100], normalizer: 8 })).toMatchObject({ loss: 0, normalizer: 8 })
    })

    test('is a mean over every row where the targets are probabilities', () => {
      const targets = [
        [1, 0],
        [0, 1],
      ]
      expect(raw({ targets, class_weights: [0, 0] })).toMatchObject({ loss: 0, normalizer: 2 })
    })
  })

  describe(`infinities on ${engine.kernels.name} kernels`, () => {
    const masked = { logits: [[LN3, 0, -Infinity]], targets: [0] }

    test('a masked class costs nothing where the target gives it nothing', () => {
      const answer = evaluate({ ...masked, outputs: OUTPUTS })
      expect(answer.loss).toBeCloseTo(RIGHT, 12)
      expect(answer.probabilities[0]![2]).toBe(0)
      expect(answer.log_probabilities[0]![2]).toBe(-Infinity)
      expect(answer.gradients[0]).toEqual([expect.closeTo(-0.25, 12), expect.closeTo(0.25, 12), 0])
    })

    test('smoothing onto a masked class is "Infinity", with the gradient p - q', () => {
      const answer = raw({ ...masked, label_smoothing: 0.3 })
      expect(answer).toMatchObject({ loss: 'Infinity', losses: ['Infinity'] })
      const row = [0.75 - 0.8, 0.25 - 0.1, -0.1]
      expect(answer.gradients).toEqual([row.map((value) => expect.closeTo(value, 12))])
    })

    test('a masked target is "Infinity", with the gradient p - q', () => {
      const answer = raw({ ...masked, targets: [2] })
      expect(answer.loss).toBe('Infinity')
      const row = [0.75, 0.25, -1]
      expect(answer.gradients).toEqual([row.map((value) => expect.closeTo(value, 12))])
    })

    test('weights of 0 on a masked class cost nothing: of the class, of the prior, of the row', () => {
      const smoothed = { ...masked, label_smoothing: 0.3 }
      expect(raw({ ...smoothed, class_weights: [1, 1, 0] }).loss).toBeCloseTo(0.8 * RIGHT + 0.1 * WRONG, 12)
      expect(raw({ ...smoothed, prior: [0.5, 0.5, 0] }).loss).toBeCloseTo(0.85 * RIGHT + 0.15 * WRONG, 12)
      expect(raw({ ...smoothed, sample_weights: [0], reduction: 'sum' })).toMatchObject({ loss: 0, losses: [0] })
    })

    test('an infinite loss leaves the other rows alone', () => {
      const answer = evaluate({ logits: [...masked.logits, [0, 0, 0]], targets: [2, 1] })
      expect(answer.losses).toEqual([Infinity, expect.closeTo(Math.log(3), 12)])
      expect(answer.loss).toBe(Infinity)
    })
  })

  describe(`ignored rows on ${engine.kernels.name} kernels`, () => {
    const clean = { logits: [[LN3, 0]], targets: [1], label_smoothing: 0.1 }

    test.each([
      { what: 'NaN', row: [Number.NaN, 1] },
      { what: 'Infinity', row: [Infinity, 0] },
      { what: 'nothing but -Infinity', row: [-Infinity, -Infinity] },
    ])('may hold $what, have gradient 0 and disturb nobody', ({ row }) => {
      for (const dtype of ['float32', 'float64']) {
        const alone = evaluate({ ...clean, dtype, outputs: OUTPUTS })
        const answer = evaluate({
          ...clean,
          dtype,
          logits: [row, clean.logits[0], row],
          targets: [-100, 1, -100],
          outputs: OUTPUTS,
        })
        expect(answer).toMatchObject({ loss: alone.loss, normalizer: 1, metrics: alone.metrics })
        expect(answer.losses).toEqual([0, alone.losses[0], 0])
        expect(answer.gradients).toEqual([[0, 0], alone.gradients[0], [0, 0]])
        expect(answer.smoothed_targets).toEqual([[0, 0], alone.smoothed_targets[0], [0, 0]])
        expect(answer.probabilities[1]).toEqual(alone.probabilities[0])
        expect(answer.log_probabilities[1]).toEqual(alone.log_probabilities[0])
        expect(answer.predictions[1]).toBe(0)
        expect(answer.probabilities[0]).toEqual([Number.NaN, Number.NaN])
        expect(answer.log_probabilities[2]).toEqual([Number.NaN, Number.NaN])
      }
    })

    test('predict the first NaN, as PyTorch does', () => {
      const logits = [
        [3, Number.NaN, 9],
        [0, 0, 1],
      ]
      expect(evaluate({ logits, targets: [-100, 0], outputs: ['predictions'] }).predictions).toEqual([1, 2])
    })

    test('have their softmax where they have one', () => {
      const { probabilities } = evaluate({
        logits: [
          [LN3, 0],
          [0, 0],
        ],
        targets: [-100, 0],
        outputs: ['probabilities'],
      })
      expect(probabilities[0]).toEqual([expect.closeTo(0.75, 12), expect.closeTo(0.25, 12)])
    })
  })
}

function filled(shape: readonly number[], value: number): unknown {
  if (shape.length === 0) return value
  return Array.from({ length: shape[0]! }, () => filled(shape.slice(1), value))
}
