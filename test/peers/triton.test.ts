import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import { losses } from '../../src/losses/index.ts'
import { ask } from '../helpers/evaluate.ts'
import { missingPackages, python } from '../helpers/python.ts'
import { startedServer } from '../helpers/server.ts'

const missing = missingPackages(['numpy', 'ml_dtypes', 'tritonclient.http'])

interface Result {
  readonly id: string | null
  readonly shapes: Record<string, number[]>
  readonly values: Record<string, number[]>
}

const REQUEST = {
  logits: [
    [2, 1, -0.5],
    [0.25, 2.5, -3],
  ],
  targets: [0, 1],
  label_smoothing: 0.1,
}

/** Outputs of `POST /loss`, flat, in the precision of the answer. */
function expected(fields: object, round: (value: number) => number = Math.fround): Record<string, number[]> {
  const answer = ask('loss', { ...REQUEST, ...fields })
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [name, [value].flat(3).map((each) => round(each as number))]),
  )
}

describe.skipIf(missing)("Triton's own client", () => {
  const url = startedServer()
  let answers: Record<string, unknown>

  beforeAll(() => {
    answers = JSON.parse(execFileSync(python, ['test/peers/triton_client.py', url()], { encoding: 'utf8' }))
  })

  test('finds the server live, and it and its models ready', () => {
    expect(answers).toMatchObject({
      live: true,
      ready: true,
      model_ready: true,
      version_ready: true,
      other_ready: false,
    })
  })

  test('reads the metadata of the server, of its models and of their version', () => {
    expect(answers.server).toMatchObject({ name: 'lossd', extensions: ['binary_tensor_data'] })
    expect(answers.model).toMatchObject({ name: 'cross_entropy', versions: ['1'] })
    expect(answers.version).toEqual(answers.model)
    expect(answers.index).toMatchObject(losses.map(({ name }) => ({ name, state: 'READY' })))
  })

  test('gets every default output as binary data where it names none, under its own id', () => {
    const result = answers.binary as Result
    expect(result.id).toBe('mine')
    expect(result.values).toEqual(expected({}))
    expect(result.shapes).toEqual({
      loss: [1],
      normalizer: [1],
      losses: [2],
      gradients: [2, 3],
      smoothed_targets: [2, 3],
    })
  })

  test('sends and gets JSON', () => {
    const { loss, gradients } = expected({})
    expect(answers.json).toMatchObject({ values: { loss, gradients }, shapes: { gradients: [2, 3] } })
  })

  test('mixes JSON and binary data both ways, and asks for a version', () => {
    const { loss, gradients, predictions } = expected({ outputs: ['loss', 'gradients', 'predictions'] })
    expect(answers.mixed).toMatchObject({ values: { loss, gradients, predictions } })
  })

  test('sends logits and targets of every datatype', () => {
    const { loss } = expected({})
    const results = Object.entries(answers.datatypes as Record<string, Result>)
    expect(results).toHaveLength(16)
    for (const [types, { values }] of results) expect(values.loss, types).toEqual(loss)
  })

  test('gets float64 where it asks for it', () => {
    expect(answers.float64).toMatchObject({ values: expected({ dtype: 'float64' }, Number) })
  })

  test('sends tensors at odd offsets', () => {
    const { loss } = expected({ logits: REQUEST.logits.slice(0, 1), targets: [0] })
    expect(answers.misaligned).toMatchObject({ values: { loss } })
  })

  test('compresses its requests', () => {
    for (const result of Object.values(answers.compressed as Record<string, Result>)) {
      expect(result.values).toEqual(expected({}))
    }
  })

  test('waits for its answer in the background, and says what only a scheduler heeds', () => {
    expect(answers.async).toMatchObject({ values: expected({}) })
    expect(answers.scheduling).toMatchObject({ values: expected({}) })
  })

  test('mixes rows with coefficients in a tensor', () => {
    const { loss } = expected({ label_smoothing: 0, mixup: { lam: [0.25, 0.75] } })
    expect(answers.mixup).toMatchObject({ values: { loss } })
  })

  test('reads NaN from JSON', () => {
    expect(answers.nan).toEqual(['nan'])
  })

  test('raises what was wrong, with the status', () => {
    expect(answers.errors).toMatchObject({
      model: { status: '404', message: expect.stringContaining('no model is called "nothing"') },
      version: { status: '404', message: expect.stringContaining('no version "2"') },
      option: { status: '422', message: expect.stringContaining('/label_smoothing') },
      logits: { status: '422', message: expect.stringContaining('/logits/0/0') },
      metadata: { status: '404', message: expect.stringContaining('no model') },
    })
  })
})
