import { describe, expect, test } from 'vitest'
import { ask, engines, post, refusal } from './helpers/evaluate.ts'

interface TargetsAnswer {
  readonly smoothed_targets: number[][]
  readonly on_value?: number
  readonly off_value?: number
}

for (const engine of engines) {
  const build = (request: object) => ask<TargetsAnswer>('targets', { dtype: 'float64', ...request }, engine)
  const rows = (request: object) => build(request).smoothed_targets
  const closeTo = (...expected: number[][]) => expected.map((row) => row.map((value) => expect.closeTo(value, 12)))

  describe(`targets on ${engine.kernels.name} kernels`, () => {
    test('answer the example of the contract in the shortest float32 digits', () => {
      const request = { targets: [0, 2], num_classes: 3, label_smoothing: 0.1, mixup: { lam: 0.3 } }
      const { status, answer } = post('targets', request, engine)
      expect(status).toBe(200)
      // 0.3 * 0.9333 + 0.7 * 0.0333 on the own class, the other way round on the partner's.
      expect(answer).toEqual({
        smoothed_targets: [
          [0.30333334, 0.033333335, 0.66333336],
          [0.66333336, 0.033333335, 0.30333334],
        ],
        // 14/15 and 1/30; 0.9333333 reads back to the float32 below.
        on_value: 0.93333334,
        off_value: 0.033333335,
      })
    })

    test('are one-hot without smoothing', () => {
      expect(build({ targets: [1, 0], num_classes: 2 })).toEqual({
        smoothed_targets: [
          [0, 1],
          [1, 0],
        ],
        on_value: 1,
        off_value: 0,
      })
    })

    test('"uniform" is 1 - s + s/K and s/K, "others" 1 - s and s/(K-1)', () => {
      const request = { targets: [1], num_classes: 5, label_smoothing: 0.2 }
      expect(build(request)).toEqual({
        smoothed_targets: closeTo([0.04, 0.84, 0.04, 0.04, 0.04]),
        on_value: expect.closeTo(0.84, 12),
        off_value: expect.closeTo(0.04, 12),
      })
      expect(build({ ...request, smoothing: 'others' })).toEqual({
        smoothed_targets: closeTo([0.05, 0.8, 0.05, 0.05, 0.05]),
        on_value: expect.closeTo(0.8, 12),
        off_value: expect.closeTo(0.05, 12),
      })
    })

    test('smoothing 1 is uniform, or everything but the label', () => {
      const request = { targets: [1], num_classes: 4, label_smoothing: 1 }
      expect(rows(request)).toEqual([[0.25, 0.25, 0.25, 0.25]])
      expect(rows({ ...request, smoothing: 'others' })).toEqual([[1 / 3, 0, 1 / 3, 1 / 3]])
    })

    test.each([2, 3, 7, 31])('probabilities of %i classes never round below 0', (k) => {
      const oneHot = Array.from({ length: k }, (_, c) => (c === 1 ? 1 : 0))
      const request = { targets: [oneHot], num_classes: k, label_smoothing: 1, smoothing: 'others' }
      for (const dtype of ['float32', 'float64']) expect(rows({ ...request, dtype })[0]![1]).toBe(0)
    })

    test('a prior takes the place of the uniform distribution, and there are no two values', () => {
      const prior = [0.5, 0.3, 0.2]
      expect(build({ targets: [2], num_classes: 3, label_smoothing: 0.1, prior })).toEqual({
        smoothed_targets: closeTo([0.05, 0.03, 0.92]),
      })
      const mixed = { targets: [0, 2], num_classes: 3, label_smoothing: 0.1, prior, mixup: { lam: 0.25 } }
      expect(rows(mixed)).toEqual(
        closeTo([0.9 * 0.25 + 0.05, 0.03, 0.9 * 0.75 + 0.02], [0.9 * 0.75 + 0.05, 0.03, 0.9 * 0.25 + 0.02]),
      )
    })

    test('of probabilities are smoothed as they are, and there are no two values', () => {
      expect(build({ targets: [[0.5, 0.25, 0.25]], num_classes: 3, label_smoothing: 0.3 })).toEqual({
        smoothed_targets: closeTo([0.45, 0.275, 0.275]),
      })
    })

    test('are all 0 for an ignored row, beside one or by their own', () => {
      const request = { targets: [0, -100, 1], num_classes: 2, label_smoothing: 0.2 }
      expect(rows(request)).toEqual(closeTo([0.9, 0.1], [0, 0], [0.1, 0.9]))
      expect(rows({ ...request, targets: [7, 0, 9], ignore_index: [7, 9] })).toEqual(
        closeTo([0, 0], [0.9, 0.1], [0, 0]),
      )
      // A class that is listed stays a class for the others.
      expect(rows({ ...request, targets: [0, 1, 0], ignore_index: 0 })).toEqual(closeTo([0, 0], [0.1, 0.9], [0, 0]))
    })
  })

  describe(`mixed targets on ${engine.kernels.name} kernels`, () => {
    const batch = { targets: [0, 1, 2], num_classes: 3 }

    test('flip pairs the first with the last, roll with the one before, a list with whom it names', () => {
      const mixed = (pairing?: unknown) => rows({ ...batch, mixup: { lam: 0.75, ...(pairing ? { pairing } : {}) } })
      const flipped = [
        [0.75, 0, 0.25],
        [0, 1, 0],
        [0.25, 0, 0.75],
      ]
      expect(mixed()).toEqual(flipped)
      expect(mixed('flip')).toEqual(flipped)
      expect(mixed([2, 1, 0])).toEqual(flipped)
      expect(mixed('roll')).toEqual([
        [0.75, 0, 0.25],
        [0.25, 0.75, 0],
        [0, 0.25, 0.75],
      ])
      expect(mixed([1, 1, 0])).toEqual([
        [0.75, 0.25, 0],
        [0, 1, 0],
        [0.25, 0, 0.75],
      ])
    })

    test('take a share for each row', () => {
      expect(rows({ ...batch, mixup: { lam: [1, 0.5, 0] } })).toEqual([
        [1, 0, 0],
        [0, 1, 0],
        [1, 0, 0],
      ])
    })

    test('of probabilities are mixed number by number', () => {
      const targets = [
        [0.5, 0.5, 0],
        [0, 0, 1],
      ]
      const mixup = { lam: 0.75 }
      expect(rows({ targets, num_classes: 3, mixup })).toEqual([
        [0.375, 0.375, 0.25],
        [0.125, 0.125, 0.75],
      ])
    })

    test('a row counts only beside a partner that counts, unless the partner has no weight', () => {
      const request = { targets: [0, 1, -100], num_classes: 2 }
      const none = [0, 0]
      expect(rows({ ...request, mixup: { lam: 0.5 } })).toEqual([none, [0, 1], none])
      expect(rows({ ...request, mixup: { lam: [1, 1, 1] } })).toEqual([[1, 0], [0, 1], none])
      // A row without weight in its own target is still ignored by that target.
      expect(rows({ ...request, mixup: { lam: 0 } })).toEqual([none, [0, 1], none])
    })
  })

  describe(`deeper targets on ${engine.kernels.name} kernels`, () => {
    test('keep their shape, with the classes last or on axis 1', () => {
      const last = [
        [
          [1, 0],
          [0.5, 0.5],
        ],
      ]
      expect(build({ targets: last, num_classes: 2, label_smoothing: 0.2 }).smoothed_targets).toEqual([
        closeTo([0.9, 0.1], [0.5, 0.5]),
      ])
      const first = [
        [
          [1, 0.5],
          [0, 0.5],
        ],
      ]
      expect(build({ targets: first, num_classes: 2, class_axis: 1, label_smoothing: 0.2 }).smoothed_targets).toEqual([
        closeTo([0.9, 0.5], [0.1, 0.5]),
      ])
    })

    test('are mixed along the first axis', () => {
      const targets = [
        [
          [1, 0],
          [0, 1],
        ],
        [
          [0, 1],
          [0, 1],
        ],
      ]
      expect(build({ targets, num_classes: 2, mixup: { lam: 0.75 } }).smoothed_targets).toEqual([
        [
          [0.75, 0.25],
          [0, 1],
        ],
        [
          [0.25, 0.75],
          [0, 1],
        ],
      ])
    })
  })

  test(`targets say in base64 what they say in arrays on ${engine.kernels.name} kernels`, () => {
    const request = { targets: [0, 2], num_classes: 3, label_smoothing: 0.1 }
    const { answer } = post('targets', { ...request, encoding: 'base64' }, engine)
    const { dtype, shape, data } = (answer as { smoothed_targets: { dtype: string; shape: number[]; data: string } })
      .smoothed_targets
    expect({ dtype, shape }).toEqual({ dtype: 'F32', shape: [2, 3] })
    const bytes = Buffer.from(data, 'base64')
    const values = Array.from({ length: 6 }, (_, i) => bytes.readFloatLE(4 * i))
    expect(values).toEqual(
      rows({ ...request, dtype: 'float32' })
        .flat()
        .map(Math.fround),
    )
  })

  test.each([
    { what: 'no classes', request: { targets: [0], num_classes: 0 }, code: 'validation_failed' },
    { what: 'a class beyond the last', request: { targets: [0, 3], num_classes: 3 }, code: 'target_out_of_range' },
    { what: 'no rows', request: { targets: [], num_classes: 3 }, code: 'shape_mismatch' },
    {
      what: 'as many columns as there are not classes',
      request: { targets: [[1]], num_classes: 3 },
      code: 'shape_mismatch',
    },
    {
      what: 'a sum that is not 1',
      request: { targets: [[0.5, 0.4]], num_classes: 2 },
      code: 'targets_not_a_distribution',
    },
    {
      what: '"others" of one class',
      request: { targets: [0], num_classes: 1, smoothing: 'others' },
      code: 'validation_failed',
    },
    {
      what: 'a lam beyond 1',
      request: { targets: [0], num_classes: 2, mixup: { lam: 1.5 } },
      code: 'validation_failed',
    },
    {
      what: 'a partner that is not there',
      request: { targets: [0, 1], num_classes: 2, mixup: { lam: 0.5, pairing: [0, 2] } },
      code: 'validation_failed',
    },
  ])(`targets with $what are refused on ${engine.kernels.name} kernels`, ({ request, code }) => {
    expect(refusal('targets', request, engine).code).toBe(code)
  })
}
