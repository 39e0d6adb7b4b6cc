import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { type Answered, evaluate, type OperationName, type Surroundings } from '../src/evaluate.ts'
import { randomFrom } from '../src/random.ts'
import { ask, defaultEngine, encode, engines, numbers } from './helpers/evaluate.ts'
import { pack, tensor, type Unpacked, unpack } from './helpers/safetensors.ts'

// So that the smallest tensor of a golden stays outside of kernel memory, as those of a megabyte do in the service.
vi.mock('../src/wire/outside.ts', async (original) => ({ ...(await original<object>()), MIN_OUTSIDE_BYTES: 1 }))

interface GoldenCase {
  readonly name: string
  readonly operation: OperationName
  readonly request: Readonly<Record<string, unknown>>
}

const goldens = readdirSync('test/goldens')
  .filter((file) => file.endsWith('.json'))
  .flatMap((file) => JSON.parse(readFileSync(`test/goldens/${file}`, 'utf8')).cases as GoldenCase[])
  .filter(({ operation }) => operation === 'loss')

/** What a worker has around an evaluation, and what it was told and asked. */
function worker() {
  const lent: Uint8Array[] = []
  const unused: Uint8Array[] = []
  const read: Uint8Array[] = []
  const apart = (bytes: number) => {
    lent.push(new Uint8Array(new SharedArrayBuffer(bytes)).fill(0xee))
    return lent.at(-1)!
  }
  const surroundings: Surroundings = {
    room: (bytes) => new Uint8Array(bytes),
    apart: { room: apart, unused: (bytes) => void unused.push(bytes) },
    bodyRead: (bytes) => void read.push(bytes),
  }
  return { surroundings, lent, unused, read }
}

function whole({ bytes, insertion }: Answered): Buffer {
  if (!insertion) return Buffer.from(bytes)
  return Buffer.concat([bytes.subarray(0, insertion.at), insertion.bytes, bytes.subarray(insertion.at)])
}

/** Matrices and deeper become tensors of the request's precision, everything else an entry of the metadata. */
function container(request: Readonly<Record<string, unknown>>): Buffer {
  const tensors: Record<string, ReturnType<typeof tensor>> = {}
  const metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(request)) {
    const shape = shapeOf(value)
    const flat = shape && (numbers([value].flat(Number.POSITIVE_INFINITY)) as number[])
    const isMatrix = flat !== undefined && shape!.length > 1 && flat.length === shape!.reduce((a, b) => a * b)
    if (isMatrix) tensors[name] = tensor(request.dtype === 'float64' ? 'F64' : 'F32', shape!, flat)
    else metadata[name] = JSON.stringify(value)
  }
  return pack(tensors, metadata)
}

function shapeOf(value: unknown): number[] | undefined {
  if (!Array.isArray(value)) return undefined
  return [value.length, ...(shapeOf(value[0]) ?? [])]
}

/** Index of the first element that is not the number, or number in nested arrays, that JSON has; -1 where there is none. */
function firstDifference(
  { dtype, values }: Pick<Unpacked['tensors'][string], 'dtype' | 'values'>,
  json: unknown,
): number {
  const wanted = [json].flat(Number.POSITIVE_INFINITY) as number[]
  if (wanted.length !== values.length) return Math.min(wanted.length, values.length)
  const round = dtype === 'F32' ? Math.fround : (value: number) => value
  return values.findIndex((value, i) => !Object.is(value, round(wanted[i]!)))
}

const FORMATS = { request: 'safetensors', response: 'safetensors' } as const

describe('tensors outside of kernel memory', () => {
  test('give every golden the numbers that it has in JSON, to the last bit', () => {
    let apart = 0
    for (const engine of engines) {
      for (const { name, request } of goldens) {
        const { surroundings, lent, unused, read } = worker()
        const body = container(request)
        const { result } = evaluate(engine, 'loss', body, FORMATS, surroundings)
        expect(read, name).toEqual([body])
        if (!result.ok) {
          expect(unused, name).toEqual(lent)
          continue
        }
        expect(unused, name).toEqual([])
        expect(result.insertion?.bytes, name).toBe(lent[0])
        apart += lent.length
        const wanted = ask<Record<string, unknown>>('loss', { ...request, encoding: 'array' }, engine)
        const { tensors } = unpack(whole(result))
        if (lent.length > 0) expect(tensors, name).toHaveProperty('gradients')
        for (const [output, given] of Object.entries(tensors)) {
          if (!output.includes('.')) expect(firstDifference(given, wanted[output]), `${name}: ${output}`).toBe(-1)
        }
      }
    }
    expect(apart).toBeGreaterThan(goldens.length / 2)
  })

  test('are refused at the position where they are not finite, in the first block or a later one, and their room goes back', () => {
    const [rows, columns] = [300, 500]
    for (const row of [0, 65, 299]) {
      const values = noise(rows * columns)
      values[row * columns + 7] = Number.NaN
      const logits = tensor('F32', [rows, columns], values)
      const body = pack({ logits, targets: tensor('I32', [rows], Array(rows).fill(1)) })
      const { surroundings, lent, unused, read } = worker()
      const { result } = evaluate(defaultEngine, 'loss', body, FORMATS, surroundings)
      if (result.ok) throw new Error('expected a refusal, got an answer')
      expect(result.problem).toMatchObject({ code: 'logits_not_finite', errors: [{ pointer: `/logits/${row}/7` }] })
      expect([unused.length, read.length]).toEqual([1, 1])
      expect(unused[0]).toBe(lent[0])
      expect(read[0]).toBe(body)
    }
  })

  for (const outputs of [
    ['gradients'],
    ['probabilities', 'gradients', 'losses'],
    ['loss', 'metrics', 'gradients', 'hardest_rows'],
    ['predictions'],
  ]) {
    test.each([7, 150])(
      `give ${outputs.join(', ')} of many blocks where every row %i is ignored and some weigh nothing`,
      (period) => {
        const [rows, columns] = [400, 300]
        const values = noise(rows * columns)
        const targets = Array.from({ length: rows }, (_, row) => (row % period === 0 ? -100 : row % columns))
        const weights = Array.from({ length: rows }, (_, row) => (row % 5 === 0 ? 0 : 1 + (row % 3)))
        const fields = { label_smoothing: 0.1, outputs }
        const body = pack(
          {
            logits: tensor('F32', [rows, columns], values),
            targets: tensor('I32', [rows], targets),
            sample_weights: tensor('F32', [rows], weights),
          },
          { label_smoothing: '0.1', outputs: JSON.stringify(outputs) },
        )
        const logits = Array.from({ length: rows }, (_, row) => values.slice(row * columns, (row + 1) * columns))
        const wanted = ask<Record<string, unknown>>('loss', { ...fields, logits, targets, sample_weights: weights })
        const { surroundings } = worker()
        const { result } = evaluate(defaultEngine, 'loss', body, FORMATS, surroundings)
        if (!result.ok) throw new Error(`expected an answer, got ${JSON.stringify(result.problem)}`)
        const { tensors } = unpack(whole(result))
        for (const output of outputs.filter((name) => name in tensors))
          expect(firstDifference(tensors[output]!, wanted[output]), output).toBe(-1)
        expect(Object.keys(tensors)).toEqual(
          expect.arrayContaining(outputs.filter((name) => Array.isArray(wanted[name]))),
        )
      },
    )
  }

  test('are refused at the position of a number that does not fit float32', () => {
    const body = pack({ logits: tensor('F64', [2, 2], [1, 2, 3, 1e39]), targets: tensor('I32', [2], [0, 1]) })
    const { result } = evaluate(defaultEngine, 'loss', body, FORMATS, worker().surroundings)
    expect(result).toMatchObject({ ok: false, problem: { errors: [{ pointer: '/logits/1/1' }] } })
  })

  test('are converted where the computation is more precise than they are', () => {
    const body = pack(
      { logits: tensor('F32', [1, 2], [0.1, 2]), targets: tensor('I32', [1], [0]) },
      { dtype: 'float64' },
    )
    const { result } = evaluate(defaultEngine, 'loss', body, FORMATS, worker().surroundings)
    if (!result.ok) throw new Error('expected an answer')
    const wanted = ask('loss', { logits: [[Math.fround(0.1), 2]], targets: [0], dtype: 'float64' })
    expect(firstDifference(unpack(whole(result)).tensors.gradients!, wanted.gradients)).toBe(-1)
  })

  test('stay in kernel memory for the operations and formats that have no use for them elsewhere', () => {
    const body = pack({ logits: tensor('F32', [2, 3], [1, 2, 3, 3, 2, 1]), targets: tensor('I32', [2], [0, 1]) })
    for (const [operation, response] of [
      ['loss', 'json'],
      ['equivalence', 'safetensors'],
      ['calibration', 'json'],
    ] as const) {
      const { surroundings, lent, read } = worker()
      const { result } = evaluate(defaultEngine, operation, body, { request: 'safetensors', response }, surroundings)
      expect(result).toMatchObject({ ok: true, insertion: undefined })
      expect(lent).toEqual([])
      expect(read).toEqual([body])
    }
  })

  test('are in an inference answer where they are wanted as bytes, and not where they are wanted as JSON', () => {
    const logits = tensor('F32', [2, 3], [1, 2, 3, 3, 2, 1])
    const answers = [true, false].map((isBinary) => {
      const header = Buffer.from(
        JSON.stringify({
          inputs: [
            { name: 'logits', datatype: 'FP32', shape: [2, 3], parameters: { binary_data_size: 24 } },
            { name: 'targets', datatype: 'INT32', shape: [2], data: [0, 1] },
          ],
          outputs: ['loss', 'gradients', 'losses'].map((name) => ({ name, parameters: { binary_data: isBinary } })),
        }),
      )
      const hints = { loss: 'cross_entropy', headerLength: header.length }
      const formats = { request: 'inference', response: 'inference', hints } as const
      const body = Buffer.concat([header, logits.bytes])
      const { surroundings, lent } = worker()
      const { result } = evaluate(defaultEngine, 'loss', body, formats, surroundings)
      const { result: alone } = evaluate(defaultEngine, 'loss', body, formats)
      if (!result.ok || !alone.ok) throw new Error('expected answers')
      expect(whole(result).equals(whole(alone))).toBe(true)
      expect(alone.insertion).toBeUndefined()
      return lent.length
    })
    expect(answers).toEqual([1, 0])
  })
})

describe('the bytes of a body', () => {
  test('are not looked at again once they are said to be needed no more', () => {
    const nothing = { name: 'logits', datatype: 'FP32', shape: [0, 3], parameters: { binary_data_size: 0 } }
    const indices = { name: 'targets', datatype: 'INT32', shape: [0], data: [] }
    const body = new Uint8Array(encode({ inputs: [nothing, indices] }))
    const bodyRead = ({ buffer }: Uint8Array) => void structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
    const formats = { request: 'inference', response: 'inference', hints: { loss: 'cross_entropy' } } as const
    const { result } = evaluate(defaultEngine, 'loss', body, formats, { ...worker().surroundings, bodyRead })
    expect(body).toHaveLength(0)
    expect(result).toMatchObject({ ok: false, problem: { code: 'shape_mismatch' } })
  })

  test('are needed no more once they are read, and that is said once, whatever becomes of the request', () => {
    const good = { logits: [[1, 2]], targets: [0] }
    for (const body of [
      encode(good),
      encode({ ...good, targets: [5] }),
      Buffer.from('{"logits": [['),
      Buffer.alloc(0),
    ]) {
      for (const request of ['json', 'safetensors', 'inference']) {
        const { surroundings, read } = worker()
        evaluate(defaultEngine, 'loss', body, { request, response: 'json' }, surroundings)
        expect(read).toEqual([body])
      }
    }
  })
})

function noise(length: number): number[] {
  const random = randomFrom(11)
  return Array.from({ length }, () => Math.fround(random() * 8 - 4))
}
