import { describe, expect, test } from 'vitest'
import { evaluate, type OperationName } from '../src/evaluate.ts'
import type { Problem } from '../src/problems.ts'
import { sharedApp } from './helpers/app.ts'
import { ask, defaultEngine, numbers } from './helpers/evaluate.ts'
import { fuzz, fuzzSeed } from './helpers/fuzz.ts'
import { container, type Dtype, pack, tensor, unpack } from './helpers/safetensors.ts'
import { safetensorsSpecimens } from './helpers/specimens.ts'

const FORMATS = { request: 'safetensors', response: 'safetensors' } as const

function evaluateContainer(body: Uint8Array, operation: OperationName = 'loss', response = 'safetensors') {
  return evaluate(defaultEngine, operation, new Uint8Array(body), { ...FORMATS, response }).result
}

function answerTo(body: Uint8Array, operation?: OperationName) {
  const result = evaluateContainer(body, operation)
  if (!result.ok) throw new Error(`expected an answer, got ${JSON.stringify(result.problem)}`)
  return unpack(result.bytes)
}

function jsonAnswerTo(body: Uint8Array, operation?: OperationName): unknown {
  const result = evaluateContainer(body, operation, 'json')
  if (!result.ok) throw new Error(`expected an answer, got ${JSON.stringify(result.problem)}`)
  return numbers(JSON.parse(new TextDecoder().decode(result.bytes)))
}

function refusalOf(body: Uint8Array, operation?: OperationName): Problem {
  const result = evaluateContainer(body, operation)
  if (result.ok) throw new Error('expected a refusal, got an answer')
  return result.problem
}

/** Numbers that every floating-point type holds. */
const VALUES = [2, 1, -0.5, 0.25, 2.5, -3]
const NESTED = [VALUES.slice(0, 3), VALUES.slice(3)]
const logits = tensor('F32', [2, 3], VALUES)
const targets = tensor('I64', [2], [0, 1])

describe('a safetensors body', () => {
  for (const dtype of ['F16', 'BF16', 'F32', 'F64'] as Dtype[]) {
    for (const precision of ['float32', 'float64'] as const) {
      test(`has logits in ${dtype} that give in ${precision} what the same numbers give in JSON`, () => {
        const body = pack({ logits: tensor(dtype, [2, 3], VALUES), targets }, { dtype: precision })
        expect(jsonAnswerTo(body)).toEqual(ask('loss', { logits: NESTED, targets: [0, 1], dtype: precision }))
      })
    }
  }

  for (const dtype of ['F16', 'BF16', 'F32', 'F64', 'I32', 'I64', 'U8', 'U32'] as Dtype[]) {
    test(`has class indices in ${dtype}, wherever they lie`, () => {
      const wanted = ask('loss', { logits: NESTED, targets: [2, 1] })
      const labels = tensor(dtype, [2], [2, 1])
      expect(jsonAnswerTo(pack({ logits, targets: labels }))).toEqual(wanted)
      expect(jsonAnswerTo(pack({ targets: labels, logits }))).toEqual(wanted)
    })
  }

  test('has numbers of float16 to the last of them: subnormal, largest, negative zero, infinite', () => {
    const values = [2 ** -24, 65_504, -0, Number.NEGATIVE_INFINITY, 1.0009765625, -(2 ** -14)]
    const body = pack({ logits: tensor('F16', [2, 3], values), targets }, { dtype: 'float64' })
    const request = { logits: [values.slice(0, 3), values.slice(3)], targets: [0, 1], dtype: 'float64' }
    expect(jsonAnswerTo(body)).toEqual(ask('loss', request))
  })

  test('starts its tensors at any byte', () => {
    const wanted = jsonAnswerTo(pack({ logits, targets }))
    for (let padding = 0; padding < 8; padding++) {
      const header = JSON.parse(
        pack({ logits, targets }).toString('utf8', 8, pack({ logits, targets }).indexOf('}}') + 2),
      )
      const text = JSON.stringify(header) + ' '.repeat(padding)
      expect(jsonAnswerTo(container(text, Buffer.concat([logits.bytes, targets.bytes])))).toEqual(wanted)
    }
  })

  test('has every tensor field of a request: weights, prior, mixing coefficients and partners', () => {
    const fields = {
      label_smoothing: 0.1,
      class_weights: [1, 2, 0.5],
      sample_weights: [1, 0.5],
      prior: [0.5, 0.25, 0.25],
    }
    const body = pack(
      {
        logits,
        targets,
        class_weights: tensor('F32', [3], fields.class_weights),
        sample_weights: tensor('F64', [2], fields.sample_weights),
        prior: tensor('BF16', [3], fields.prior),
        'mixup.lam': tensor('F16', [2], [0.25, 0.75]),
        'mixup.pairing': tensor('U32', [2], [1, 0]),
      },
      { label_smoothing: '0.1' },
    )
    const mixup = { lam: [0.25, 0.75], pairing: [1, 0] }
    expect(jsonAnswerTo(body)).toEqual(ask('loss', { ...fields, logits: NESTED, targets: [0, 1], mixup }))
  })

  test('mixes a tensor of coefficients with a pairing from its metadata', () => {
    const lam = tensor('F64', [2], [0.25, 0.75])
    const body = pack({ logits, targets, 'mixup.lam': lam }, { mixup: '{"pairing":"roll"}' })
    const mixup = { lam: [0.25, 0.75], pairing: 'roll' }
    expect(jsonAnswerTo(body)).toEqual(ask('loss', { logits: NESTED, targets: [0, 1], mixup }))
  })

  test('has its other fields as JSON text or bare strings', () => {
    const wanted = ask('loss', { logits: NESTED, targets: [0, 1], reduction: 'sum', outputs: ['losses', 'metrics'] })
    for (const sum of ['sum', '"sum"']) {
      const metadata = { reduction: sum, outputs: '["losses", "metrics"]', loss: 'cross_entropy' }
      expect(jsonAnswerTo(pack({ logits, targets }, metadata))).toEqual(wanted)
    }
  })

  test('may have a small tensor as an array in its metadata', () => {
    const body = pack({ logits, targets }, { class_weights: '[1, 2, 0.5]', ignore_index: '[1]' })
    const request = { logits: NESTED, targets: [0, 1], class_weights: [1, 2, 0.5], ignore_index: [1] }
    expect(jsonAnswerTo(body)).toEqual(ask('loss', request))
  })

  test('is taken by every operation', () => {
    expect(jsonAnswerTo(pack({ targets }, { num_classes: '3', label_smoothing: '0.1' }), 'targets')).toEqual(
      ask('targets', { targets: [0, 1], num_classes: 3, label_smoothing: 0.1 }),
    )
    expect(jsonAnswerTo(pack({ logits, targets }), 'equivalence')).toEqual(
      ask('equivalence', { logits: NESTED, targets: [0, 1] }),
    )
  })
})

describe('a safetensors answer', () => {
  const OUTPUTS = ['loss', 'losses', 'gradients', 'smoothed_targets', 'probabilities', 'predictions', 'metrics']
  const metadata = { outputs: JSON.stringify(OUTPUTS), label_smoothing: '0.1' }

  for (const dtype of ['float32', 'float64'] as const) {
    test(`holds in ${dtype} the numbers of a JSON answer to the last bit`, () => {
      const { tensors, metadata: rest } = answerTo(pack({ logits, targets }, { ...metadata, dtype }))
      const { metrics, normalizer, warnings, ...wanted } = ask('loss', {
        logits: NESTED,
        targets: [0, 1],
        label_smoothing: 0.1,
        outputs: OUTPUTS,
        dtype,
      })
      const round = dtype === 'float32' ? Math.fround : (value: number) => value
      const flat = Object.entries(wanted as Record<string, unknown>).map(([name, value]) => [
        name,
        ([value].flat(2) as number[]).map(round),
      ])
      expect(Object.fromEntries(Object.entries(tensors).map(([name, { values }]) => [name, values]))).toEqual(
        Object.fromEntries(flat),
      )
      expect(tensors).toMatchObject({ loss: { shape: [] }, losses: { shape: [2] }, gradients: { shape: [2, 3] } })
      expect(JSON.parse(rest.normalizer!)).toBe(normalizer)
      expect(round(JSON.parse(rest.metrics!).nll)).toBe(round(metrics.nll))
      expect(JSON.parse(rest.warnings!)).toEqual(warnings)
    })
  }

  test('holds the columns of classes and rows as tensors of their own', () => {
    const outputs = '["per_class","hardest_rows"]'
    const { tensors } = answerTo(pack({ logits, targets }, { outputs, hardest: '1' }))
    const { per_class: classes, hardest_rows: rows } = ask('loss', {
      logits: NESTED,
      targets: [0, 1],
      outputs: JSON.parse(outputs),
      hardest: 1,
    })
    expect(Object.keys(tensors).sort()).toEqual([
      ...Object.keys(rows!)
        .sort()
        .map((name) => `hardest_rows.${name}`),
      ...Object.keys(classes!)
        .sort()
        .map((name) => `per_class.${name}`),
    ])
    expect(tensors['per_class.count']).toMatchObject({ dtype: 'I32', shape: [3], values: classes!.count })
    expect(tensors['per_class.loss']).toMatchObject({ dtype: 'F32', shape: [3] })
    expect(tensors['hardest_rows.index']).toMatchObject({ dtype: 'I32', shape: [1, 1], values: rows!.index.flat() })
  })

  test('begins its data at a multiple of 8 and aligns each tensor to its elements', () => {
    for (const rows of [1, 2, 3, 4]) {
      for (const dtype of ['float32', 'float64']) {
        const request = {
          logits: tensor('F32', [rows, 3], Array(rows * 3).fill(1)),
          targets: tensor('U8', [rows], Array(rows).fill(1)),
        }
        const { tensors, dataStart } = answerTo(pack(request, { ...metadata, dtype }))
        expect(dataStart % 8).toBe(0)
        for (const [name, { dtype: type, bytes, offset }] of Object.entries(tensors)) {
          expect(offset % (type === 'F64' ? 8 : 4), name).toBe(0)
          if (bytes.length % 8 === 0) expect(offset % 8, name).toBe(0)
        }
      }
    }
  })

  test('names the tensors within its formulations by their paths', () => {
    const { tensors, metadata: rest } = answerTo(pack({ logits, targets }), 'equivalence')
    expect(Object.keys(tensors)).toEqual(expect.arrayContaining(['formulations.0.losses', 'formulations.2.losses']))
    expect(JSON.parse(rest.equivalent!)).toBe(true)
  })

  test('writes numbers that JSON lacks as strings in its metadata, and as they are in tensors', () => {
    const ignored = tensor('I64', [2], [-100, -100])
    const { tensors, metadata: rest } = answerTo(pack({ logits, targets: ignored }, { outputs: '["loss","metrics"]' }))
    expect(tensors.loss!.values).toEqual([Number.NaN])
    expect(JSON.parse(rest.metrics!).nll).toBe('NaN')
  })
})

describe('the decoder of safetensors', () => {
  const data = Buffer.concat([logits.bytes, targets.bytes])
  const described = {
    logits: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
    targets: { dtype: 'I64', shape: [2], data_offsets: [24, 40] },
  }
  const withEntry = (entry: object) =>
    container(JSON.stringify({ ...described, logits: { ...described.logits, ...entry } }), data)

  test.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'header length of 8 bytes'],
    ['less than a length', Buffer.alloc(7), 'header length of 8 bytes'],
    ['a header longer than the body', container('{}', data, 1000n), 'got a length of 1000'],
    ['a header of 2^64 - 1 bytes', container('{}', data, 2n ** 64n - 1n), 'got a length of 18446744073709551615'],
    ['a header of more than 1 MiB', container(`{${' '.repeat(2 ** 20)}}`), 'at most 1048576 bytes'],
    ['an empty header', container(''), 'JSON object'],
    ['a header that is no JSON', container('{"logits":'), 'JSON object'],
    ['a header that is no UTF-8', container('{"\xff":1}').fill(0xff, 10, 11), 'JSON object'],
    ['a header that is an array', container('[]'), 'JSON object'],
    ['a header that is null', container('null'), 'JSON object'],
    ['white space before the header', container(' {}'), 'from its first byte'],
    ['a byte order mark before the header', container('\ufeff{}'), 'from its first byte'],
    ['metadata that is an array', container('{"__metadata__":[]}'), 'object of strings'],
    ['metadata with a number', container('{"__metadata__":{"label_smoothing":0.1}}'), 'object of strings'],
    ['an entry that is a number', container('{"logits":1}'), 'dtype, shape and data_offsets'],
    ['an entry that is empty', container('{"logits":{}}'), 'expected one of F16'],
    ['an unknown dtype', withEntry({ dtype: 'F8_E4M3' }), 'got "F8_E4M3"'],
    ['a dtype that every object has', withEntry({ dtype: 'constructor' }), 'expected one of F16'],
    ['a negative length', withEntry({ shape: [-2, -3] }), 'lengths >= 0'],
    ['a length that is no integer', withEntry({ shape: [1.5, 4] }), 'lengths >= 0'],
    ['nine dimensions', withEntry({ shape: [2, 3, 1, 1, 1, 1, 1, 1, 1] }), 'at most 8'],
    ['lengths that overflow', withEntry({ shape: [2 ** 52, 2 ** 52, 2 ** 52] }), 'bytes for F32'],
    ['no offsets', withEntry({ data_offsets: undefined }), '[begin, end]'],
    ['three offsets', withEntry({ data_offsets: [0, 24, 24] }), '[begin, end]'],
    ['a negative offset', withEntry({ data_offsets: [-24, 0] }), '[begin, end]'],
    ['offsets the wrong way round', withEntry({ data_offsets: [24, 0] }), 'expected 24 bytes'],
    [
      'fewer bytes than the shape needs',
      withEntry({ data_offsets: [0, 20] }),
      'expected 24 bytes for F32 [2, 3], got 20',
    ],
    ['offsets beyond the body', withEntry({ data_offsets: [40, 64] }), 'expected to begin at'],
    ['offsets beyond every body', withEntry({ data_offsets: [2 ** 53 - 25, 2 ** 53 - 1] }), 'expected to begin at'],
    [
      'an overlap',
      container(JSON.stringify({ ...described, targets: { ...described.targets, data_offsets: [20, 36] } }), data),
      'expected to begin at 24',
    ],
    [
      'a hole',
      container(
        JSON.stringify({ ...described, targets: { ...described.targets, data_offsets: [25, 41] } }),
        Buffer.concat([data, Buffer.alloc(1)]),
      ),
      'expected to begin at 24',
    ],
    [
      'bytes that no tensor claims',
      Buffer.concat([container(JSON.stringify(described), data), Buffer.alloc(1)]),
      'fill 41 bytes',
    ],
    [
      'two tensors of one name',
      container(
        `{"logits":{"dtype":"F32","shape":[1],"data_offsets":[40,44]},${JSON.stringify(described).slice(1)}`,
        Buffer.concat([data, Buffer.alloc(4)]),
      ),
      'fill 44 bytes',
    ],
    ['a field given twice', pack({ logits, targets }, { logits: '[[1]]' }), 'both a tensor and an entry'],
    [
      'a field of a field that is no object',
      pack({ logits, targets, 'mixup.lam': logits }, { mixup: 'flip' }),
      'both a tensor and an entry',
    ],
    [
      'a field of a field that is a tensor',
      pack({ mixup: logits, 'mixup.lam': logits, logits, targets }),
      'both a tensor and an entry',
    ],
  ])('refuses %s as a container that is not well-formed', (_what, body, detail) => {
    const problem = refusalOf(body)
    expect(problem).toMatchObject({ code: 'tensor_invalid', detail: expect.stringContaining(detail) })
    expect(problem.detail.length).toBeLessThan(300)
  })

  test.each<[string, Buffer, object]>([
    [
      'NaN among the logits',
      pack({ logits: tensor('F32', [2, 3], VALUES.with(4, Number.NaN)), targets }),
      { code: 'logits_not_finite', errors: [{ pointer: '/logits/1/1' }] },
    ],
    [
      '+Infinity among the logits',
      pack({ logits: tensor('F16', [2, 3], VALUES.with(2, Number.POSITIVE_INFINITY)), targets }),
      { code: 'logits_not_finite', errors: [{ pointer: '/logits/0/2' }] },
    ],
    [
      'a number that does not fit float32',
      pack({ logits: tensor('F64', [2, 3], VALUES.with(5, 1e39)), targets }),
      { code: 'validation_failed', errors: [{ pointer: '/logits/1/2' }] },
    ],
    [
      'a class index out of range',
      pack({ logits, targets: tensor('U8', [2], [0, 3]) }),
      { code: 'target_out_of_range', errors: [{ pointer: '/targets/1' }] },
    ],
    [
      'a tensor of no rows and 2^53 - 1 classes',
      pack({ logits: tensor('F32', [0, 2 ** 53 - 1], []), targets: tensor('U8', [0], []) }),
      { code: 'shape_mismatch' },
    ],
    [
      'an unknown tensor',
      pack({ logits, target: targets }),
      {
        code: 'validation_failed',
        errors: expect.arrayContaining([{ pointer: '/target', detail: 'unknown field; did you mean "targets"?' }]),
      },
    ],
    [
      'a tensor by the name of a prototype',
      container(
        `{"__proto__":{"dtype":"U8","shape":[],"data_offsets":[40,41]},${JSON.stringify(described).slice(1)}`,
        Buffer.concat([data, Buffer.alloc(1)]),
      ),
      { code: 'validation_failed', errors: [{ pointer: '/__proto__' }] },
    ],
    [
      'a tensor by the name of a prototype, behind the others',
      container(
        `${JSON.stringify(described).slice(0, -1)},"__proto__":{"dtype":"U8","shape":[],"data_offsets":[40,41]}}`,
        Buffer.concat([data, Buffer.alloc(1)]),
      ),
      { code: 'validation_failed', errors: [{ pointer: '/__proto__' }] },
    ],
    [
      'a tensor where a number belongs',
      pack({ logits, targets, label_smoothing: targets }),
      { code: 'validation_failed', errors: [{ pointer: '/label_smoothing' }] },
    ],
  ])('refuses %s with its place', (_what, body, problem) => {
    expect(refusalOf(body)).toMatchObject(problem)
  })

  test('refuses a sound container cut anywhere', () => {
    const whole = pack({ logits, targets }, { label_smoothing: '0.1' })
    for (let length = 0; length < whole.length; length++) {
      expect(refusalOf(whole.subarray(0, length)), `${length} bytes`).toMatchObject({ code: 'tensor_invalid' })
    }
  })

  test('answers or refuses whatever the bytes', () => fuzz('safetensors', safetensorsSpecimens, 3000, fuzzSeed()))
})

describe('Accept', () => {
  const app = sharedApp()
  const body = pack({ logits, targets })
  const CONTAINER = 'application/vnd.safetensors'
  const JSON_TYPE = 'application/json'

  test.each<[string, string, string | undefined, string]>([
    ['safetensors', CONTAINER, undefined, CONTAINER],
    ['safetensors', CONTAINER, '*/*', CONTAINER],
    ['safetensors', CONTAINER, JSON_TYPE, JSON_TYPE],
    ['safetensors', CONTAINER, `${JSON_TYPE};q=0.5, ${CONTAINER}`, CONTAINER],
    ['octets', 'application/octet-stream', undefined, CONTAINER],
    ['octets', 'application/octet-stream', 'application/octet-stream', 'application/octet-stream'],
    ['octets', 'application/octet-stream', 'application/*', CONTAINER],
    ['JSON', JSON_TYPE, CONTAINER, CONTAINER],
    ['JSON', JSON_TYPE, 'application/octet-stream', 'application/octet-stream'],
    ['JSON', JSON_TYPE, 'text/html, */*;q=0.1', JSON_TYPE],
  ])('of a body of %s (%s), %s, gets an answer of %s', async (_what, type, accept, expected) => {
    const answer = await app().server.inject({
      method: 'POST',
      url: '/loss',
      headers: { 'content-type': type, ...(accept === undefined ? {} : { accept }) },
      payload: type === JSON_TYPE ? JSON.stringify({ logits: NESTED, targets: [0, 1] }) : body,
    })
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, expected])
    const loss = expected === JSON_TYPE ? answer.json().loss : unpack(answer.rawPayload).tensors.loss!.values[0]
    expect(Math.fround(loss)).toBe(Math.fround(ask('loss', { logits: NESTED, targets: [0, 1] }).loss))
  })

  test('of nothing the service writes is refused, in JSON, as every problem is', async () => {
    const headers = { 'content-type': CONTAINER, accept: 'image/png' }
    const answer = await app().server.inject({ method: 'POST', url: '/loss', headers, payload: body })
    expect(answer.statusCode).toBe(406)
    const refused = await app().server.inject({
      method: 'POST',
      url: '/loss',
      headers: { 'content-type': CONTAINER },
      payload: 'x',
    })
    expect([refused.statusCode, refused.headers['content-type'], refused.json().code]).toEqual([
      400,
      'application/problem+json; charset=utf-8',
      'tensor_invalid',
    ])
  })
})
