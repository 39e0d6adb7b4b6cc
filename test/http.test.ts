import { Writable } from 'node:stream'
import { brotliCompressSync, brotliDecompressSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { type App, buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { losses } from '../src/losses/index.ts'
import { PROBLEMS } from '../src/problems.ts'
import { startApp } from './helpers/app.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const REQUEST = {
  loss: 'cross_entropy',
  logits: [
    [2.0, 1.0, 0.1],
    [0.5, 2.5, 0.3],
  ],
  targets: [0, 1],
  label_smoothing: 0.1,
}

interface MediaType {
  readonly schema?: object
  readonly examples?: Readonly<Record<string, { readonly value: object }>>
}

interface OpenApiOperation {
  readonly operationId?: string
  readonly requestBody?: { readonly content: Readonly<Record<string, MediaType>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, MediaType>> }>>
}

interface OpenApi {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

let app: App
let document: OpenApi

beforeAll(async () => {
  app = await buildApp(readConfig({ LOSSD_WORKERS: '1' }), { logger: false })
  await app.services.pool.ready
  document = (await app.server.inject('/openapi.json')).json()
})

afterAll(() => app.server.close())

const get = (url: string, headers: Record<string, string> = {}) => app.server.inject({ url, headers })

function post(
  payload: object | string = REQUEST,
  headers: Record<string, string> = {},
  { server } = app,
  url = '/loss',
) {
  return server.inject({ method: 'POST', url, headers: { ...JSON_TYPE, ...headers }, payload })
}

/** The last digit of float32 is the kernels'. */
function expectClose(actual: unknown, expected: readonly number[]): void {
  const values = [actual].flat(2) as number[]
  expect(values).toHaveLength(expected.length)
  for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 6)
}

describe('POST /loss', () => {
  test('gives the answer of the README', async () => {
    const { statusCode, headers, body } = await post()
    expect(statusCode).toBe(200)
    expect(headers['content-type']).toMatch(/^application\/json\b/)
    const answer = JSON.parse(body)
    expect(Object.keys(answer)).toEqual(['loss', 'normalizer', 'losses', 'gradients', 'smoothed_targets'])
    expectClose(answer.loss, [0.4368731])
    expectClose(answer.normalizer, [2])
    expectClose(answer.losses, [0.5136967, 0.36004952])
    expectClose(answer.gradients, [-0.1371661, 0.10454982, 0.03261628, 0.0376352, -0.06542714, 0.027791942])
    expectClose(
      answer.smoothed_targets,
      [14, 0.5, 0.5, 0.5, 14, 0.5].map((share) => share / 15),
    )
  })

  test('takes cross_entropy where no loss is named', async () => {
    const { loss: _, ...rest } = REQUEST
    expect((await post(rest)).body).toBe((await post()).body)
  })

  test('takes a media type with parameters and in capitals', async () => {
    expect((await post(REQUEST, { 'content-type': 'Application/JSON; charset=utf-8' })).statusCode).toBe(200)
  })

  test.each(['*/*', 'application/*', 'application/json', 'text/html, application/json;q=0.5'])(
    'answers an Accept of %s',
    async (accept) => {
      expect((await post(REQUEST, { accept })).statusCode).toBe(200)
    },
  )

  test('takes 1e39 in float64, which float32 cannot hold', async () => {
    const answer = await post({ logits: [[1, 1e39]], targets: [1], dtype: 'float64', outputs: ['loss'] })
    expect(answer.json()).toEqual({ loss: 0, normalizer: 1 })
  })

  test('takes what an ignored row holds, whatever it is', async () => {
    const answer = await post({
      logits: [
        [1, 2],
        ['NaN', 'Infinity'],
      ],
      targets: [1, -100],
      outputs: ['gradients'],
    })
    expect(answer.json().gradients[1]).toEqual([0, 0])
  })

  test.each([63, 65, 255, 257, 1025])(
    'answers with the numbers themselves, however many bytes they take: %i KiB',
    async (kibibytes) => {
      const targets = Array.from({ length: kibibytes * 86 }, () => [0.25, 0.75])
      const { statusCode, headers, body } = await post({ targets, num_classes: 2 }, {}, app, '/targets')
      expect(statusCode).toBe(200)
      expect(Number(headers['content-length'])).toBe(body.length)
      expect(body === JSON.stringify({ smoothed_targets: targets }), body.slice(0, 100)).toBe(true)
    },
  )

  test('says how long each stage took', async () => {
    const { headers } = await post()
    expect(headers['server-timing']).toMatch(
      /^queue;dur=\d+\.\d+, decode;dur=\d+\.\d+, compute;dur=\d+\.\d+, encode;dur=\d+\.\d+$/,
    )
  })

  test('says how long each stage of a refusal took', async () => {
    expect((await post({})).headers['server-timing']).toContain('decode;dur=')
  })
})

describe('X-Request-Id', () => {
  test.each(['1', 'abc-DEF_0.9:x', 'x'.repeat(64), '0f8fad5b-d9cb-469f-a165-70867728950e'])(
    'is given back where it is sane: %s',
    async (id) => {
      for (const answer of [await post(REQUEST, { 'x-request-id': id }), await get('/livez', { 'x-request-id': id })])
        expect(answer.headers['x-request-id']).toBe(id)
    },
  )

  test.each(['x'.repeat(65), 'x'.repeat(5000), 'a b', 'a"b', '<script>', 'é', 'a/b', ''])(
    'is replaced where it is not: %s',
    async (id) => {
      const given = (await post(REQUEST, { 'x-request-id': id })).headers['x-request-id']
      expect(given).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    },
  )

  test('differs from request to request where the client gives none', async () => {
    expect((await post()).headers['x-request-id']).not.toBe((await post()).headers['x-request-id'])
  })
})

describe('health', () => {
  test('is live and ready when the workers are up', async () => {
    expect((await get('/livez')).json()).toEqual({ status: 'live' })
    expect((await get('/readyz')).json()).toEqual({ status: 'ready' })
  })

  test('is live but not ready while the workers are coming up', async () => {
    const starting = await buildApp(readConfig({ LOSSD_WORKERS: '1' }), { logger: false })
    const ready = await starting.server.inject('/readyz')
    const live = await starting.server.inject('/livez')
    await starting.services.pool.ready
    await starting.server.close()
    expect([live.statusCode, ready.statusCode]).toEqual([200, 503])
  })
})

describe('GET /metrics', () => {
  test('has every metric of the contract with its unit', async () => {
    await post()
    const { headers, body } = await get('/metrics')
    expect(headers['content-type']).toMatch(/^text\/plain/)
    for (const name of [
      'lossd_request_duration_seconds_bucket',
      'lossd_queue_wait_seconds_count',
      'lossd_compute_duration_seconds_sum{loss="cross_entropy"}',
      'lossd_codec_duration_seconds_count{direction="decode"}',
      'lossd_codec_duration_seconds_count{direction="encode"}',
      'lossd_rows_total{loss="cross_entropy"}',
      'lossd_bytes_total{direction="in"}',
      'lossd_bytes_total{direction="out"}',
      'lossd_queue_depth 0',
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_p99_seconds',
    ])
      expect(body).toContain(`\n${name}`)
  })

  test('counts rows and bytes by what came and went', async () => {
    const own = await startApp({ workers: 1 })
    const payload = JSON.stringify(REQUEST)
    const answer = await post(payload, {}, own)
    await post(JSON.stringify({ ...REQUEST, loss: 'nll' }), {}, own)
    const { body } = await own.server.inject('/metrics')
    const refused = payload.replace('cross_entropy', 'nll').length
    expect(body).toContain('lossd_rows_total{loss="cross_entropy"} 2\n')
    expect(body).not.toContain('lossd_rows_total{loss="nll"}')
    expect(body).toContain(`lossd_bytes_total{direction="in"} ${payload.length + refused}\n`)
    expect(body).toContain(`lossd_bytes_total{direction="out"} ${answer.body.length}\n`)
    expect(body).toContain('lossd_request_duration_seconds_count{method="POST",route="/loss",status="200"} 1\n')
    expect(body).toContain('lossd_request_duration_seconds_count{method="POST",route="/loss",status="422"} 1\n')
  })

  /** The values of series whose name and labels begin like this. */
  const valuesOf = (body: string, series: string) =>
    body
      .split('\n')
      .filter((line) => line.startsWith(series))
      .map((line) => Number(line.slice(line.lastIndexOf(' '))))

  test('counts everything once, however often it is asked', async () => {
    const own = await startApp({ workers: 1 })
    await post(JSON.stringify(REQUEST), {}, own)
    await post(JSON.stringify(REQUEST), {}, own)
    for (let scrape = 0; scrape < 2; scrape++) {
      const { body } = await own.server.inject('/metrics')
      expect(valuesOf(body, 'lossd_rows_total{loss="cross_entropy"}')).toEqual([4])
      expect(valuesOf(body, 'lossd_request_duration_seconds_count{method="POST"')).toEqual([2])
      for (const name of ['queue_wait_seconds_count', 'codec_duration_seconds_count{direction="encode"'])
        expect(valuesOf(body, `lossd_${name}`), name).toEqual([2])
    }
  })

  test('gives times in seconds', async () => {
    const own = await startApp({ workers: 1 })
    const start = performance.now()
    for (let request = 0; request < 20; request++) await post(JSON.stringify(REQUEST), {}, own)
    const seconds = (performance.now() - start) / 1000
    const { body } = await own.server.inject('/metrics')
    for (const name of ['request_duration', 'queue_wait', 'compute_duration', 'codec_duration'])
      for (const sum of valuesOf(body, `lossd_${name}_seconds_sum`)) {
        expect(sum, name).toBeGreaterThan(0)
        expect(sum, name).toBeLessThan(seconds)
      }
  })

  test('has one route for all paths that are not there', async () => {
    const own = await startApp({ workers: 1 })
    for (const path of ['/a', '/b', '/losses/%zz']) await own.server.inject(path)
    const { body } = await own.server.inject('/metrics')
    expect(new Set(body.match(/route="[^"]*"/g))).toEqual(new Set(['route="none"']))
  })
})

describe('the catalogue', () => {
  test('lists every loss with formula, parameters and references', async () => {
    const { losses: listed } = (await get('/losses')).json()
    expect(listed.map((loss: { name: string }) => loss.name)).toEqual(losses.map((loss) => loss.name))
    for (const loss of listed) {
      expect(loss.formula).not.toBe('')
      expect(loss.references.length).toBeGreaterThan(0)
      const smoothing = loss.parameters.find(({ name }: { name: string }) => name === 'label_smoothing')
      if (smoothing) expect(smoothing).toMatchObject({ required: false, schema: { minimum: 0, maximum: 1 } })
    }
  })

  test.each(losses.map(({ name }) => name))('describes %s with an example that runs', async (name) => {
    const entry = (await get(`/losses/${name}`)).json()
    expect(entry.name).toBe(name)
    expect((await post(entry.example)).statusCode).toBe(200)
  })

  test.each(Object.entries(PROBLEMS))('describes the problem %s', async (code, problem) => {
    expect((await get(`/problems/${code}`)).json()).toEqual({ code, ...problem })
  })

  test('has a page for the type of each problem', async () => {
    const problem = (await post({})).json()
    expect((await get(problem.type)).json().title).toBe(problem.title)
  })

  test('answers HEAD like GET, without a body', async () => {
    const { statusCode, body } = await app.server.inject({ method: 'HEAD', url: '/losses' })
    expect([statusCode, body]).toEqual([200, ''])
  })
})

describe('the documents', () => {
  test('are OpenAPI 3.1, the same as JSON and as YAML', async () => {
    expect(document.openapi).toMatch(/^3\.1\./)
    const { headers, body } = await get('/openapi.yaml')
    expect(headers['content-type']).toMatch(/^application\/yaml/)
    expect(parseYaml(body)).toEqual(document)
  })

  test('are a page whose assets all come from this server', async () => {
    const seen = new Set<string>()
    const page = await get('/docs/')
    expect(page.statusCode).toBe(200)
    const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!)
    expect(links.length).toBeGreaterThan(4)
    for (const link of links) {
      const url = new URL(link, 'http://localhost/docs/')
      expect(url.origin, link).toBe('http://localhost')
      const asset = await get(url.pathname)
      expect(asset.statusCode, link).toBe(200)
      seen.add(url.pathname)
    }
    expect(seen.size).toBeGreaterThan(4)
    expect(page.headers['content-security-policy']).toContain("default-src 'self'")
  })

  test('are found without the slash', async () => {
    expect([200, 302]).toContain((await get('/docs')).statusCode)
  })
})

describe('the OpenAPI document', () => {
  const posts = () =>
    Object.entries(document.paths).flatMap(([path, { post }]) =>
      post ? [{ path: path.replace('{loss}', 'cross_entropy').replace('{version}', '1'), operation: post }] : [],
    )

  /** A validator of one schema, whose references lead into the document. */
  function validator(schema: object) {
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema(document, 'document')
    return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')))
  }

  function expectValid(schema: object, value: unknown): void {
    const validate = validator(schema)
    expect(validate(value), JSON.stringify(validate.errors)).toBe(true)
  }

  test('has an example of each loss', () => {
    const examples = document.paths['/loss']!.post!.requestBody!.content['application/json']!.examples
    expect(Object.keys(examples ?? {})).toEqual(expect.arrayContaining(losses.map(({ name }) => name)))
  })

  test('has examples that fit its schemas and are answered, with answers that fit them too', async () => {
    let posted = 0
    for (const { path, operation } of posts()) {
      const content = operation.requestBody?.content['application/json']
      for (const { value } of Object.values(content?.examples ?? {})) {
        const answer = await app.server.inject({ method: 'POST', url: path, headers: JSON_TYPE, payload: value })
        expect(answer.statusCode, `${path} ${answer.body.slice(0, 300)}`).toBe(200)
        expectValid(content!.schema!, value)
        const schema = operation.responses['200']?.content?.['application/json']?.schema
        if (schema) expectValid(schema, answer.json())
        posted++
      }
    }
    expect(posted).toBeGreaterThanOrEqual(losses.length + 4)
  })

  test('describes answers with every output, in both encodings, and with numbers that JSON lacks', async () => {
    const outputs = [
      'loss',
      'losses',
      'gradients',
      'smoothed_targets',
      'probabilities',
      'log_probabilities',
      'predictions',
      'metrics',
    ]
    const schema = document.paths['/loss']!.post!.responses['200']!.content!['application/json']!.schema!
    for (const fields of [
      { encoding: 'array' },
      { encoding: 'base64' },
      { dtype: 'float64', reduction: 'none' },
      { targets: [-100, -100] },
      {
        logits: [
          ['-Infinity', 1, 2],
          [1, 2, 3],
        ],
      },
      {
        logits: [
          [
            [1, 2],
            [3, 4],
          ],
        ],
        targets: [[0, 1]],
        class_axis: 1,
      },
    ]) {
      const answer = await post({ ...REQUEST, outputs, ...fields })
      expect(answer.statusCode, answer.body).toBe(200)
      expectValid(schema, answer.json())
    }
  })

  test('describes the answers of the paths that are read', async () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      const schema = operations.get?.responses['200']?.content?.['application/json']?.schema
      if (!schema || path.startsWith('/v2')) continue
      const url = path.replace('{name}', 'cross_entropy').replace('{code}', 'draining')
      expectValid(schema, (await get(url)).json())
    }
  })

  test('describes the problem documents, and every status that a body can lead to', async () => {
    const bodies = [{}, '{', { ...REQUEST, targets: [0, 9] }, { ...REQUEST, logits: {} }, { ...REQUEST, targets: [0] }]
    const { responses } = document.paths['/loss']!.post!
    for (const payload of bodies) {
      const answer = await post(payload)
      const schema = responses[answer.statusCode]?.content?.['application/problem+json']?.schema
      expect(schema, String(answer.statusCode)).toBeDefined()
      expectValid(schema!, answer.json())
      expectValid(document.components.schemas.Problem!, answer.json())
    }
    for (const code of ['401', '406', '413', '415', '429', '500', '503', '504']) expect(responses).toHaveProperty(code)
  })

  test('has schemas that refuse what the service refuses', () => {
    const schema = document.paths['/loss']!.post!.requestBody!.content['application/json']!.schema!
    const validate = validator(schema)
    const others = [
      { label_smoothing: 2 },
      { label_smooting: 0.1 },
      { loss: 'focl' },
      { logits: [2, 1] },
      { normalizer: 0 },
      { outputs: ['x'] },
    ]
    expect(validate(REQUEST)).toBe(true)
    for (const fields of others) expect(validate({ ...REQUEST, ...fields }), JSON.stringify(fields)).toBe(false)
  })
})

describe('compression', () => {
  const codecs = {
    gzip: [gzipSync, gunzipSync],
    deflate: [deflateSync, inflateSync],
    br: [brotliCompressSync, brotliDecompressSync],
  } as const
  const large = { logits: Array(200).fill([1, 2, 3, 4, 5, 6, 7, 8]), targets: Array(200).fill(3) }

  test.each(Object.keys(codecs) as (keyof typeof codecs)[])('is read in bodies: %s', async (encoding) => {
    const [compress] = codecs[encoding]
    for (const request of [REQUEST, large]) {
      const payload = compress(JSON.stringify(request))
      const answer = await app.server.inject({
        method: 'POST',
        url: '/loss',
        headers: { ...JSON_TYPE, 'content-encoding': encoding },
        payload,
      })
      expect(answer.statusCode, answer.body).toBe(200)
      expect(answer.body).toBe((await post(request)).body)
    }
  })

  test.each(['GZIP', 'x-gzip', 'X-GZip'])('is read in bodies by every name of the coding: %s', async (encoding) => {
    const payload = gzipSync(JSON.stringify(REQUEST))
    const headers = { ...JSON_TYPE, 'content-encoding': encoding }
    const answer = await app.server.inject({ method: 'POST', url: '/loss', headers, payload })
    expect(answer.body).toBe((await post()).body)
  })

  test('is read in bodies over a connection, whether their length is declared or not', async () => {
    const own = await startApp({ workers: 1 })
    const url = await own.server.listen({ port: 0, host: '127.0.0.1' })
    const zipped = new Blob([gzipSync(JSON.stringify(large))])
    const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' }
    const expected = (await post(large)).body
    for (const body of [zipped, zipped.stream()]) {
      const response = await fetch(`${url}/loss`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
      expect(await response.text()).toBe(expected)
    }
  })

  test.each(Object.keys(codecs) as (keyof typeof codecs)[])(
    'is given to answers where it is configured and accepted: %s',
    async (encoding) => {
      const own = await startApp({ workers: 1, compressAnswers: true })
      const plain = await post(large, {}, own)
      const compressed = await post(large, { 'accept-encoding': encoding }, own)
      expect(plain.headers).not.toHaveProperty('content-encoding')
      expect(compressed.headers).toMatchObject({ 'content-encoding': encoding, vary: 'accept-encoding' })
      expect(codecs[encoding][1](compressed.rawPayload).toString()).toBe(plain.body)
      expect(compressed.rawPayload.length).toBeLessThan(plain.rawPayload.length / 2)
    },
  )

  test('is not given to answers where it is not configured', async () => {
    expect((await post(large, { 'accept-encoding': 'gzip' })).headers).not.toHaveProperty('content-encoding')
  })
})

describe('browsers', () => {
  const preflight = { origin: 'https://a.example', 'access-control-request-method': 'POST' }

  test('of a configured origin may call', async () => {
    const own = await startApp({ workers: 1, corsOrigins: ['https://a.example'], apiKeys: ['right'] })
    const asked = await own.server.inject({ method: 'OPTIONS', url: '/loss', headers: preflight })
    expect(asked.statusCode).toBe(204)
    expect(asked.headers['access-control-allow-origin']).toBe('https://a.example')
    const answer = await post(REQUEST, { origin: 'https://a.example', 'x-api-key': 'right' }, own)
    expect(answer.headers['access-control-allow-origin']).toBe('https://a.example')
    expect(answer.headers['access-control-expose-headers']).toMatch(/x-request-id/i)
    const refused = await post({}, { origin: 'https://a.example' }, own)
    expect([refused.statusCode, refused.headers['access-control-allow-origin']]).toEqual([401, 'https://a.example'])
  })

  test('of another origin may not', async () => {
    const own = await startApp({ workers: 1, corsOrigins: ['https://a.example'] })
    const answer = await post(REQUEST, { origin: 'https://b.example' }, own)
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('make no other path than a preflight exist', async () => {
    const own = await startApp({ workers: 1, corsOrigins: ['*'] })
    expect((await own.server.inject('/nothing')).statusCode).toBe(404)
    expect((await own.server.inject('/loss')).statusCode).toBe(405)
  })

  test('may not call where no origin is configured', async () => {
    expect((await post(REQUEST, preflight)).headers).not.toHaveProperty('access-control-allow-origin')
  })
})

describe('keys', () => {
  test('are taken as a bearer token and as X-Api-Key, and asked for by evaluations alone', async () => {
    const own = await startApp({ workers: 1, apiKeys: ['one', 'two'] })
    for (const headers of [{ authorization: 'Bearer one' }, { 'x-api-key': 'one' }, { 'x-api-key': 'two' }])
      expect((await post(REQUEST, headers as Record<string, string>, own)).statusCode).toBe(200)
    for (const path of ['/livez', '/readyz', '/metrics', '/losses', '/openapi.json', '/docs/'])
      expect((await own.server.inject(path)).statusCode, path).toBe(200)
  })
})

describe('the log', () => {
  test('has a line for each answer, and no body and no key in it', async () => {
    const lines: string[] = []
    const stream = new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk))
        done()
      },
    })
    const config = { ...readConfig({ LOSSD_WORKERS: '1', LOSSD_API_KEYS: 'right-key' }), logLevel: 'trace' }
    const own = await buildApp(config, { logger: { level: 'trace', stream } })
    await own.services.pool.ready
    const secret = { ...REQUEST, logits: [[123.456789, 1]], targets: [0], ['secret-field' as string]: 'secret-value' }
    for (const headers of [
      { authorization: 'Bearer right-key', 'x-request-id': 'first' },
      { 'x-api-key': 'right-key', 'x-request-id': 'second' },
      { 'x-api-key': 'wrong-key', 'x-request-id': 'third' },
      { authorization: 'Bearer wrong-key', 'x-request-id': 'fourth' },
    ])
      await post(secret, headers as Record<string, string>, own)
    await post('{"logits": [[123.456789', { 'x-api-key': 'right-key', 'x-request-id': 'fifth' }, own)
    await own.server.close()
    const log = lines.join('')
    for (const word of ['right-key', 'wrong-key', '123.456789', 'secret-field', 'secret-value'])
      expect(log).not.toContain(word)
    const answered = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'answered')
    expect(answered.map(({ reqId, status }) => [reqId, status])).toEqual([
      ['first', 422],
      ['second', 422],
      ['third', 401],
      ['fourth', 401],
      ['fifth', 400],
    ])
    expect(answered[0]).toMatchObject({ method: 'POST', path: '/loss' })
  })
})
