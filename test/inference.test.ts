import { describe, expect, test } from 'vitest'
import { OUTPUTS } from '../schemas/fields.ts'
import { losses } from '../src/losses/index.ts'
import { INFERENCE_OUTPUTS } from '../src/wire/inference.ts'
import { sharedApp, startApp } from './helpers/app.ts'
import { takes } from './helpers/capabilities.ts'
import { ask, numbers } from './helpers/evaluate.ts'
import { fuzz, fuzzSeed } from './helpers/fuzz.ts'
import { binaryRequest, type InferenceBody, readAnswer, withData } from './helpers/inference.ts'
import { type Dtype, tensor } from './helpers/safetensors.ts'
import { inferenceSpecimens } from './helpers/specimens.ts'

const VALUES = [2, 1, -0.5, 0.25, 2.5, -3]
const NESTED = [VALUES.slice(0, 3), VALUES.slice(3)]
const logits = tensor('F32', [2, 3], VALUES)
const targets = tensor('I64', [2], [0, 1])
const jsonInputs = [
  { name: 'logits', datatype: 'FP32', shape: [2, 3], data: VALUES },
  { name: 'targets', datatype: 'INT64', shape: [2], data: [0, 1] },
]
/** What every output holds in the answer of `POST /loss` to these fields, flat. */
function lossAnswer(fields: object): Record<string, unknown[]> {
  const {
    metrics,
    per_class: classes,
    hardest_rows: rows,
    warnings: _,
    ...rest
  } = ask('loss', { logits: NESTED, targets: [0, 1], ...fields })
  const members = (field: string, value: object = {}) =>
    Object.fromEntries(Object.entries(value).map(([name, member]) => [`${field}.${name}`, member]))
  const all = { ...rest, ...metrics, ...members('per_class', classes), ...members('hardest_rows', rows) }
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value].flat(3)]))
}

const app = sharedApp()

interface Sent {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly payload: Buffer
}

async function send(url: string, payload?: Buffer | string, headers: object = {}): Promise<Sent> {
  const answer = await app().server.inject({
    method: payload === undefined ? 'GET' : 'POST',
    url,
    headers: headers as Record<string, string>,
    ...(payload === undefined ? {} : { payload }),
  })
  return { status: answer.statusCode, headers: answer.headers, payload: answer.rawPayload }
}

function infer(request: InferenceBody | object, loss = 'cross_entropy', headers: object = {}): Promise<Sent> {
  const url = `/v2/models/${loss}/infer`
  return 'headerLength' in request
    ? send(url, request.body, { 'inference-header-content-length': String(request.headerLength), ...headers })
    : send(url, Buffer.from(JSON.stringify(request)), { 'content-type': 'application/json', ...headers })
}

function answerOf({ status, headers, payload }: Sent) {
  if (status !== 200) throw new Error(`expected an answer, got ${status}: ${payload}`)
  const length = headers['inference-header-content-length']
  return readAnswer(payload, length === undefined ? undefined : Number(length))
}

function valuesOf(sent: Sent): Record<string, unknown[]> {
  return Object.fromEntries([...answerOf(sent).outputs].map(([name, { values }]) => [name, values]))
}

async function errorOf(request: InferenceBody | object, loss?: string): Promise<[number, string]> {
  const { status, headers, payload } = await infer(request, loss)
  const answer = JSON.parse(String(payload))
  expect(headers['content-type']).toMatch(/^application\/json/)
  expect(Object.keys(answer)).toEqual(['error'])
  return [status, answer.error]
}

const json = ({ payload }: Sent) => JSON.parse(String(payload))

describe('the endpoints of the inference protocol', () => {
  test('describe the server, with the binary tensor extension', async () => {
    expect(json(await send('/v2'))).toEqual({
      name: 'lossd',
      version: expect.any(String),
      extensions: ['binary_tensor_data'],
    })
  })

  test('say that the server is live and ready', async () => {
    expect(json(await send('/v2/health/live'))).toEqual({ live: true })
    expect(json(await send('/v2/health/ready'))).toEqual({ ready: true })
  })

  test('say that a draining server is live and not ready', async () => {
    const { server, services } = await startApp()
    services.lifecycle.startDraining()
    const get = async (url: string) => (await server.inject(url)).statusCode
    expect(await get('/v2/health/live')).toBe(200)
    expect(await get('/v2/health/ready')).toBe(503)
    expect(await get('/v2/models/nll/ready')).toBe(503)
  })

  test('list every loss as a model', async () => {
    const index = json(await send('/v2/repository/index', ''))
    expect(index).toEqual(losses.map(({ name }) => ({ name, version: '1', state: 'READY', reason: '' })))
  })

  test.each(losses.map((definition) => [definition.name, definition] as const))(
    'describe %s, with and without a version',
    async (name, definition) => {
      const { field, predictsFor } = definition.family
      const metadata = json(await send(`/v2/models/${name}`))
      expect(metadata).toMatchObject({ name, versions: ['1'], platform: 'lossd' })
      expect(metadata.inputs[0]).toEqual({ name: field, datatype: 'FP32', shape: [-1, -1] })
      const mixing = { name: 'mixup.lam', datatype: 'FP32', shape: [-1], parameters: { optional: true } }
      if (takes(definition, 'mixup')) expect(metadata.inputs).toContainEqual(mixing)
      else expect(metadata.inputs).not.toContainEqual(mixing)
      const shape = predictsFor === 'row' ? [-1] : [-1, -1]
      expect(metadata.outputs).toContainEqual({ name: 'predictions', datatype: 'INT32', shape })
      expect(json(await send(`/v2/models/${name}/versions/1`))).toEqual(metadata)
      expect(json(await send(`/v2/models/${name}/ready`))).toEqual({ name, ready: true })
      expect(json(await send(`/v2/models/${name}/versions/1/ready`))).toEqual({ name, ready: true })
    },
  )

  test('have every output of POST /loss', () => {
    expect([...new Set(Object.values(INFERENCE_OUTPUTS).map(({ field }) => field))].sort()).toEqual(
      [...OUTPUTS, undefined].sort(),
    )
  })

  test.each([
    ['GET', '/v2/nothing', 404],
    ['GET', '/v2/models/nothing', 404],
    ['GET', '/v2/models/nll/versions/2', 404],
    ['GET', '/v2/models/nothing/ready', 404],
    ['POST', '/v2/models/nothing/infer', 404],
    ['POST', '/v2/models/nll/versions/2/infer', 404],
    ['GET', '/v2/models/%ff', 404],
    ['GET', '/v2/models/constructor', 404],
    ['DELETE', '/v2', 405],
    ['GET', '/v2/models/nll/infer', 405],
    ['GET', '/v2/repository/index', 405],
  ] as const)('answer %s %s with %d and an error in the words of the protocol', async (method, url, status) => {
    const answer = await app().server.inject({ method, url })
    expect([answer.statusCode, Object.keys(answer.json())]).toEqual([status, ['error']])
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    expect(answer.headers.allow !== undefined).toBe(status === 405)
  })

  test('do not change the errors of other paths', async () => {
    const answer = await app().server.inject('/v3')
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  })
})

describe('an inference request', () => {
  for (const dtype of ['float32', 'float64']) {
    test(`gets in ${dtype} what POST /loss answers to the last bit, as JSON and as binary data`, async () => {
      const parameters = { label_smoothing: 0.1, dtype }
      const outputs = Object.keys(INFERENCE_OUTPUTS).map((name) => ({ name }))
      const wanted = lossAnswer({ ...parameters, outputs: [...OUTPUTS] })
      expect(numbers(valuesOf(await infer({ inputs: jsonInputs, outputs, parameters })))).toEqual(wanted)
      const request = binaryRequest(
        { logits, targets },
        { outputs, parameters: { ...parameters, binary_data_output: true } },
      )
      const round = dtype === 'float32' ? Math.fround : (value: number) => value
      expect(valuesOf(await infer(request))).toEqual(
        Object.fromEntries(
          Object.entries(wanted).map(([name, values]) => [name, values.map((value) => round(value as number))]),
        ),
      )
    })
  }

  test('gets each output as a tensor of the shape and datatype it has', async () => {
    const outputs = Object.keys(INFERENCE_OUTPUTS).map((name) => ({ name }))
    const answer = answerOf(await infer({ inputs: jsonInputs, outputs, parameters: { dtype: 'float64' } }))
    const described = [...answer.outputs].map(([name, { shape, datatype }]) => [name, shape, datatype])
    expect(described).toEqual(
      Object.entries(INFERENCE_OUTPUTS).map(([name, { shape, datatype }]) => [
        name,
        name === 'hardest_rows.index'
          ? [2, 1]
          : shape.map((length, axis) => (length === 1 ? 1 : (name.startsWith('per_class') ? [3] : [2, 3])[axis])),
        datatype === 'FP32' ? 'FP64' : datatype,
      ]),
    )
  })

  test('gets the default outputs of POST /loss, named after its model, with its id', async () => {
    const answer = answerOf(await infer({ id: 'one "of" mine', inputs: jsonInputs }))
    expect(answer).toMatchObject({ model_name: 'cross_entropy', model_version: '1', id: 'one "of" mine' })
    expect(answerOf(await infer({ id: 'ü€😀', inputs: jsonInputs })).id).toBe('ü€😀')
    expect([...answer.outputs.keys()]).toEqual(['loss', 'normalizer', 'losses', 'gradients', 'smoothed_targets'])
    expect(answerOf(await infer({ inputs: jsonInputs, outputs: [] })).outputs).toEqual(answer.outputs)
  })

  test('gets the outputs it names, in its order, each as JSON or binary data as it says', async () => {
    const answer = answerOf(
      await infer({
        inputs: jsonInputs,
        parameters: { binary_data_output: true },
        outputs: [
          { name: 'nll', parameters: { binary_data: false } },
          { name: 'gradients' },
          { name: 'loss', parameters: { binary_data: true } },
          { name: 'normalizer', parameters: { binary_data: false } },
        ],
      }),
    )
    expect([...answer.outputs].map(([name, { isBinary }]) => [name, isBinary])).toEqual([
      ['nll', false],
      ['gradients', true],
      ['loss', true],
      ['normalizer', false],
    ])
  })

  test('may ask for the normalizer alone', async () => {
    expect(valuesOf(await infer({ inputs: jsonInputs, outputs: [{ name: 'normalizer' }] }))).toEqual({
      normalizer: [2],
    })
  })

  test('gets no loss without a reduction', async () => {
    const parameters = { reduction: 'none' }
    expect(Object.keys(valuesOf(await infer({ inputs: jsonInputs, parameters })))).not.toContain('loss')
  })

  test('gets octets with the length of their JSON where an output is binary data, else JSON', async () => {
    const binary = await infer(binaryRequest({ logits, targets }, { parameters: { binary_data_output: true } }))
    expect(binary.headers['content-type']).toBe('application/octet-stream')
    expect(Number(binary.headers['inference-header-content-length']) % 8).toBe(0)
    const text = await infer(binaryRequest({ logits, targets }))
    expect(text.headers['content-type']).toMatch(/^application\/json/)
    expect(text.headers).not.toHaveProperty('inference-header-content-length')
  })

  test('says how long each stage took', async () => {
    expect((await infer({ inputs: jsonInputs })).headers['server-timing']).toMatch(/queue;dur=.*compute;dur=/)
  })

  test('may have nested data', async () => {
    const inputs = [{ ...jsonInputs[0], data: NESTED }, jsonInputs[1]]
    expect(valuesOf(await infer({ inputs }))).toEqual(valuesOf(await infer({ inputs: jsonInputs })))
  })

  test('may have the datatype and the shape of an input behind its data', async () => {
    const inputs = jsonInputs.map(({ data, ...rest }) => ({ data, ...rest }))
    expect(valuesOf(await infer({ inputs }))).toEqual(valuesOf(await infer({ inputs: jsonInputs })))
  })

  for (const order of ['before', 'behind']) {
    test(`has numbers of the datatype it says, named ${order} the data, whatever they are computed in`, async () => {
      const data = [0.1, 1e-46, 1, 16_777_217, 2, 3]
      for (const [datatype, round] of [
        ['FP32', Math.fround],
        ['FP64', Number],
      ] as const) {
        const input = { name: 'logits', shape: [2, 3] }
        const scores = order === 'before' ? { ...input, datatype, data } : { data, ...input, datatype }
        const rounded = data.map((value) => round(value))
        const wanted = lossAnswer({ logits: [rounded.slice(0, 3), rounded.slice(3)], dtype: 'float64' })
        expect(valuesOf(await infer({ inputs: [scores, jsonInputs[1]], parameters: { dtype: 'float64' } }))).toEqual(
          wanted,
        )
      }
    })
  }

  for (const [dtype, datatype] of [
    ['I32', 'INT32'],
    ['I64', 'INT64'],
    ['U8', 'UINT8'],
    ['U32', 'UINT32'],
    ['F32', 'FP32'],
    ['F64', 'FP64'],
  ] as const) {
    test(`has class indices of ${datatype}, in JSON or as binary data`, async () => {
      const wanted = lossAnswer({ targets: [2, 1] })
      const inputs = [jsonInputs[0], { name: 'targets', datatype, shape: [2], data: [2, 1] }]
      expect(valuesOf(await infer({ inputs }))).toEqual(wanted)
      expect(valuesOf(await infer(binaryRequest({ targets: tensor(dtype, [2], [2, 1]), logits })))).toEqual(wanted)
    })
  }

  for (const dtype of ['F16', 'BF16', 'F32', 'F64'] as Dtype[]) {
    test(`has binary logits in ${dtype} at any byte`, async () => {
      const wanted = lossAnswer({})
      for (let padding = 0; padding < 8; padding++) {
        const { body, headerLength } = binaryRequest({ logits: tensor(dtype, [2, 3], VALUES), targets })
        const shifted = withData(body.toString('utf8', 0, headerLength) + ' '.repeat(padding), [
          body.subarray(headerLength),
        ])
        expect(valuesOf(await infer(shifted))).toEqual(wanted)
      }
    })
  }

  test('may mix binary data and JSON', async () => {
    const { parameters: _, ...described } = { name: 'logits', datatype: 'FP32', shape: [2, 3], parameters: {} }
    const header = { inputs: [jsonInputs[1], { ...described, parameters: { binary_data_size: 24 } }] }
    expect(valuesOf(await infer(withData(header, [logits.bytes])))).toEqual(lossAnswer({}))
  })

  test('has mixing coefficients and partners as inputs or as parameters', async () => {
    const mixup = { lam: [0.25, 0.75], pairing: [1, 0] }
    const inputs = {
      logits,
      targets,
      'mixup.lam': tensor('F16', [2], mixup.lam),
      'mixup.pairing': tensor('U8', [2], mixup.pairing),
    }
    expect(valuesOf(await infer(binaryRequest(inputs)))).toEqual(lossAnswer({ mixup }))
    for (const parameters of [
      { 'mixup.lam': 0.3, 'mixup.pairing': 'roll' },
      { mixup: { lam: 0.3, pairing: 'roll' } },
    ]) {
      const wanted = lossAnswer({ mixup: { lam: 0.3, pairing: 'roll' } })
      expect(valuesOf(await infer({ inputs: jsonInputs, parameters }))).toEqual(wanted)
    }
  })

  test('may have small tensors as arrays in its parameters', async () => {
    const fields = { class_weights: [1, 2, 0.5], ignore_index: [1] }
    expect(valuesOf(await infer({ inputs: jsonInputs, parameters: fields }))).toEqual(lossAnswer(fields))
  })

  test('may say the name and version of its model once more, as the client of KServe does', async () => {
    const request = { model_name: 'cross_entropy', model_version: '1', inputs: jsonInputs }
    expect(valuesOf(await infer(request))).toEqual(lossAnswer({}))
  })

  test('may hold what the protocol says to schedulers, without effect', async () => {
    const parameters = { priority: 1, timeout: 1000, sequence_id: 7, sequence_start: true, sequence_end: false }
    expect(valuesOf(await infer({ inputs: jsonInputs, parameters }))).toEqual(lossAnswer({}))
  })

  test('gets numbers that JSON lacks as strings, and as they are in binary data', async () => {
    const inputs = [jsonInputs[0], { ...jsonInputs[1], data: [-100, -100] }]
    const outputs = [{ name: 'loss' }, { name: 'nll', parameters: { binary_data: true } }]
    expect(valuesOf(await infer({ inputs, outputs }))).toEqual({ loss: ['NaN'], nll: [Number.NaN] })
    const infinite = { ...jsonInputs[0], data: ['-Infinity', ...VALUES.slice(1)] }
    expect(valuesOf(await infer({ inputs: [infinite, jsonInputs[1]], outputs: [{ name: 'loss' }] }))).toEqual({
      loss: ['Infinity'],
    })
  })

  test('is evaluated for the version it names, and for every loss', async () => {
    for (const { name, example } of losses) {
      const tensors = Object.entries(example).filter(([, value]) => Array.isArray(value)) as [string, number[][]][]
      const inputs = tensors.map(([field, data]) => {
        const isVector = typeof data[0] === 'number'
        return {
          name: field,
          datatype: isVector ? 'INT64' : 'FP32',
          shape: isVector ? [data.length] : [data.length, data[0]!.length],
          data,
        }
      })
      const answer = ask('loss', { loss: name, ...Object.fromEntries(tensors) })
      const sent = await send(`/v2/models/${name}/versions/1/infer`, JSON.stringify({ inputs }), {
        'content-type': 'application/json',
      })
      expect(valuesOf(sent).loss).toEqual([answer.loss])
    }
  })
})

describe('a refused inference request', () => {
  const binaryInput = (more: object) => ({ name: 'logits', datatype: 'FP32', shape: [2, 3], ...more })
  const binary = (size: unknown) => binaryInput({ parameters: { binary_data_size: size } })
  const one = (input: unknown) => ({ inputs: [input, jsonInputs[1]] })

  test.each<[string, InferenceBody | object, number, string]>([
    ['a request without inputs', {}, 422, '/inputs'],
    ['inputs that are an object', { inputs: {} }, 422, '/inputs'],
    ['no logits', { inputs: [jsonInputs[1]] }, 422, '/logits'],
    ['an unknown member', { inputs: jsonInputs, output: [] }, 422, '/output: unknown member'],
    [
      'a model that its path does not name',
      { model_name: 'nll', inputs: jsonInputs },
      422,
      'the path names cross_entropy',
    ],
    ['a version that there is not', { model_version: '2', inputs: jsonInputs }, 422, '/model_version'],
    [
      'data made like a tensor in memory',
      { inputs: [{ ...jsonInputs[0], data: { pointer: 8, as: 1, shape: [2, 3], dtype: 'F64' } }, jsonInputs[1]] },
      400,
      '/inputs/0/data: expected an array of numbers or binary_data_size, got an object',
    ],
    [
      'data made like the fault of a tensor',
      { inputs: [{ ...jsonInputs[0], data: { fault: 'overloaded', path: [], detail: 'mine' } }, jsonInputs[1]] },
      400,
      '/inputs/0/data: expected an array of numbers or binary_data_size, got an object',
    ],
    ['an id that is a number', { id: 7, inputs: jsonInputs }, 422, '/id'],
    ['an input that is a number', one(7), 422, '/inputs/0'],
    ['an input without a name', one({ ...jsonInputs[0], name: undefined }), 422, '/inputs/0/name'],
    ['an input with an unknown member', one({ ...jsonInputs[0], dtype: 'FP32' }), 422, '/inputs/0/dtype'],
    [
      'an input with an unknown parameter',
      one({ ...jsonInputs[0], parameters: { shared_memory_region: 'x' } }),
      422,
      '/inputs/0/parameters/shared_memory_region',
    ],
    [
      'an unknown input',
      { inputs: [...jsonInputs, { ...jsonInputs[1], name: 'target' }] },
      422,
      '/target: unknown field; did you mean "targets"?',
    ],
    ['an input given twice', { inputs: [...jsonInputs, jsonInputs[1]] }, 422, '"targets" is given twice'],
    [
      'an input that is a parameter too',
      { inputs: jsonInputs, parameters: { targets: [0, 1] } },
      422,
      '"targets" is given twice',
    ],
    ['an input named loss', { inputs: [...jsonInputs, { ...jsonInputs[1], name: 'loss' }] }, 422, '/inputs/2/name'],
    ['more inputs than there are fields', { inputs: Array(65).fill(jsonInputs[0]) }, 422, 'at most 64'],
    ['an unknown datatype', one({ ...jsonInputs[0], datatype: 'BYTES' }), 400, 'got "BYTES"'],
    ['a datatype that every object has', one({ ...jsonInputs[0], datatype: 'constructor' }), 400, '/inputs/0/datatype'],
    ['an input without a shape', one({ ...jsonInputs[0], shape: undefined }), 400, '/inputs/0/shape'],
    ['a shape with -1', one({ ...jsonInputs[0], shape: [-1, 3] }), 400, '/inputs/0/shape'],
    ['a shape of nine dimensions', one({ ...jsonInputs[0], shape: Array(9).fill(1) }), 400, '/inputs/0/shape'],
    ['an input without data', one({ ...jsonInputs[0], data: undefined }), 400, '/inputs/0/data'],
    [
      'data that is an object',
      one({ ...jsonInputs[0], data: { dtype: 'F32', shape: [0], data: '' } }),
      400,
      '/inputs/0/data',
    ],
    ['data of FP16 in JSON', one({ ...jsonInputs[0], datatype: 'FP16' }), 400, 'binary data only'],
    [
      'too few numbers',
      one({ ...jsonInputs[0], data: VALUES.slice(1) }),
      422,
      '/logits: expected numbers for the shape [2, 3]',
    ],
    [
      'nested numbers of another shape',
      one({
        ...jsonInputs[0],
        data: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      }),
      422,
      'got [3, 2]',
    ],
    [
      'ragged numbers',
      one({
        ...jsonInputs[0],
        data: [
          [1, 2, 3],
          [4, 5],
        ],
      }),
      422,
      '/logits/1: expected 3 elements',
    ],
    [
      'a string among the numbers',
      one({ ...jsonInputs[0], data: VALUES.with(4, 'x' as never) }),
      422,
      '/logits/1/1: expected a number',
    ],
    [
      'a number that does not fit its datatype',
      one({ ...jsonInputs[0], data: VALUES.with(4, 1e39) }),
      422,
      '/logits/1/1: expected a number that fits float32',
    ],
    [
      'a fraction among integers',
      { inputs: [jsonInputs[0], { ...jsonInputs[1], data: [0, 1.5] }] },
      422,
      '/targets/1: expected a number of INT64, got 1.5',
    ],
    [
      'an integer beyond its datatype',
      { inputs: [jsonInputs[0], { ...jsonInputs[1], datatype: 'UINT8', data: [256, 0] }] },
      422,
      '/targets/0: expected a number of UINT8, got 256',
    ],
    ['NaN in JSON', one({ ...jsonInputs[0], data: VALUES.with(4, 'NaN' as never) }), 422, '/logits/1/1'],
    [
      'NaN in binary data',
      binaryRequest({ logits: tensor('F32', [2, 3], VALUES.with(4, Number.NaN)), targets }),
      422,
      '/logits/1/1',
    ],
    [
      '+Infinity in binary data',
      binaryRequest({ logits: tensor('F16', [2, 3], VALUES.with(2, Number.POSITIVE_INFINITY)), targets }),
      422,
      '/logits/0/2',
    ],
    ['a class out of range', { inputs: [jsonInputs[0], { ...jsonInputs[1], data: [0, 3] }] }, 422, '/targets/1'],
    ['a bad option', { inputs: jsonInputs, parameters: { label_smoothing: 2 } }, 422, '/label_smoothing'],
    [
      'an unknown option',
      { inputs: jsonInputs, parameters: { label_smothing: 0.1 } },
      422,
      'did you mean "label_smoothing"?',
    ],
    ['the loss as an option', { inputs: jsonInputs, parameters: { loss: 'nll' } }, 422, 'the path names the loss'],
    ['outputs as an option', { inputs: jsonInputs, parameters: { outputs: ['loss'] } }, 422, '/parameters/outputs'],
    ['parameters that are a list', { inputs: jsonInputs, parameters: [] }, 422, '/parameters'],
    [
      'an option given twice',
      { inputs: jsonInputs, parameters: { mixup: { lam: 0.3 }, 'mixup.lam': 0.3 } },
      422,
      'given twice',
    ],
    ['an unknown output', { inputs: jsonInputs, outputs: [{ name: 'los' }] }, 422, '/outputs/0/name'],
    [
      'an output given twice',
      { inputs: jsonInputs, outputs: [{ name: 'loss' }, { name: 'loss' }] },
      422,
      '/outputs/1/name',
    ],
    ['an output that is a string', { inputs: jsonInputs, outputs: ['loss'] }, 422, '/outputs/0'],
    [
      'an output as a classification',
      { inputs: jsonInputs, outputs: [{ name: 'loss', parameters: { classification: 2 } }] },
      422,
      '/outputs/0/parameters/classification',
    ],
    [
      'a flag that is a string',
      { inputs: jsonInputs, parameters: { binary_data_output: 'yes' } },
      422,
      'expected a boolean',
    ],
    ['binary data without a header length', one(binary(24)), 400, '0 are left in the body'],
    ['a binary size that is no integer', withData(one(binary(1.5)), [logits.bytes]), 400, 'number of bytes'],
    ['a negative binary size', withData(one(binary(-24)), [logits.bytes]), 400, 'number of bytes'],
    ['a binary size beyond safe integers', withData(one(binary(2 ** 60)), [logits.bytes]), 400, 'number of bytes'],
    [
      'a binary size that is not that of the shape',
      withData(one(binary(20)), [logits.bytes]),
      400,
      'expected 24 bytes for FP32 [2, 3], got 20',
    ],
    [
      'less binary data than it says',
      withData(one(binary(24)), [logits.bytes.subarray(1)]),
      400,
      '23 are left in the body',
    ],
    [
      'more binary data than it says',
      withData(one(binary(24)), [logits.bytes, new Uint8Array(1)]),
      400,
      'they take 24',
    ],
    ['binary data that nothing claims', withData({ inputs: jsonInputs }, [logits.bytes]), 400, 'they take 0'],
    [
      'an input with data of both kinds',
      withData(one({ ...binary(24), data: VALUES }), [logits.bytes]),
      400,
      '/inputs/0/data',
    ],
    ['a header that is no JSON', withData('{"inputs":', [logits.bytes]), 400, 'not JSON at byte 10'],
    ['a header that is an array', withData('[]', []), 422, 'expected an object'],
    [
      'a header longer than the body',
      { body: Buffer.from('{}'), headerLength: 3 },
      400,
      'expected a JSON header of 3 bytes',
    ],
    ['an empty body', { body: Buffer.alloc(0), headerLength: 0 }, 400, 'end of the body'],
  ])('says what is wrong with %s', async (_what, request, status, detail) => {
    const [refused, error] = await errorOf(request)
    expect(error).toContain(detail)
    expect(refused).toBe(status)
    expect(error.length).toBeLessThan(400)
  })

  test.each(['x', '-1', '1.5', '0x10', '', '9999999999999999999'])('has a header length of %j', async (length) => {
    const { status, payload } = await infer({ inputs: jsonInputs }, 'cross_entropy', {
      'inference-header-content-length': length,
    })
    expect([status, JSON.parse(String(payload)).error]).toEqual([
      400,
      expect.stringContaining('Inference-Header-Content-Length'),
    ])
  })

  test('was cut anywhere', async () => {
    const { body, headerLength } = binaryRequest({ logits, targets })
    for (let length = 0; length < body.length; length++) {
      const [status] = await errorOf({ body: body.subarray(0, length), headerLength: Math.min(length, headerLength) })
      expect(status).toBe(400)
    }
  })

  test('has a media type that the protocol does not know', async () => {
    const { status, payload } = await infer({ inputs: jsonInputs }, 'cross_entropy', { 'content-type': 'text/plain' })
    expect([status, JSON.parse(String(payload))]).toEqual([415, { error: expect.stringContaining('got text/plain') }])
  })

  test('lacks a key, comes too often, is too large or too late', async () => {
    const body = JSON.stringify({ inputs: jsonInputs })
    const post = async (
      overrides: Parameters<typeof startApp>[0],
      headers: Record<string, string> = {},
      payload = body,
    ) => {
      const { server } = await startApp(overrides)
      const request = () => server.inject({ method: 'POST', url: '/v2/models/nll/infer', headers, payload })
      await request()
      const answer = await request()
      return [answer.statusCode, Object.keys(answer.json())]
    }
    expect(await post({ apiKeys: ['secret'] })).toEqual([401, ['error']])
    expect(await post({ rateLimit: 1 })).toEqual([429, ['error']])
    expect(await post({ maxBodyBytes: 100 })).toEqual([413, ['error']])
    // Far more than a millisecond of work.
    const large = { name: 'log_probabilities', shape: [1000, 1000], datatype: 'FP32', data: Array(1e6).fill(-1) }
    const late = JSON.stringify({
      inputs: [large, { name: 'targets', shape: [1000], datatype: 'INT64', data: Array(1000).fill(0) }],
    })
    expect(await post({}, { 'x-request-timeout-ms': '1' }, late)).toEqual([504, ['error']])
  })

  test('is refused while the server shuts down', async () => {
    const { server, services } = await startApp()
    services.lifecycle.startDraining()
    services.lifecycle.stopAccepting()
    const answer = await server.inject({ method: 'POST', url: '/v2/models/nll/infer', payload: '{}' })
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1'])
    expect(answer.json()).toEqual({ error: expect.stringContaining('shutting down') })
  })

  test('or an answered one, whatever the bytes', () => fuzz('inference', inferenceSpecimens, 3000, fuzzSeed()))
})

describe('a request without Content-Type', () => {
  test('is read as an inference request', async () => {
    const { status } = await send('/v2/models/cross_entropy/infer', Buffer.from(JSON.stringify({ inputs: jsonInputs })))
    expect(status).toBe(200)
  })
})
