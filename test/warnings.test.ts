import { describe, expect, test } from 'vitest'
import { evaluate as evaluateAs } from '../src/evaluate.ts'
import { defaultEngine, encode, engines, post } from './helpers/evaluate.ts'
import { sourcesIn, textOf } from './helpers/sources.ts'

const BATCH = {
  logits: [
    [2, 1, 0.1],
    [0.5, 2.5, 0.3],
  ],
  targets: [0, 1],
}

interface Warning {
  readonly code: string
  readonly detail: string
}

for (const engine of engines) {
  const warningsOf = (request: object): Warning[] | undefined => {
    const { status, answer } = post('loss', { ...BATCH, ...request }, engine)
    expect(status, JSON.stringify(answer)).toBe(200)
    return (answer as { warnings?: Warning[] }).warnings
  }
  const codes = (request: object) => (warningsOf(request) ?? []).map(({ code }) => code)
  const detail = (request: object) => warningsOf(request)![0]!.detail

  describe(`warnings on ${engine.kernels.name} kernels`, () => {
    test('are left out where there are none', () => {
      expect(warningsOf({})).toBeUndefined()
      expect(warningsOf({ label_smoothing: 0.1, class_weights: [1, 2, 3], sample_weights: [1, 2] })).toBeUndefined()
      expect(warningsOf({ mixup: { lam: 0.3 }, label_smoothing: 0.1, smoothing: 'others' })).toBeUndefined()
    })

    test('class_weights_move_optimum: a heavy class overtakes that of a target', () => {
      // K = 3, s = 0.3: w_r 0.1 > w_y 0.8 where w_r > 8 w_y.
      const request = { label_smoothing: 0.3, class_weights: [1, 1, 8.1] }
      expect(codes(request)).toEqual(['class_weights_move_optimum'])
      expect(detail(request)).toContain('class 0, 1 is smallest where class 2 gets the largest probability')
      expect(codes({ ...request, class_weights: [1, 1, 7.9] })).toEqual([])
      expect(codes({ ...request, label_smoothing: 0 })).toEqual([])
      expect(detail({ ...request, class_weights: [1, 2, 8.1] })).toContain('of a row of class 0 is')
    })

    test('class_weights_move_optimum: only classes that are present are overtaken', () => {
      const request = { label_smoothing: 0.3, class_weights: [1, 10, 20], targets: [1, 2] }
      expect(codes(request)).toEqual([])
      expect(codes({ ...request, targets: [-100, 0] })).toContain('class_weights_move_optimum')
      expect(codes({ ...request, targets: [2, 0], mixup: { lam: 0.5 } })).toEqual(['class_weights_move_optimum'])
    })

    test('class_weights_move_optimum: by what the convention or the prior gives the heavy class', () => {
      // others: s/(K-1) = 0.15 against 0.7; prior: 0.3 * 0.5 = 0.15 against 0.7 + 0.3 * 0.25 = 0.775.
      const heavy = (weight: number) => ({ label_smoothing: 0.3, class_weights: [1, 1, weight] })
      expect(codes({ ...heavy(4.6), smoothing: 'others' })).toEqual([])
      expect(codes({ ...heavy(4.7), smoothing: 'others' })).toEqual(['class_weights_move_optimum'])
      expect(codes({ ...heavy(5.1), prior: [0.25, 0.25, 0.5] })).toEqual([])
      expect(codes({ ...heavy(5.2), prior: [0.25, 0.25, 0.5] })).toEqual(['class_weights_move_optimum'])
    })

    test('class_weights_move_optimum names at most ten classes', () => {
      const weights = Array.from({ length: 30 }, (_, k) => (k === 29 ? 1000 : 1))
      const targets = Array.from({ length: 25 }, (_, k) => k)
      const logits = targets.map(() => weights.map(() => 0))
      const request = { logits, targets, class_weights: weights, label_smoothing: 0.1 }
      expect(detail(request)).toContain('class 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 15 more is')
    })

    test('weighted_mean_of_one: the weight of the only row cancels', () => {
      const request = { targets: [1, -100], class_weights: [1, 2, 1] }
      expect(codes(request)).toEqual(['weighted_mean_of_one'])
      for (const other of [
        { targets: [1, 0] },
        { targets: [0, -100] },
        { targets: [-100, -100] },
        { reduction: 'sum' },
        { normalizer: 2 },
        { class_weights: [1, 0, 1] },
        { class_weights: undefined },
        { logits: [[1, 2, 3]], targets: [[0, 1, 0]] },
      ])
        expect(codes({ ...request, ...other }), JSON.stringify(other)).toEqual([])
    })

    test('perplexity_of_smoothed_loss: where metrics stand beside a smoothed loss', () => {
      expect(codes({ outputs: ['loss', 'metrics'], label_smoothing: 0.1 })).toEqual(['perplexity_of_smoothed_loss'])
      expect(codes({ outputs: ['loss', 'metrics'] })).toEqual([])
      expect(codes({ label_smoothing: 0.1 })).toEqual([])
    })

    test('smoothing_inverts_targets: "others" above (K-1)/K', () => {
      expect(codes({ label_smoothing: 0.7, smoothing: 'others' })).toEqual(['smoothing_inverts_targets'])
      expect(codes({ label_smoothing: 0.6, smoothing: 'others' })).toEqual([])
      expect(codes({ label_smoothing: 1 })).toEqual([])
    })

    test('ignore_index_is_a_class: rows of a class are left out', () => {
      expect(codes({ ignore_index: 0 })).toEqual(['ignore_index_is_a_class'])
      expect(detail({ ignore_index: [-1, 2, 7, 0] })).toContain('lists 2, 0, a class')
      expect(codes({ ignore_index: -1 })).toEqual([])
      expect(codes({ ignore_index: [3, 255] })).toEqual([])
    })

    test('alpha_constant: a factor of all classes balances nothing', () => {
      expect(codes({ loss: 'focal', alpha: 0.25 })).toEqual(['alpha_constant'])
      expect(codes({ loss: 'focal', alpha: [0.5, 0.5, 0.5] })).toEqual(['alpha_constant'])
      expect(codes({ loss: 'focal', alpha: [0.5, 0.25, 0.5] })).toEqual([])
      expect(codes({ loss: 'focal', alpha: 1 })).toEqual([])
      expect(codes({ loss: 'focal' })).toEqual([])
      // K = 3, s = 0.3: w_r alpha_r 0.1 > w_y alpha_y 0.8.
      const heavy = { loss: 'focal', label_smoothing: 0.3, class_weights: [1, 1, 3], alpha: [1, 1, 3] }
      expect(codes(heavy)).toEqual(['class_weights_move_optimum'])
    })

    test('change nothing of the rest of the answer', () => {
      const loud = post('loss', { ...BATCH, ignore_index: [2] }, engine).answer as { warnings?: unknown }
      const { warnings, ...rest } = loud
      expect(warnings).toHaveLength(1)
      expect(JSON.stringify(rest)).toBe(JSON.stringify(post('loss', BATCH, engine).answer))
    })
  })
}

test('every code stands in the conventions', () => {
  const sources = ['src/warnings.ts', ...sourcesIn('src/losses')].map(textOf)
  const codes = sources.flatMap((text) => [...text.matchAll(/\bcode: '(\w+)'/g)].map(([, code]) => code!))
  expect(codes.length).toBeGreaterThan(4)
  const documented = textOf('docs/conventions.md')
  for (const code of codes) expect(documented, `explain ${code} under "Warnings"`).toContain(`\`${code}\``)
})

describe('the warnings of a request', () => {
  const request = encode({ ...BATCH, ignore_index: 0 })
  const answered = (response: string) => {
    const { result } = evaluateAs(defaultEngine, 'loss', request, { request: 'json', response })
    if (!result.ok) throw new Error(result.problem.detail)
    return result
  }
  const { warnings } = post('loss', { ...BATCH, ignore_index: 0 }).answer as { warnings: Warning[] }

  test('are a parameter of an inference response', () => {
    const { bytes } = answered('inference')
    const { parameters, outputs } = JSON.parse(new TextDecoder().decode(bytes))
    expect(JSON.parse(parameters.warnings)).toEqual(warnings)
    expect(outputs).toHaveLength(5)
  })
})
