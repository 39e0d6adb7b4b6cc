import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { Piscina } from 'piscina'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type App, buildApp } from '../src/app.ts'
import { type Config, readConfig } from '../src/config.ts'
import { evaluate as evaluateDirectly } from '../src/evaluate.ts'
import { isLent } from '../src/pool/arena.ts'
import type { Task, TaskResult } from '../src/pool/message.ts'
import { sharedApp, startApp } from './helpers/app.ts'
import { defaultEngine } from './helpers/evaluate.ts'
import { pack, tensor } from './helpers/safetensors.ts'

/** A service in which every request goes to a worker. */
const start = (overrides: Partial<Config> = {}) => startApp({ workers: 1, inlineMaxBytes: 0, ...overrides })

const SMALL = '{"logits":[[2,1]],"targets":[0]}'

/** Enough work to still be under way when the test has done what it does meanwhile. */
const LARGE = batch(250, 1000)

/** So much to read, or to print, that workers which are free help. */
const SHARED = {
  read: JSON.stringify({ logits: Array.from({ length: 300 }, waves), targets: Array(300).fill(1) }),
  printed: batch(500, 1000).replace('{', '{"dtype":"float64",'),
}

/** Answers of 4 MB: a worker has 128 MiB for those that are on their way out. */
const MORE_THAN_ROOM = 40

function waves(_row: unknown, n: number): number[] {
  return Array.from({ length: 1000 }, (_, k) => Math.sin(n * 1000 + k))
}

function batch(rows: number, classes: number): string {
  const row = `[${Array.from({ length: classes }, (_, k) => (k * 7) % 11).join(',')}]`
  return `{"logits":[${Array(rows).fill(row).join(',')}],"targets":[${Array(rows).fill(1).join(',')}],"label_smoothing":0.1}`
}

function post({ server }: App, payload: string, headers: Record<string, string> = {}, url = '/loss') {
  return server.inject({ method: 'POST', url, headers: { 'content-type': 'application/json', ...headers }, payload })
}

/** A task as routes hand it over. What is posted first is begun first. */
function evaluate({ services }: App, body: string, signal = new AbortController().signal): Promise<TaskResult> {
  const bytes = new TextEncoder().encode(body)
  return services.pool.evaluate('equivalence', bytes, { request: 'json', response: 'json' }, signal)
}

describe('a worker that dies', () => {
  test('gives its request a 500 without details, and the others and the next their answers', async () => {
    const app = await start({ workers: 2 })
    const before = new Set(app.services.pool.threads)
    const doomed = evaluate(app, LARGE)
    const busy = evaluate(app, LARGE)
    const queued = [post(app, SMALL), post(app, SMALL)]
    const [outcomes] = await Promise.all([
      Promise.allSettled([doomed, busy]),
      app.services.pool.threads[0]!.terminate(),
    ])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    for (const answer of await Promise.all(queued)) expect(answer.statusCode).toBe(200)
    for (let i = 0; i < 4; i++) expect((await post(app, SMALL)).statusCode).toBe(200)
    expect(app.services.pool.threads).toHaveLength(2)
    expect(app.services.pool.threads.filter((thread) => before.has(thread))).toHaveLength(1)
  })

  test('is a problem `internal` over HTTP', async () => {
    const app = await start()
    const begun = handedOver(app)
    const answer = post(app, LARGE, { 'x-request-id': 'doomed' }, '/equivalence')
    await begun
    await app.services.pool.threads[0]!.terminate()
    const { statusCode, headers, body } = await answer
    expect(statusCode).toBe(500)
    expect(headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(JSON.parse(body)).toEqual({
      type: '/problems/internal',
      title: 'Internal error',
      status: 500,
      detail: 'an error on our side; the request id finds it in the log',
      instance: '/equivalence',
      code: 'internal',
      request_id: 'doomed',
    })
    expect((await post(app, SMALL)).statusCode).toBe(200)
  })

  test('while it has nothing to do is not noticed', async () => {
    const app = await start()
    await app.services.pool.threads[0]!.terminate()
    expect((await post(app, SMALL)).statusCode).toBe(200)
    expect((await app.server.inject('/readyz')).statusCode).toBe(200)
  })
})

test('a bug that one evaluation meets takes no other of its batch along, and says where it was', async () => {
  const app = await start()
  const { pool } = app.services
  const bytes = (body: string) => new TextEncoder().encode(body)
  const signal = new AbortController().signal
  const formats = { request: 'json', response: 'json' }
  const run = vi.spyOn(Piscina.prototype, 'run')
  const busy = evaluate(app, LARGE)
  const first = pool.evaluate('loss', bytes(SMALL), formats, signal)
  const broken = pool.evaluate('loss', bytes(SMALL), { ...formats, request: 'none' }, signal)
  const last = pool.evaluate('loss', bytes(SMALL), formats, signal)
  const outcomes = await Promise.allSettled([first, broken, last])
  const batches = run.mock.calls.map(([task]) => task.evaluations.length)
  run.mockRestore()
  await busy
  expect(batches).toEqual([1, 3])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect((outcomes[1] as PromiseRejectedResult).reason.stack).toContain('evaluate')
})

/** Evaluations that are handed to the one worker together, as soon as it has finished another. */
async function together<T>(app: App, evaluations: () => T): Promise<{ results: T; outcomes: Promise<unknown[]> }> {
  const run = vi.spyOn(Piscina.prototype, 'run')
  const busy = evaluate(app, LARGE)
  const results = evaluations()
  await busy
  await vi.waitFor(() => expect(run.mock.calls.length).toBeGreaterThan(1))
  const outcomes = run.mock.results[1]!.value as Promise<unknown[]>
  run.mockRestore()
  return { results, outcomes }
}

test('an evaluation of a batch that nobody waits for any more is skipped by the worker, the others are not', async () => {
  const app = await start()
  const controller = new AbortController()
  const { results, outcomes } = await together(app, () => [
    evaluate(app, batch(80, 1000)),
    evaluate(app, SMALL, controller.signal),
  ])
  controller.abort(new Error('gone'))
  const [first, second] = await Promise.allSettled(results)
  expect(first).toMatchObject({ status: 'fulfilled', value: { problem: undefined } })
  expect(second).toMatchObject({ status: 'rejected', reason: { message: 'gone' } })
  expect(await outcomes).toEqual([{ result: expect.anything() }, { result: undefined }])
})

test('a worker that dies takes its whole batch along, and gives back the room of each body', async () => {
  const app = await start()
  const { pool } = app.services
  const signal = new AbortController().signal
  const { results, outcomes } = await together(app, () =>
    [1, 2, 3].map(() => {
      const text = new TextEncoder().encode(batch(34, 1000))
      const body = pool.newBody(text.length)
      body.set(text)
      expect(isLent(body)).toBe(true)
      return pool.evaluate('equivalence', body, { request: 'json', response: 'json' }, signal)
    }),
  )
  outcomes.catch(() => undefined)
  await pool.threads[0]!.terminate()
  for (const { status } of await Promise.allSettled(results)) expect(status).toBe('rejected')
  expect(isLent(pool.newBody(NEARLY_ALL))).toBe(true)
})

/** Resolves when the next request has been handed to the pool. */
function handedOver({ services: { pool } }: App): Promise<void> {
  const evaluate = pool.evaluate.bind(pool)
  return new Promise((resolve) => {
    vi.spyOn(pool, 'evaluate').mockImplementationOnce((...task) => {
      const result = evaluate(...task)
      resolve()
      return result
    })
  })
}

test('answers are the same bytes with 1, 2 and 4 workers', async () => {
  const bodies = [
    SMALL,
    batch(300, 37),
    batch(3, 5000),
    batch(64, 100).replace('{', '{"dtype":"float64",'),
    LARGE,
    SHARED.read,
  ]
  const answers: string[] = []
  for (const workers of [1, 2, 4]) {
    const app = await start({ workers })
    const posted = await Promise.all([...bodies, ...bodies].map((body) => post(app, body)))
    answers.push(JSON.stringify(posted.map(({ statusCode, body }) => [statusCode, body])))
  }
  expect(answers[0]).toContain('[[200,')
  expect(new Set(answers).size).toBe(1)
})

describe('an answer leaves the service as it left the evaluation', () => {
  const app = sharedApp({ workers: 1, inlineMaxBytes: 0 })

  test.each([1, 16, 24, 32, 40, 48, 64, 80, 112, 128, 192, 800, 2000])('of %i rows', async (rows) => {
    const body = batch(rows, 200)
    for (const [response, accept] of [
      ['json', 'application/json'],
      ['safetensors', 'application/vnd.safetensors'],
    ] as const) {
      const bytes = new TextEncoder().encode(body)
      const expected = evaluateDirectly(defaultEngine, 'loss', bytes, { request: 'json', response })
      const answer = await post(app(), body, { accept })
      expect(answer.statusCode).toBe(200)
      expect(expected.result.ok && Buffer.compare(answer.rawPayload, expected.result.bytes)).toBe(0)
    }
  })
})

describe('one large batch', () => {
  test.each(Object.entries(SHARED))('is %s by every worker that has nothing else to do', async (what, body) => {
    const { tasks, answer } = await watched(await start({ workers: 3 }), body)
    const jobs = tasks.flatMap((task) => (task.kind === 'help' ? [task.job.kind] : []))
    expect(jobs).toContain({ read: 'read', printed: 'print' }[what])
    expect(tasks.filter(({ kind }) => kind === 'evaluate')).toHaveLength(1)
    const alone = evaluateDirectly(defaultEngine, 'loss', Buffer.from(body), { request: 'json', response: 'json' })
    expect(alone.result.ok && Buffer.compare(answer, alone.result.bytes)).toBe(0)
  })

  test.each(Object.entries(SHARED))('is %s by its own worker where there is no other', async (_what, body) => {
    const { tasks } = await watched(await start({ workers: 1 }), body)
    expect(tasks.map(({ kind }) => kind)).toEqual(['evaluate'])
  })

  /** The answer, and what threads were given to do for it. */
  async function watched(app: App, body: string): Promise<{ tasks: Task[]; answer: Buffer }> {
    const run = vi.spyOn(Piscina.prototype, 'run')
    const { statusCode, rawPayload } = await post(app, body)
    expect(statusCode).toBe(200)
    const tasks = run.mock.calls.map(([task]) => task)
    run.mockRestore()
    return { tasks, answer: rawPayload }
  }
})

describe('a full queue', () => {
  test('refuses what is too much with Retry-After and answers all that was accepted', async () => {
    const app = await start({ maxQueue: 3 })
    const busy = evaluate(app, LARGE)
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(app, SMALL)))
    await busy
    const accepted = answers.filter(({ statusCode }) => statusCode === 200)
    const refused = answers.filter(({ statusCode }) => statusCode === 503)
    expect(accepted.length).toBe(3)
    expect(refused.length).toBe(9)
    for (const { headers, body } of refused) {
      expect(JSON.parse(body).code).toBe('overloaded')
      expect(headers['retry-after']).toMatch(/^[1-9]\d*$/)
    }
    for (const { body } of accepted) expect(JSON.parse(body).normalizer).toBe(1)
    expect((await post(app, SMALL)).statusCode).toBe(200)
  })
})

describe('work that nobody waits for', () => {
  test('is skipped while it is queued, and its thread lives on', async () => {
    const app = await start()
    const [thread] = app.services.pool.threads
    const busy = evaluate(app, LARGE)
    const cancelled = Array.from({ length: 20 }, () => {
      const controller = new AbortController()
      const result = evaluate(app, LARGE, controller.signal)
      controller.abort(new Error('gone'))
      return result
    })
    for (const outcome of await Promise.allSettled(cancelled))
      expect(outcome).toMatchObject({ reason: { message: 'gone' } })
    const single = performance.now()
    await busy
    const oneMs = (await evaluate(app, LARGE)).report.computeMs
    // Twenty more of the same would have taken twenty times as long.
    expect(performance.now() - single).toBeLessThan(10 * (oneMs + 500))
    expect(app.services.pool.threads[0]).toBe(thread)
    expect((await post(app, SMALL)).statusCode).toBe(200)
  })

  test('is not begun at all when it was cancelled before', async () => {
    const app = await start()
    await expect(evaluate(app, SMALL, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
    expect(app.services.pool.queueDepth).toBe(0)
  })

  test('ends at the deadline of the client with 504, while the worker lives on', async () => {
    const app = await start()
    const [thread] = app.services.pool.threads
    const busy = evaluate(app, LARGE)
    const answer = await post(app, SMALL, { 'x-request-timeout-ms': '20' })
    expect(answer.statusCode).toBe(504)
    expect(JSON.parse(answer.body).code).toBe('deadline_exceeded')
    await busy
    expect((await post(app, SMALL)).statusCode).toBe(200)
    expect(app.services.pool.threads[0]).toBe(thread)
  })

  test('is dropped when the client disconnects, and the next client is served', async () => {
    const app = await start()
    await app.server.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.server.address() as AddressInfo
    const busy = evaluate(app, LARGE)
    const socket = connect(port, '127.0.0.1')
    const head = `POST /loss HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: ${SMALL.length}\r\n\r\n`
    const closed = new Promise((resolve) => {
      app.server.server.once('request', (_request, response) => response.once('close', resolve))
    })
    socket.write(head + SMALL)
    await once(app.server.server, 'request')
    socket.destroy()
    await closed
    await busy
    expect((await post(app, SMALL)).statusCode).toBe(200)
    expect(app.services.pool.queueDepth).toBe(0)
  })
})

describe('draining', () => {
  test('says not ready first and goes on serving, then refuses new work and finishes the old', async () => {
    const app = await start()
    const { lifecycle } = app.services
    expect((await app.server.inject('/readyz')).json()).toEqual({ status: 'ready' })
    const accepted = evaluate(app, LARGE)

    lifecycle.startDraining()
    const ready = await app.server.inject('/readyz')
    expect([ready.statusCode, ready.json()]).toEqual([503, { status: 'not ready' }])
    const served = await post(app, SMALL)
    expect([served.statusCode, served.headers.connection]).toEqual([200, 'close'])

    const begun = handedOver(app)
    const queued = post(app, SMALL)
    await begun
    lifecycle.stopAccepting()
    const refused = await post(app, SMALL)
    expect([refused.statusCode, refused.json().code, refused.headers['retry-after']]).toEqual([503, 'draining', '1'])
    expect((await app.server.inject('/livez')).statusCode).toBe(200)
    expect((await queued).statusCode).toBe(200)
    expect((await accepted).problem).toBeUndefined()
  })

  test('finishes every request of a connection, though an earlier one is answered', async () => {
    const app = await start()
    await app.server.listen({ port: 0, host: '127.0.0.1' })
    const { pool, lifecycle } = app.services
    const evaluateNow = pool.evaluate.bind(pool)
    // Longer than a connection may stay silent.
    vi.spyOn(pool, 'evaluate')
      .mockImplementationOnce(evaluateNow)
      .mockImplementationOnce(async (...task) => {
        await setTimeout(500)
        return evaluateNow(...task)
      })
    const socket = connect((app.server.server.address() as AddressInfo).port, '127.0.0.1')
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.write(`${head(SMALL.length)}${SMALL}`.repeat(2))
    await once(socket, 'data')
    lifecycle.startDraining()
    lifecycle.stopAccepting()
    await once(socket, 'close')
    expect(received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
  })
})

/** Of the 256 MiB for bodies all but less than one of these bodies. */
const NEARLY_ALL = 256 * 2 ** 20 - 200_000

/** Large bodies that end in every way there is. */
const ENDINGS: Record<string, (app: App, port: number) => Promise<unknown>> = {
  'an answer': (app) => post(app, LARGE),
  'an answer to bytes of no declared length': (_app, port) =>
    fetch(`http://127.0.0.1:${port}/loss`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob([LARGE]).stream(),
      duplex: 'half',
    } as RequestInit).then((answer) => answer.arrayBuffer()),
  'a path that has no use for it': async (app) => {
    expect((await post(app, LARGE, {}, '/v2/repository/index')).statusCode).toBe(200)
  },
  'a refusal of the body': (app) => post(app, LARGE.replace('"logits"', '"logit"')),
  'a refusal of the answer format': (app) => post(app, LARGE, { accept: 'image/png' }),
  'a refusal of the headers of the inference protocol': (app) =>
    post(app, LARGE, { 'inference-header-content-length': 'x' }, '/v2/models/nll/infer'),
  'a full queue': async (app) => {
    const busy = [LARGE, SMALL].map((body) => evaluate(app, body))
    const refused = await post(app, LARGE)
    await Promise.all(busy)
    expect(refused.statusCode).toBe(503)
  },
  'a deadline in the queue': async (app) => {
    const busy = evaluate(app, LARGE)
    await post(app, LARGE, { 'x-request-timeout-ms': '1' })
    await busy
  },
  'a client that leaves while it sends': async (app, port) => {
    const closed = nextClose(app)
    const socket = connect(port, '127.0.0.1')
    socket.write(`${head(LARGE.length)}${LARGE.slice(0, 100_000)}`)
    await once(app.server.server, 'request')
    socket.destroy()
    await closed
  },
  'a client that leaves while it waits for several answers': async (app, port) => {
    const closed: Promise<unknown>[] = []
    app.server.server.on('request', (_request, response) => closed.push(once(response, 'close')))
    const busy = evaluate(app, LARGE)
    const socket = connect(port, '127.0.0.1')
    socket.write(`${head(LARGE.length)}${LARGE}`.repeat(2))
    await vi.waitFor(() => expect(closed).toHaveLength(2))
    socket.destroy()
    await Promise.all(closed)
    await busy
  },
  'a client that leaves while it is answered': async (app, port) => {
    const closed = nextClose(app)
    const socket = connect(port, '127.0.0.1')
    socket.write(`${head(LARGE.length)}${LARGE}`)
    await once(socket, 'data')
    socket.destroy()
    await closed
  },
}

function head(length: number): string {
  return `POST /loss HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
}

function nextClose({ server }: App): Promise<void> {
  return new Promise((resolve) => {
    server.server.once('request', (_request, response) => response.once('close', resolve))
  })
}

describe('the room for bodies', () => {
  test.each(Object.keys(ENDINGS))('is all there again after %s', async (ending) => {
    const app = await start({ maxQueue: 1 })
    await app.server.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.server.address() as AddressInfo
    const { pool } = app.services
    expect(isLent(pool.newBody(100_000)), 'a large body is lent').toBe(true)
    await ENDINGS[ending]!(app, port)
    // A worker that nobody waits for may still be at it.
    await vi.waitFor(() => expect(pool.queueDepth).toBe(0))
    await evaluate(app, SMALL)
    await vi.waitFor(() => expect(isLent(pool.newBody(NEARLY_ALL))).toBe(true))
  })
})

describe('gradients that are not copied to the answer', () => {
  const [rows, classes] = [1024, 1000]
  const formats = { request: 'safetensors', response: 'safetensors' } as const

  function gradientsOf({ services }: App, lastLogit: number, { signal } = new AbortController()): Promise<TaskResult> {
    const logits = new Float32Array(rows * classes)
    logits[logits.length - 1] = lastLogit
    const body = pack({
      logits: { dtype: 'F32', shape: [rows, classes], bytes: new Uint8Array(logits.buffer) },
      targets: tensor('I32', [rows], Array(rows).fill(1)),
    })
    return services.pool.evaluate('loss', new Uint8Array(body), formats, signal)
  }

  test('give their room back where the request is refused, and where nobody takes the answer', async () => {
    const app = await start()
    for (let i = 0; i < MORE_THAN_ROOM; i++) {
      const { problem, insertion } = await gradientsOf(app, Number.NaN)
      expect([problem?.code, insertion]).toEqual(['logits_not_finite', undefined])
    }
    for (let i = 0; i < MORE_THAN_ROOM; i++) {
      const controller = new AbortController()
      const { run } = Piscina.prototype
      vi.spyOn(Piscina.prototype, 'run').mockImplementationOnce(async function (this: Piscina, ...task) {
        const outcomes = await run.apply(this, task)
        controller.abort(new Error('gone'))
        return outcomes
      })
      await expect(gradientsOf(app, 0, controller)).rejects.toThrow('gone')
      vi.restoreAllMocks()
    }
    const { insertion } = await gradientsOf(app, 0)
    expect(insertion && isLent(insertion.bytes)).toBe(true)
  })

  test('give their room back when they are sent', async () => {
    const app = await start()
    const headers = { accept: 'application/vnd.safetensors' }
    const body = `{"logits":[[${Array(300_000).fill(1).join(',')}]],"targets":[0],"outputs":["gradients"]}`
    for (let i = 0; i < 120; i++) expect((await post(app, body, headers)).statusCode).toBe(200)
    const { insertion } = await gradientsOf(app, 0)
    expect(insertion && isLent(insertion.bytes)).toBe(true)
  })

  test('have buffers of their own where there is no room', async () => {
    const app = await start()
    const answers: TaskResult[] = []
    for (let i = 0; i < MORE_THAN_ROOM; i++) answers.push(await gradientsOf(app, 0))
    const lent = answers.map(({ insertion }) => isLent(insertion!.bytes))
    expect(new Set(lent)).toEqual(new Set([true, false]))
    const all = answers.map(({ body, insertion }) => [body!, insertion!.bytes])
    for (const each of all) expect(each.map((bytes, i) => Buffer.compare(bytes, all[0]![i]!))).toEqual([0, 0])
  })
})

test('a client that leaves with several requests under way is no error of ours', async () => {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const config = { ...readConfig({ LOSSD_WORKERS: '1' }), inlineMaxBytes: 0 }
  const app = await buildApp(config, { logger: { level: 'warn', stream } })
  onTestFinished(() => app.server.close())
  await app.services.pool.ready
  await app.server.listen({ port: 0, host: '127.0.0.1' })
  const closed: Promise<unknown>[] = []
  app.server.server.on('request', (_request, response) => closed.push(once(response, 'close')))
  const socket = connect((app.server.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(`${head(LARGE.length)}${LARGE}`.repeat(3).slice(0, -100))
  await vi.waitFor(() => expect(closed).toHaveLength(3))
  socket.destroy()
  await Promise.all(closed)
  // The second one is evaluated by then.
  await evaluate(app, SMALL)
  expect(lines).toEqual([])
})

test('the room for bodies is all there again after evaluations on the main thread', async () => {
  const app = await start({ inlineMaxBytes: 200_000 })
  for (let i = 0; i < 3; i++) expect((await post(app, batch(34, 1000))).statusCode).toBe(200)
  expect(isLent(app.services.pool.newBody(NEARLY_ALL))).toBe(true)
})

test('bodies beyond the room there is have buffers of their own', async () => {
  const app = await start()
  const { pool } = app.services
  expect(isLent(pool.newBody(200 * 2 ** 20))).toBe(true)
  expect(isLent(pool.newBody(200 * 2 ** 20))).toBe(false)
  const answer = await post(app, LARGE)
  expect(answer.statusCode).toBe(200)
})

test('the memory of the process does not grow with bodies beyond the room there is', async () => {
  const app = await start()
  const { pool } = app.services
  expect(isLent(pool.newBody(200 * 2 ** 20))).toBe(true)
  const refuse = async () => {
    const body = pool.newBody(64 * 2 ** 20).fill(1)
    expect(isLent(body)).toBe(false)
    const formats = { request: 'safetensors', response: 'safetensors' } as const
    const { problem } = await pool.evaluate('loss', body, formats, new AbortController().signal)
    expect(problem?.code).toBe('tensor_invalid')
  }
  for (let i = 0; i < 2; i++) await refuse()
  const before = process.memoryUsage.rss()
  for (let i = 0; i < 6; i++) await refuse()
  expect(process.memoryUsage.rss() - before).toBeLessThan(160 * 2 ** 20)
})

test('the memory of the process does not grow with each large request', async () => {
  const app = await start()
  const [rows, classes] = [6000, 1000]
  const data = Buffer.alloc(rows * classes * 4).toString('base64')
  const targets = Array(rows).fill(1).join(',')
  const body = `{"logits":{"dtype":"F32","shape":[${rows},${classes}],"data":"${data}"},"targets":[${targets}],"outputs":["loss"]}`
  for (let i = 0; i < 2; i++) expect((await post(app, body)).statusCode).toBe(200)
  const before = process.memoryUsage.rss()
  for (let i = 0; i < 4; i++) await post(app, body)
  // Each takes more than 80 MB in the worker alone.
  expect(process.memoryUsage.rss() - before).toBeLessThan(160 * 2 ** 20)
})
