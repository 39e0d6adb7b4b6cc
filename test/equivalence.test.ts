import { describe, expect, test } from 'vitest'
import { ask, engines } from './helpers/evaluate.ts'

interface EquivalenceAnswer {
  readonly formulations: { name: string; loss?: number; normalizer: number; losses: number[] }[]
  readonly max_abs_difference: { loss: number; losses: number; gradients: number }
  readonly max_rel_difference: { loss: number; losses: number; gradients: number }
  readonly tolerance: number
  readonly equivalent: boolean
  readonly notes: { code: string; detail: string }[]
  readonly decomposition: {
    nll: number
    uniform: number
    target_entropy: number
    kl_target_model: number
    kl_uniform_model: number
  }
  readonly optimum?: { on_value: number; off_value: number; logit_gap: number }
}

/** softmax([ln 3, 0]) = [3/4, 1/4]: a row that is right costs ln(4/3), one that is wrong ln 4. */
const LN3 = Math.log(3)
const RIGHT = Math.log(4 / 3)
const WRONG = Math.log(4)

for (const engine of engines) {
  const compare = (request: object) => ask<EquivalenceAnswer>('equivalence', { dtype: 'float64', ...request }, engine)
  const losses = ({ formulations }: EquivalenceAnswer) => formulations.map(({ loss }) => loss)
  const codes = ({ notes }: EquivalenceAnswer) => notes.map(({ code }) => code)
  const expectAll = (actual: (number | undefined)[], ...expected: number[]) => {
    expect(actual).toHaveLength(expected.length)
    expected.forEach((value, i) => {
      expect(actual[i]).toBeCloseTo(value, 12)
    })
  }

  describe(`the formulations of label smoothing on ${engine.kernels.name} kernels`, () => {
    test('are three, in a fixed order, and one loss', () => {
      const answer = compare({ logits: [[LN3, 0]], targets: [0], label_smoothing: 0.2 })
      expect(answer.formulations.map(({ name }) => name)).toEqual(['nll_uniform', 'soft_target', 'mixed_losses'])
      // q = [0.9, 0.1]
      const loss = 0.9 * RIGHT + 0.1 * WRONG
      expectAll(losses(answer), loss, loss, loss)
      for (const formulation of answer.formulations) expectAll(formulation.losses, loss)
      expect(answer).toMatchObject({ equivalent: true, tolerance: 1e-12, notes: [] })
    })

    test('decompose into nll and uniform, and into entropy and divergence', () => {
      const { decomposition } = compare({ logits: [[LN3, 0]], targets: [0], label_smoothing: 0.2 })
      const loss = 0.9 * RIGHT + 0.1 * WRONG
      const entropy = -0.9 * Math.log(0.9) - 0.1 * Math.log(0.1)
      expect(decomposition.nll).toBeCloseTo(RIGHT, 12)
      expect(decomposition.uniform).toBeCloseTo((RIGHT + WRONG) / 2, 12)
      expect(decomposition.target_entropy).toBeCloseTo(entropy, 12)
      expect(decomposition.kl_target_model).toBeCloseTo(loss - entropy, 12)
      expect(decomposition.kl_uniform_model).toBeCloseTo((RIGHT + WRONG) / 2 - Math.log(2), 12)
      expect(0.8 * decomposition.nll + 0.2 * decomposition.uniform).toBeCloseTo(loss, 12)
      expect(decomposition.target_entropy + decomposition.kl_target_model).toBeCloseTo(loss, 12)
    })

    test.each([
      { k: 2, s: 0.2 },
      { k: 10, s: 0.1 },
      { k: 1000, s: 0.3 },
    ])('have their optimum at a logit gap of log(1 + K(1-s)/s) for K = $k and s = $s', ({ k, s }) => {
      const gap = Math.log(1 + (k * (1 - s)) / s)
      const logits = [Array.from({ length: k }, (_, c) => (c === 1 ? gap : 0))]
      const { optimum, decomposition } = compare({ logits, targets: [1], label_smoothing: s })
      expect(optimum!.on_value).toBeCloseTo(1 - s + s / k, 14)
      expect(optimum!.off_value).toBeCloseTo(s / k, 14)
      expect(optimum!.logit_gap).toBeCloseTo(gap, 12)
      expect(decomposition.kl_target_model).toBeCloseTo(0, 12)
    })

    test('have no finite optimum without smoothing, and none of two values with a prior or probabilities', () => {
      expect(compare({ logits: [[1, 0]], targets: [0] }).optimum).toEqual({
        on_value: 1,
        off_value: 0,
        logit_gap: Number.POSITIVE_INFINITY,
      })
      expect(compare({ logits: [[1, 0]], targets: [0], prior: [0.4, 0.6] }).optimum).toBeUndefined()
      expect(compare({ logits: [[1, 0]], targets: [[0.4, 0.6]] }).optimum).toBeUndefined()
    })

    test('under "others" decompose at s K/(K-1)', () => {
      const answer = compare({ logits: [[LN3, 0]], targets: [0], label_smoothing: 0.2, smoothing: 'others' })
      // q = [0.8, 0.2]; uniform at 0.4
      expectAll(losses(answer), ...new Array(3).fill(0.8 * RIGHT + 0.2 * WRONG))
      expect(0.6 * answer.decomposition.nll + 0.4 * answer.decomposition.uniform).toBeCloseTo(
        0.8 * RIGHT + 0.2 * WRONG,
        12,
      )
      expect(answer.optimum!.logit_gap).toBeCloseTo(Math.log(4), 12)
    })

    test('under "others" agree where the label is given less than the rest', () => {
      const request = { logits: [[2, 0, Number.NEGATIVE_INFINITY]], targets: [0], label_smoothing: 1 }
      const answer = compare({ ...request, smoothing: 'others' })
      expect(losses(answer)).toEqual(new Array(3).fill(Number.POSITIVE_INFINITY))
      expect(answer.equivalent).toBe(true)
    })
  })

  describe(`where the formulations part, the answer says why on ${engine.kernels.name} kernels`, () => {
    const logits = [
      [LN3, 0],
      [0, LN3],
    ]

    test('denominator_class_weights: the sum of the weights against the number of rows', () => {
      // Row losses RIGHT and 3 RIGHT; divided by 1 + 3 on the index route, by 2 on the dense one.
      const request = { logits, targets: [0, 1], class_weights: [1, 3] }
      const answer = compare(request)
      expectAll(losses(answer), RIGHT, 2 * RIGHT, RIGHT)
      expect(answer.formulations.map(({ normalizer }) => normalizer)).toEqual([4, 2, 4])
      expect(answer.equivalent).toBe(false)
      expect(codes(answer)).toEqual(['denominator_class_weights'])
      expect(answer.max_abs_difference.loss).toBeCloseTo(RIGHT, 12)
      expect(answer.max_abs_difference.losses).toBe(0)
      // Of the second row: 3 (p - q) = 3 / 4, over 4 and over 2.
      expect(answer.max_abs_difference.gradients).toBeCloseTo(3 / 16, 12)
      for (const agreed of [{ reduction: 'sum' }, { reduction: 'none' }, { normalizer: 7 }])
        expect(compare({ ...request, ...agreed })).toMatchObject({ equivalent: true, notes: [] })
    })

    test('denominator_sample_weights: they are in the denominator of the index route alone', () => {
      const request = { logits, targets: [0, 0], sample_weights: [3, 1] }
      const answer = compare(request)
      expectAll(losses(answer), (3 * RIGHT + WRONG) / 4, (3 * RIGHT + WRONG) / 2, (3 * RIGHT + WRONG) / 4)
      expect(answer.equivalent).toBe(false)
      expect(codes(answer)).toEqual(['denominator_sample_weights'])
      expect(compare({ ...request, reduction: 'sum' })).toMatchObject({ equivalent: true, notes: [] })
    })

    test('denominator_ignored_rows: a dense target has none', () => {
      const request = { logits, targets: [0, -100] }
      const answer = compare(request)
      expectAll(losses(answer), RIGHT, RIGHT / 2, RIGHT)
      expect(answer.equivalent).toBe(false)
      expect(codes(answer)).toEqual(['denominator_ignored_rows'])
      expect(answer.notes[0]!.detail).toContain('1 ignored of 2 rows')
      // The means of the decomposition are over the row that counts.
      expect(answer.decomposition.nll).toBeCloseTo(RIGHT, 12)
      expect(compare({ ...request, reduction: 'sum' })).toMatchObject({ equivalent: true, notes: [] })
    })

    test('weights of 1 part nothing, and weights that are all equal move no optimum', () => {
      const ones = { logits, targets: [0, 1], class_weights: [1, 1], sample_weights: [1, 1], label_smoothing: 0.1 }
      expect(compare(ones)).toMatchObject({ equivalent: true, notes: [] })
      expect(codes(compare({ ...ones, class_weights: [2, 2] }))).toEqual(['denominator_class_weights'])
    })

    test('class_weights_move_optimum: with smoothing, even where nothing is divided', () => {
      const request = { logits, targets: [0, 1], class_weights: [1, 3], label_smoothing: 0.1 }
      const answer = compare({ ...request, reduction: 'sum' })
      expect(codes(answer)).toEqual(['class_weights_move_optimum'])
      expect(answer.equivalent).toBe(true)
      expect(codes(compare(request))).toEqual(['denominator_class_weights', 'class_weights_move_optimum'])
    })

    test('every row ignored: nothing over nothing against nothing over every row', () => {
      const answer = compare({ logits, targets: [-100, -100] })
      expect(losses(answer)).toEqual([Number.NaN, 0, Number.NaN])
      expect(answer.equivalent).toBe(false)
      expect(codes(answer)).toEqual(['denominator_ignored_rows'])
      expect(answer.decomposition.nll).toBeNaN()
    })

    test('probabilities have one denominator, whatever the weights', () => {
      const request = {
        logits,
        targets: [
          [0.7, 0.3],
          [0, 1],
        ],
        class_weights: [1, 3],
        sample_weights: [3, 1],
      }
      expect(compare(request)).toMatchObject({ equivalent: true, notes: [] })
    })
  })

  describe(`mixing targets and mixing losses on ${engine.kernels.name} kernels`, () => {
    const logits = [
      [LN3, 0],
      [0, LN3],
    ]

    test('are one for a share of the batch', () => {
      // lam 0.75 with the other row's label: each row costs 0.75 RIGHT + 0.25 WRONG.
      const answer = compare({ logits, targets: [0, 1], mixup: { lam: 0.75 } })
      expectAll(losses(answer), ...new Array(3).fill(0.75 * RIGHT + 0.25 * WRONG))
      expect(answer).toMatchObject({ equivalent: true, notes: [] })
    })

    test.each([
      { what: 'rows that keep their targets whole', lam: [1, 0.25] },
      { what: 'rows that give their targets away whole', lam: [0, 0.25] },
      { what: 'a batch that keeps its targets whole', lam: 1 },
      { what: 'a batch that gives its targets away whole', lam: 0 },
    ])('are one with $what', ({ lam }) => {
      for (const targets of [
        [0, 1],
        [
          [0.7, 0.3],
          [0.1, 0.9],
        ],
      ])
        expect(compare({ logits, targets, mixup: { lam }, label_smoothing: 0.1 })).toMatchObject({ equivalent: true })
    })

    test('are one where a partner without weight is ignored', () => {
      const answer = compare({ logits: [...logits, [1, 1]], targets: [0, 1, -100], mixup: { lam: [1, 0.5, 0.5] } })
      // Rows 0 and 1 count: row 0 is whole, row 1 is mixed with itself. Row 2 is ignored.
      expectAll(losses(answer), RIGHT, (2 * RIGHT) / 3, RIGHT)
      expect(codes(answer)).toEqual(['denominator_ignored_rows'])
    })

    test('are one with smoothing and priors', () => {
      const mixed = { logits, targets: [0, 1], mixup: { lam: [0.75, 0.5], pairing: 'roll' }, label_smoothing: 0.1 }
      expect(compare(mixed).equivalent).toBe(true)
      expect(compare({ ...mixed, prior: [0.2, 0.8] }).equivalent).toBe(true)
      expect(compare({ ...mixed, smoothing: 'others' }).equivalent).toBe(true)
    })

    test('part with class weights, where each of the mixed losses has its own denominator', () => {
      // Row losses 0.75 RIGHT + 0.25 * 3 WRONG and 0.75 * 3 RIGHT + 0.25 WRONG. Targets [0, 1] and their flip both weigh 1 + 3.
      const answer = compare({ logits, targets: [0, 1], mixup: { lam: 0.75 }, class_weights: [1, 3] })
      const total = 3 * RIGHT + WRONG
      expectAll(losses(answer), total / 2, total / 2, total / 4)
      expect(codes(answer)).toEqual(['denominator_class_weights'])
      expect(answer.max_abs_difference.losses).toBeCloseTo(0, 12)
    })
  })

  describe(`the tolerance on ${engine.kernels.name} kernels`, () => {
    const logits = [
      [3, -1, 0.5, 2],
      [1, 1, 2, -4],
    ]

    test('is that of the precision', () => {
      const request = { logits, targets: [3, 1], label_smoothing: 0.1 }
      expect(compare({ ...request, dtype: 'float32' })).toMatchObject({
        equivalent: true,
        tolerance: 1e-6,
      })
      expect(compare(request)).toMatchObject({ equivalent: true, tolerance: 1e-12 })
    })

    test.each(['float32', 'float64'])('grows with the weights of rows and classes in %s', (dtype) => {
      const weights = { sample_weights: [1e4, 1e-3], class_weights: [1, 5e3, 2, 0], reduction: 'sum' }
      expect(compare({ logits, targets: [3, 1], label_smoothing: 0.1, dtype, ...weights }).equivalent).toBe(true)
    })

    test('takes losses of 0 as equal', () => {
      const answer = compare({ logits: [[5], [7]], targets: [0, 0], label_smoothing: 0.1 })
      expectAll(losses(answer), 0, 0, 0)
      expect(answer.max_rel_difference).toEqual({ loss: 0, losses: 0, gradients: 0 })
      expect(answer.equivalent).toBe(true)
    })

    test('takes infinite losses as equal, with the same gradient p - q', () => {
      const answer = compare({ logits: [[0, Number.NEGATIVE_INFINITY]], targets: [0], label_smoothing: 0.1 })
      expect(losses(answer)).toEqual(new Array(3).fill(Number.POSITIVE_INFINITY))
      expect(answer.max_abs_difference).toEqual({ loss: 0, losses: 0, gradients: expect.closeTo(0, 14) })
      expect(answer.equivalent).toBe(true)
      expect(answer.decomposition.target_entropy).toBeCloseTo(-0.95 * Math.log(0.95) - 0.05 * Math.log(0.05), 12)
    })

    test('leaves the reduced loss out where nothing is reduced', () => {
      const answer = compare({ logits, targets: [3, 1], reduction: 'none' })
      expect(losses(answer)).toEqual([undefined, undefined, undefined])
      expect(answer.max_abs_difference.loss).toBe(0)
    })
  })

  test(`a batch of tokens is its rows on ${engine.kernels.name} kernels`, () => {
    const tokens = [
      [
        [LN3, 0],
        [0, LN3],
      ],
      [
        [LN3, 0],
        [LN3, 0],
      ],
    ]
    const deep = compare({
      logits: tokens,
      targets: [
        [0, 1],
        [0, -100],
      ],
      label_smoothing: 0.1,
    })
    const flat = compare({ logits: tokens.flat(), targets: [0, 1, 0, -100], label_smoothing: 0.1 })
    expect({ ...deep, formulations: [] }).toEqual({ ...flat, formulations: [] })
    expect(deep.formulations[0]!.losses.flat()).toEqual(flat.formulations[0]!.losses)
  })
}
