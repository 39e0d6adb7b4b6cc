import { type AddressInfo, connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { Response as InjectResponse } from 'light-my-request'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, buildApp } from '../src/app.ts'
import { type Config, readConfig } from '../src/config.ts'
import { MAX_FAULTS, PROBLEMS, type ProblemCode } from '../src/problems.ts'
import { startApp } from './helpers/app.ts'
import { type RefusalCase, refusals } from './refusals.ts'

const MAX_BYTES = 8192
const MAX_MS = 500

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

interface ProblemDocument {
  readonly code: ProblemCode
  readonly status: number
  readonly type: string
  readonly title: string
  readonly detail: string
  readonly request_id: string
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
}

/** A small request that is answered. */
const GOOD = '{"logits": [[2, 1]], "targets": [0]}'

function bodyOf({ body }: RefusalCase): string | undefined {
  return typeof body === 'object' ? JSON.stringify(body) : body
}

function headersOf({ headers }: RefusalCase): Record<string, string> {
  const all = { 'content-type': 'application/json', ...headers }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''))
}

const methodOf = (refusal: RefusalCase) => refusal.method ?? 'POST'
const pathOf = (refusal: RefusalCase) => refusal.path ?? `/${refusal.operation ?? 'loss'}`

async function inject({ server }: App, refusal: RefusalCase): Promise<Answer> {
  const payload = bodyOf(refusal)
  const method = methodOf(refusal)
  const url = pathOf(refusal)
  const options = { method, url, headers: headersOf(refusal), ...(payload === undefined ? {} : { payload }) }
  return answerOf(await server.inject(options))
}

function answerOf({ statusCode, headers, body }: InjectResponse): Answer {
  return { status: statusCode, headers, body }
}

/** Sends the body as `situation` says, over a connection. */
async function send(app: App, refusal: RefusalCase): Promise<Answer> {
  const body = new TextEncoder().encode(bodyOf(refusal))
  const isGzip = refusal.situation === 'gzip'
  const sent = isGzip ? gzipSync(body) : new Blob([body]).stream()
  const response = await fetch(`http://127.0.0.1:${await listen(app)}${pathOf(refusal)}`, {
    method: methodOf(refusal),
    headers: { ...headersOf(refusal), ...(isGzip ? { 'content-encoding': 'gzip' } : {}) },
    body: sent,
    duplex: 'half',
  } as RequestInit)
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
}

/** What a socket gets that sends this and then nothing more. */
function exchange(port: number, request: string | Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
}

async function listen({ server }: App): Promise<number> {
  if (!server.server.listening) await server.listen({ port: 0, host: '127.0.0.1' })
  return (server.server.address() as AddressInfo).port
}

function parseHttp(text: string): Answer {
  const [head, body] = text.split('\r\n\r\n') as [string, string]
  const [statusLine, ...lines] = head.split('\r\n') as [string, ...string[]]
  const headers = Object.fromEntries(lines.map((line) => line.toLowerCase().split(': ') as [string, string]))
  return { status: Number(statusLine.split(' ')[1]), headers, body }
}

/** Occupies one worker for a good while; resolves when it is free again. */
function occupy({ services }: App): Promise<unknown> {
  const row = `[${'0,'.repeat(1999)}0]`
  const body = `{"logits": [${`${row},`.repeat(499)}${row}], "targets": [${'0,'.repeat(499)}0]}`
  return queue({ services }, 'equivalence', body)
}

function queue({ services }: Pick<App, 'services'>, operation: 'loss' | 'equivalence', body: string): Promise<unknown> {
  const bytes = new TextEncoder().encode(body)
  const formats = { request: 'json', response: 'json' }
  return services.pool.evaluate(operation, bytes, formats, new AbortController().signal)
}

const situations: Record<NonNullable<RefusalCase['situation']>, (app: App, refusal: RefusalCase) => Promise<Answer>> = {
  chunked: send,
  gzip: send,
  connection: async (app, { bytes }) => parseHttp(await exchange(await listen(app), bytes!)),
  'rate spent': async (app, refusal) => {
    const headers = { 'content-type': 'application/json', 'x-api-key': 'right' }
    const first = await app.server.inject({ method: 'POST', url: '/loss', headers, payload: GOOD })
    expect(first.statusCode).toBe(200)
    return inject(app, refusal)
  },
  'queue full': async (app, refusal) => {
    const accepted = [occupy(app), queue(app, 'loss', GOOD)]
    const answer = await inject(app, refusal)
    await Promise.all(accepted)
    return answer
  },
  'worker busy': async (app, refusal) => {
    const occupied = occupy(app)
    const answer = await inject(app, refusal)
    await occupied
    return answer
  },
  'slow headers': async (app, { bytes }) => {
    const port = await listen(app)
    // Node looks for connections whose time is up only every half a minute.
    const timeUp = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
    app.server.server.once('connection', (socket) => {
      socket.once('data', () => app.server.server.emit('clientError', timeUp, socket))
    })
    return parseHttp(await exchange(port, bytes!))
  },
  'slow body': async (app, refusal) => {
    const port = await listen(app)
    const head = Object.entries({ host: 'test', ...headersOf(refusal), 'content-length': '1000' })
    const text = `POST ${pathOf(refusal)} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n{`
    return parseHttp(await exchange(port, text))
  },
  draining: (app, refusal) => {
    app.services.lifecycle.startDraining()
    app.services.lifecycle.stopAccepting()
    return inject(app, refusal)
  },
}

/** What holds for every refusal, whatever it refuses. */
function expectProblem(answer: Answer): ProblemDocument {
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json\b/)
  expect(Buffer.byteLength(answer.body)).toBeLessThan(MAX_BYTES)
  const problem = JSON.parse(answer.body) as ProblemDocument
  expect(PROBLEMS).toHaveProperty(problem.code)
  expect(problem).toMatchObject({
    ...PROBLEMS[problem.code],
    status: answer.status,
    type: `/problems/${problem.code}`,
    request_id: answer.headers['x-request-id'],
  })
  expect(problem.detail).not.toBe('')
  expect(problem.errors?.length ?? 1).toBeGreaterThan(0)
  expect(problem.errors?.length ?? 0).toBeLessThanOrEqual(MAX_FAULTS)
  return problem
}

function expectRefusal(answer: Answer, refusal: RefusalCase): void {
  const problem = expectProblem(answer)
  expect({ status: answer.status, code: problem.code }, problem.detail).toEqual({
    status: refusal.status,
    code: refusal.code,
  })
  const detail = refusal.pointer === undefined ? problem.detail : faultAt(problem, refusal.pointer)
  if (typeof refusal.detail === 'string') expect(detail).toContain(refusal.detail)
  else expect(detail).toMatch(refusal.detail)
  for (const [name, value] of Object.entries(refusal.answerHeaders ?? {})) expect(answer.headers[name]).toMatch(value)
}

function faultAt({ errors = [] }: ProblemDocument, pointer: string): string | undefined {
  expect(errors.map((error) => error.pointer)).toContain(pointer)
  return errors.find((error) => error.pointer === pointer)?.detail
}

/** Services by configuration: what leaves no trace in one shares it. */
const apps = new Map<string, Promise<App>>()

function sharedApp(overrides: Partial<Config> = {}): Promise<App> {
  const key = JSON.stringify(overrides)
  const shared = apps.get(key) ?? createApp(overrides)
  apps.set(key, shared)
  return shared
}

async function createApp(overrides: Partial<Config>): Promise<App> {
  const config = { ...readConfig({ LOSSD_WORKERS: '1' }), inlineMaxBytes: 0, ...overrides }
  const created = await buildApp(config, { logger: false })
  await created.services.pool.ready
  return created
}

/** Situations that a server does not come back from. */
const LASTING: readonly RefusalCase['situation'][] = ['rate spent', 'draining']

let app: App

beforeAll(async () => {
  app = await sharedApp()
})

afterAll(async () => {
  for (const shared of apps.values()) await (await shared).server.close()
})

for (const code of new Set(refusals.map((refusal) => refusal.code))) {
  describe(code, () => {
    for (const refusal of refusals.filter((each) => each.code === code)) {
      const { server, situation } = refusal
      test(`is the answer to ${refusal.name}`, async () => {
        const target = LASTING.includes(situation) ? await startApp({ workers: 1, ...server }) : await sharedApp(server)
        expectRefusal(await (situation ? situations[situation] : inject)(target, refusal), refusal)
      })
    }
  })
}

describe('the table of refusals', () => {
  test('has every code of the contract but that of a bug', () => {
    const codes = Object.keys(PROBLEMS).filter((code) => code !== 'internal')
    expect([...new Set<string>(refusals.map(({ code }) => code))].sort()).toEqual(codes.sort())
  })

  test('names each case once', () => {
    const names = refusals.map(({ code, name }) => `${code}: ${name}`)
    expect(names).toEqual([...new Set(names)])
  })

  test('is the same for small bodies that do not go to a worker', async () => {
    const inline = await sharedApp({ inlineMaxBytes: 65_536 })
    for (const refusal of refusals.filter(({ server, situation }) => !server && !situation))
      expectRefusal(await inject(inline, refusal), refusal)
  })

  test('leaves a server that goes on answering', async () => {
    const answer = await inject(app, { name: '', body: GOOD, code: 'internal', status: 500, detail: '' })
    expect(answer.status).toBe(200)
  })
})

const post = (body: string | Uint8Array, headers: Record<string, string> = {}, url = '/loss') =>
  app.server
    .inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : Buffer.from(body),
    })
    .then(answerOf)

const repeat = (times: number, text: string) => `${`${text},`.repeat(times - 1)}${text}`

async function timed(body: string): Promise<{ problem: ProblemDocument; ms: number }> {
  const start = performance.now()
  const answer = await post(body)
  const ms = performance.now() - start
  return { problem: expectProblem(answer), ms }
}

describe('60,000 bad rows', () => {
  const ROWS = 60_000
  const good = { row: '[1,2,3,4]', target: '0' }
  const kinds: Record<string, { row?: string; target?: string; code: ProblemCode }> = {
    'of strings': { row: '["a","b","c","d"]', code: 'validation_failed' },
    'of nulls': { row: '[null,null,null,null]', code: 'validation_failed' },
    'of objects': { row: '{"a":1}', code: 'validation_failed' },
    'of numbers that overflow': { row: '[1e999,1e999,1e999,1e999]', code: 'validation_failed' },
    'of other lengths': { row: '[1,2,3,4],[1]', code: 'shape_mismatch' },
    'that are numbers': { row: '[1,2,3,4],5', code: 'shape_mismatch' },
    'of 12 dimensions': { row: `${'['.repeat(12)}1${']'.repeat(12)}`, code: 'shape_mismatch' },
    'of NaN': { row: '["NaN","NaN","NaN","NaN"]', code: 'logits_not_finite' },
    'of -Infinity': { row: '["-Infinity","-Infinity","-Infinity","-Infinity"]', code: 'logits_not_finite' },
    'with classes out of range': { target: '4', code: 'target_out_of_range' },
    'with fractional classes': { target: '0.5', code: 'validation_failed' },
    'with strings for classes': { target: '"cat"', code: 'validation_failed' },
    'with probabilities that do not sum to 1': { target: '[1,1,1,1]', code: 'targets_not_a_distribution' },
    'with negative probabilities': { target: '[-1,1,1,0]', code: 'targets_not_a_distribution' },
  }

  for (const [kind, { row = good.row, target = good.target, code }] of Object.entries(kinds)) {
    test(`${kind} are refused in less than 8 kB and half a second`, async () => {
      const { problem, ms } = await timed(`{"logits":[${repeat(ROWS, row)}],"targets":[${repeat(ROWS, target)}]}`)
      expect(problem.code).toBe(code)
      expect(ms).toBeLessThan(MAX_MS)
    })
  }

  test('take no longer to refuse than one among as many good ones', async () => {
    const body = (rows: string) => `{"logits":[${rows}],"targets":[${repeat(ROWS, '0')}]}`
    const bad = '["a","b","c","d"]'
    const [one, all] = [body(`${bad},${repeat(ROWS - 1, '[1,2,3,4]')}`), body(repeat(ROWS, bad))]
    const times = { one: Number.POSITIVE_INFINITY, all: Number.POSITIVE_INFINITY }
    for (let round = 0; round < 3; round++) {
      times.one = Math.min(times.one, (await timed(one)).ms)
      times.all = Math.min(times.all, (await timed(all)).ms)
    }
    // Twice the bytes have to be scanned for their syntax; nothing else may be done with them.
    expect(times.all).toBeLessThan(4 * times.one + 50)
  })
})

describe('a body made to be costly', () => {
  const nested = (times: number, open = '[', close = ']') => `${open.repeat(times)}${close.repeat(times)}`
  const fields = (count: number) => Array.from({ length: count }, (_, i) => `"field${i}":${i}`).join(',')
  const good = '"logits":[[2,1]],"targets":[0]'
  const bodies: Record<string, { body: string; code: ProblemCode; pointer?: string }> = {
    '1 MB of unknown fields': { body: `{${good},${fields(60_000)}}`, code: 'validation_failed', pointer: '/field0' },
    '1 MB of unknown fields in mixup': {
      body: `{${good},"mixup":{"lam":1,${fields(60_000)}}}`,
      code: 'validation_failed',
      pointer: '/mixup/field0',
    },
    '1 MB of unknown members of a container': {
      body: `{"logits":{${fields(60_000)}},"targets":[0]}`,
      code: 'tensor_invalid',
      pointer: '/logits/field0',
    },
    '100,000 nested arrays': { body: nested(100_000), code: 'validation_failed', pointer: '' },
    '100,000 nested arrays that are not closed': { body: '['.repeat(100_000), code: 'json_invalid' },
    '100,000 nested objects': {
      body: `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
      code: 'validation_failed',
      pointer: '/a',
    },
    '100,000 nested arrays for logits': {
      body: `{"logits":${nested(100_000)},"targets":[0]}`,
      code: 'shape_mismatch',
      pointer: '/logits/0/0/0/0/0/0/0/0',
    },
    '100,000 nested arrays in a container': {
      body: `{"logits":{"dtype":${nested(100_000)}},"targets":[0]}`,
      code: 'tensor_invalid',
      pointer: '/logits/dtype',
    },
    '100,000 nested arrays for a name': {
      body: `{${good},"reduction":${nested(100_000)}}`,
      code: 'validation_failed',
      pointer: '/reduction',
    },
    '2,000 nested arrays for a name': {
      body: `{${good},"reduction":${nested(2000)}}`,
      code: 'validation_failed',
      pointer: '/reduction',
    },
    '2,000 nested arrays for the loss': {
      body: `{"loss":${nested(2000)}}`,
      code: 'validation_failed',
      pointer: '/loss',
    },
    '2,000 nested arrays for a dtype': {
      body: `{"logits":{"dtype":${nested(2000)}},"targets":[0]}`,
      code: 'tensor_invalid',
      pointer: '/logits/dtype',
    },
    '2,000 nested arrays for an output': {
      body: `{${good},"outputs":[${nested(2000)}]}`,
      code: 'validation_failed',
      pointer: '/outputs/0',
    },
    'a string of 10 MB for a name': {
      body: `{${good},"loss":"${'x'.repeat(10_000_000)}"}`,
      code: 'validation_failed',
      pointer: '/loss',
    },
    'a string of 10 MB for targets': {
      body: `{"logits":[[2,1]],"targets":"${'x'.repeat(10_000_000)}"}`,
      code: 'validation_failed',
      pointer: '/targets',
    },
    'a string of 10 MB in logits': {
      body: `{"logits":[["${'x'.repeat(10_000_000)}"]],"targets":[0]}`,
      code: 'validation_failed',
      pointer: '/logits/0/0',
    },
    'a string of 10 MB for a dtype': {
      body: `{"logits":{"dtype":"${'x'.repeat(10_000_000)}"},"targets":[0]}`,
      code: 'tensor_invalid',
      pointer: '/logits/dtype',
    },
    'a million outputs': {
      body: `{${good},"outputs":[${repeat(1_000_000, '"x"')}]}`,
      code: 'validation_failed',
      pointer: '/outputs',
    },
    'a thousand outputs': {
      body: `{${good},"outputs":[${repeat(1000, '"x"')}]}`,
      code: 'validation_failed',
      pointer: '/outputs/9',
    },
    'a number of a million digits': {
      body: `{"logits":[[${'9'.repeat(1_000_000)}]],"targets":[0]}`,
      code: 'validation_failed',
      pointer: '/logits/0/0',
    },
    'a name of 4,000 characters': {
      body: `{${good},"${'x'.repeat(4000)}":1}`,
      code: 'validation_failed',
      pointer: `/${'x'.repeat(64)}…`,
    },
    'a name of 10 MB': { body: `{${good},"${'x'.repeat(10_000_000)}":1}`, code: 'validation_failed', pointer: '' },
    'ten names of 3,600 characters that have to be escaped': {
      body: `{${good},${Array.from({ length: 10 }, (_, i) => `"${i}${'\\u0000~/'.repeat(450)}":1`).join(',')}}`,
      code: 'validation_failed',
    },
  }

  for (const [name, { body, code, pointer }] of Object.entries(bodies)) {
    test(`is refused in less than 8 kB and half a second: ${name}`, async () => {
      const { problem, ms } = await timed(body)
      expect(problem.code, problem.detail).toBe(code)
      if (pointer !== undefined) expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
      expect(ms).toBeLessThan(MAX_MS)
    })
  }

  test('is JSON to its end, or refused as none, whatever comes before', async () => {
    for (const body of [
      `{${good},"loss":"${'x'.repeat(100_000)}"`,
      `{${good},${fields(100)}`,
      `{"logits":{"dtype":"F32",`,
      `{"logits":[["x"],`,
    ]) {
      expect(expectProblem(await post(body)).code).toBe('json_invalid')
    }
  })

  test('may repeat a field as often as it likes, of which the last counts', async () => {
    const answer = await post(`{${good},${repeat(1000, '"reduction":"mean"')},"reduction":"sum","outputs":["loss"]}`)
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body).normalizer).toBe(1)
  })
})

describe('a header made to be harmful', () => {
  const headers: Record<string, Record<string, string>> = {
    'a request id of 5,000 characters': { 'x-request-id': 'x'.repeat(5000) },
    'a content type of 10,000 characters': { 'content-type': `text/${'x'.repeat(10_000)}` },
    'a content encoding of 10,000 characters': { 'content-encoding': 'x'.repeat(10_000) },
    'an Accept of 10,000 characters': { accept: `text/${'x'.repeat(10_000)}` },
    'an Accept of 3,000 types': { accept: repeat(3000, 'a/b') },
  }
  for (const [name, given] of Object.entries(headers)) {
    test(`does not make a refusal large: ${name}`, async () => {
      expectProblem(await post('{}', given))
    })
  }

  test('does not become a header of the answer when it is in the path', async () => {
    const answer = await post('{}', {}, `/loss%0d%0aset-cookie:%20a=b?${'x'.repeat(5000)}`)
    expect(expectProblem(answer).code).toBe('not_found')
    expect(answer.headers).not.toHaveProperty('set-cookie')
  })
})

describe('a connection', () => {
  const chunk = (bytes: Uint8Array) =>
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
  const head = (...lines: string[]) =>
    `POST /loss HTTP/1.1\r\n${['Host: test', 'Content-Type: application/json', ...lines].join('\r\n')}\r\n\r\n`

  test('gets its refusal before a body of the declared length has come', async () => {
    const port = await listen(await sharedApp({ maxBodyBytes: 1024 }))
    const answer = parseHttp(await exchange(port, head('Content-Length: 99999999999')))
    expect(expectProblem(answer).code).toBe('body_too_large')
  })

  test('gets its refusal before an endless body in chunks has ended', async () => {
    const port = await listen(await sharedApp({ maxBodyBytes: 1024 }))
    const bytes = Buffer.concat([Buffer.from(head('Transfer-Encoding: chunked')), chunk(Buffer.alloc(4096, ' '))])
    expect(expectProblem(parseHttp(await exchange(port, bytes))).code).toBe('body_too_large')
  })

  test('gets its refusal of a gzip bomb long before it has gone off', async () => {
    const port = await listen(await sharedApp({ maxBodyBytes: 100_000 }))
    const bomb = gzipSync(Buffer.alloc(100_000_000, ' '))
    const request = Buffer.concat([Buffer.from(head('Content-Encoding: gzip', `Content-Length: ${bomb.length}`)), bomb])
    const start = performance.now()
    const answer = parseHttp(await exchange(port, request))
    expect(expectProblem(answer).code).toBe('body_too_large')
    expect(performance.now() - start).toBeLessThan(MAX_MS)
  })

  test('gets all answers it is owed before it is closed for what comes behind its requests', async () => {
    const port = await listen(app)
    const good = `${head(`Content-Length: ${GOOD.length}`)}${GOOD}`
    const broken = `${head('Transfer-Encoding: chunked')}one\r\n`
    for (const behind of ['hello\r\n\r\n', broken]) {
      const received = await exchange(port, `${good}${good}${behind}`)
      expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200'])
      expect(received).toMatch(/\}$/)
    }
  })

  test('is refused gzip that breaks off or goes wrong', async () => {
    const port = await listen(app)
    const zipped = gzipSync(GOOD)
    for (const body of [zipped.subarray(0, -9), Buffer.concat([zipped, Buffer.from('more')]), Buffer.from('{}')]) {
      const lines = head('Content-Encoding: gzip', `Content-Length: ${body.length}`)
      const answer = parseHttp(await exchange(port, Buffer.concat([Buffer.from(lines), body])))
      expect(expectProblem(answer).code).toBe('json_invalid')
    }
  })
})
