import { describe, expect, test } from 'vitest'
import { lossBranches } from '../schemas/loss.ts'
import { losses } from '../src/losses/index.ts'
import { isPresetName, PRESETS, type PresetName } from '../src/presets.ts'
import { ask, post } from './helpers/evaluate.ts'
import { textOf } from './helpers/sources.ts'

interface Side {
  readonly convention: string
  readonly reduction?: string
  readonly label_smoothing?: number
  readonly on_value?: number
  readonly off_value?: number
}

interface Converted {
  readonly exact: boolean
  readonly label_smoothing?: number
  readonly detail?: string
  readonly from: Side
  readonly to: Side
}

const names = Object.keys(PRESETS) as PresetName[]
const convert = (label_smoothing: number, num_classes: number, from: string, to: string) =>
  ask<Converted>('smoothing/convert', { label_smoothing, num_classes, from, to })

describe('a smoothing factor', () => {
  test.each([
    { from: 'others', to: 'uniform', k: 10, s: 0.09, factor: 0.1 },
    { from: 'uniform', to: 'others', k: 10, s: 0.1, factor: 0.09 },
    { from: 'fairseq', to: 'pytorch', k: 4, s: 0.3, factor: 0.4 },
    { from: 'others', to: 'uniform', k: 2, s: 0.5, factor: 1 },
    { from: 'half', to: 'uniform', k: 2, s: 0.3, factor: 0.3 },
    { from: 'half', to: 'others', k: 2, s: 0.3, factor: 0.15 },
    { from: 'others', to: 'half', k: 2, s: 0.15, factor: 0.3 },
    { from: 'half', to: 'half', k: 7, s: 0.3, factor: 0.3 },
    { from: 'others', to: 'tensor2tensor', k: 3, s: 0.9, factor: 0.9 },
    { from: 'half', to: 'uniform', k: 9, s: 0, factor: 0 },
    { from: 'uniform', to: 'keras', k: 1, s: 0.5, factor: 0.5 },
  ])('$s of "$from" is $factor of "$to" for $k classes, with the same targets', ({ from, to, k, s, factor }) => {
    const answer = convert(s, k, from, to)
    expect(answer).toMatchObject({ exact: true, label_smoothing: expect.closeTo(factor, 14) })
    expect(answer.to.label_smoothing).toBe(answer.label_smoothing)
    expect(answer.from.label_smoothing).toBe(s)
    expect(answer.to.on_value).toBeCloseTo(answer.from.on_value!, 14)
    expect(answer.to.off_value).toBeCloseTo(answer.from.off_value!, 14)
    expect(answer).not.toHaveProperty('detail')
  })

  test('goes there and back, and gives /targets the same', () => {
    for (const k of [2, 3, 10, 1000]) {
      for (const s of [0, 1e-3, 0.1, 0.9, 1]) {
        const there = convert(s, k, 'uniform', 'others').label_smoothing!
        expect(convert(there, k, 'others', 'uniform').label_smoothing).toBeCloseTo(s, 14)
        const targets = (label_smoothing: number, smoothing: string) =>
          ask<{ smoothed_targets: number[][] }>('targets', {
            targets: [1],
            num_classes: k,
            label_smoothing,
            smoothing,
            dtype: 'float64',
          }).smoothed_targets[0]!
        const uniform = targets(s, 'uniform')
        targets(there, 'others').forEach((value, i) => {
          expect(value).toBeCloseTo(uniform[i]!, 14)
        })
      }
    }
  })

  test.each([
    { from: 'half', to: 'uniform', k: 3, s: 0.1, why: /1\/2 by itself/ },
    { from: 'others', to: 'half', k: 10, s: 0.1, why: /1\/2 by itself/ },
    { from: 'others', to: 'uniform', k: 4, s: 0.8, why: /would be 1\.06.*above 1/ },
    { from: 'fairseq', to: 'timm', k: 2, s: 0.6, why: /less than every other class/ },
  ])('$s of "$from" is none of "$to" for $k classes, and the answer says why', ({ from, to, k, s, why }) => {
    const { answer } = post('smoothing/convert', { label_smoothing: s, num_classes: k, from, to })
    expect(answer).toMatchObject({ exact: false, detail: expect.stringMatching(why) })
    expect(answer).not.toHaveProperty('label_smoothing')
    expect((answer as Converted).to).not.toHaveProperty('on_value')
    expect((answer as Converted).from).toHaveProperty('on_value')
  })

  test('has the reduction of a library that is named, and else none', () => {
    const { from, to } = convert(0.1, 10, 'fairseq', 'uniform')
    expect(from).toMatchObject({ convention: 'others', reduction: 'sum' })
    expect(to).not.toHaveProperty('reduction')
  })
})

describe('a preset', () => {
  const request = {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
    label_smoothing: 0.1,
    dtype: 'float64',
  }

  test.each(names)('%s is its convention and its reduction', (preset) => {
    const { classes: smoothing, reduction } = PRESETS[preset]
    for (const operation of ['loss', 'equivalence', 'gradient-check'] as const)
      expect(ask(operation, { ...request, preset })).toEqual(ask(operation, { ...request, smoothing, reduction }))
    const sweep = { ...request, parameter: 'label_smoothing', values: [0, 0.5] }
    expect(ask('sweep', { ...sweep, preset })).toEqual(ask('sweep', { ...sweep, smoothing, reduction }))
  })

  test('leaves what the request gives itself', () => {
    const given = { ...request, smoothing: 'uniform', reduction: 'none' }
    expect(ask('loss', { ...given, preset: 'fairseq' })).toEqual(ask('loss', given))
    expect(ask('loss', { ...request, preset: 'fairseq', reduction: 'mean' })).toEqual(
      ask('loss', { ...request, smoothing: 'others' }),
    )
  })

  test('leaves the smoothing factor and the order of the fields alone', () => {
    const { label_smoothing: _, ...plain } = request
    expect(ask('loss', { preset: 'timm', ...plain })).toEqual(ask('loss', plain))
  })

  test.each([...losses])('is a field of $name where that smooths', ({ name, targets }) => {
    const { shape } = lossBranches.get(name)!
    expect(Object.hasOwn(shape, 'preset')).toBe(targets.smooths !== undefined)
    expect(Object.hasOwn(shape, 'smoothing')).toBe(targets.smooths !== undefined)
  })

  test.each(losses.filter(({ targets }) => targets.smooths === 'labels'))(
    'of Keras smooths the labels of $name towards 1/2',
    ({ name, example }) => {
      const body = { loss: name, ...example, label_smoothing: 0.2 }
      const { smoothing: _, reduction: __, ...plain } = body as Record<string, unknown>
      expect(ask('loss', { ...plain, preset: 'keras' })).toEqual(
        ask('loss', { ...plain, smoothing: 'half', reduction: 'mean' }),
      )
    },
  )

  test('has a name and a source in the documents', () => {
    const documented = textOf('docs/tools.md')
    for (const name of names) {
      expect(documented, `list ${name}`).toContain(`| \`${name}\` |`)
      expect(documented, `link ${name}`).toContain(PRESETS[name].url)
    }
    expect(isPresetName('constructor')).toBe(false)
  })
})
