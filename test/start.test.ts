import { once } from 'node:events'
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Service, spawnService, whenReady } from '../scripts/load/service.ts'

const READY_LIMIT_MS = 5000
/** Well below the 72 s that Node keeps an idle connection open. */
const EXIT_LIMIT_MS = 5000

/** A batch whose answer is some megabytes. */
const BODY = JSON.stringify({
  logits: Array.from({ length: 256 }, (_row, i) =>
    Array.from({ length: 500 }, (_logit, k) => ((i * 31 + k * 17) % 97) / 9),
  ),
  targets: Array.from({ length: 256 }, (_row, i) => i),
  label_smoothing: 0.1,
})

describe('the process', () => {
  test('becomes ready and says so', async () => {
    const start = performance.now()
    const service = await started({ LOG_LEVEL: 'info', LOSSD_WORKERS: '2' })
    const readyMs = performance.now() - start
    console.log(`from start to ready: ${readyMs.toFixed(0)} ms`)
    expect(readyMs).toBeLessThan(READY_LIMIT_MS)
    await logged(service, 'ready')
    expect(await status(`${service.url}/readyz`)).toBe(200)
    await ended(service)
  })

  test('stops with a message that names every bad variable', async () => {
    const service = await spawnService({ PORT: '70000', LOSSD_WORKERS: 'many' })
    expect(await service.exited).toBe(1)
    expect(service.output()).toContain('PORT=70000')
    expect(service.output()).toContain('LOSSD_WORKERS=many')
  })

  test('ends with 0 while clients hold idle connections', async () => {
    const service = await started({})
    const agent = keepAlive()
    expect(await status(`${service.url}/losses`, agent)).toBe(200)
    const silent = connect(Number(new URL(service.url).port), '127.0.0.1')
    onTestFinished(() => void silent.destroy())
    await once(silent, 'connect')
    await ended(service)
  })

  test('SIGTERM: says that it is not ready, finishes what it accepted, refuses new connections, ends with 0', async () => {
    const service = await started({ LOSSD_DRAIN_DELAY_MS: '500' })
    const slow = post(service, keepAlive())
    const answered = answerOf(slow)
    slow.write(BODY.slice(0, BODY.length / 2))
    await sleep(100)

    service.child.kill('SIGTERM')
    await sleep(150)
    expect(await status(`${service.url}/readyz`)).toBe(503)
    const during = post(service)
    during.end(BODY)
    const served = await answerOf(during)
    expect(served.status).toBe(200)
    expect(served.headers.connection).toBe('close')

    await sleep(600)
    await expect(status(`${service.url}/readyz`)).rejects.toThrow('ECONNREFUSED')
    slow.end(BODY.slice(BODY.length / 2))
    const { status: code, body } = await answered
    expect(code).toBe(200)
    expect(JSON.parse(body).losses).toHaveLength(256)
    await exitsInTime(service)
  })

  test('SIGTERM while a slow client reads its answer: the answer arrives whole, then it ends with 0', async () => {
    const service = await started({})
    const slow = post(service, keepAlive())
    slow.end(BODY)
    const [answer] = (await once(slow, 'response')) as [IncomingMessage]
    service.child.kill('SIGTERM')
    await sleep(300)
    expect(JSON.parse(await text(answer)).losses).toHaveLength(256)
    await exitsInTime(service)
  })
})

describe('a crash', () => {
  test('ends the process by its signal: nothing of ours listens, since that would take V8 the handler of its own', async () => {
    for (const signal of ['SIGSEGV', 'SIGABRT'] as const) {
      const { child } = await started({})
      child.kill(signal)
      expect(await once(child, 'exit')).toEqual([null, signal])
    }
  })
})

async function started(environment: Readonly<Record<string, string>>): Promise<Service> {
  const service = await spawnService({ LOG_LEVEL: 'warn', LOSSD_WORKERS: '1', ...environment })
  onTestFinished(() => void service.child.kill('SIGKILL'))
  await whenReady(service)
  return service
}

async function ended(service: Service): Promise<void> {
  service.child.kill('SIGTERM')
  await exitsInTime(service)
}

async function exitsInTime({ exited, output }: Service): Promise<void> {
  expect(await Promise.race([exited, sleep(EXIT_LIMIT_MS, 'still running')]), output()).toBe(0)
}

async function logged({ output }: Service, message: string): Promise<void> {
  await expect.poll(output).toContain(`"msg":"${message}"`)
}

function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  return agent
}

async function status(url: string, agent: Agent | false = false): Promise<number> {
  const asked = request(url, { agent })
  asked.end()
  return (await answerOf(asked)).status
}

function post({ url }: Service, agent: Agent | false = false): ClientRequest {
  const headers = { 'content-type': 'application/json', 'content-length': BODY.length }
  return request(`${url}/loss`, { method: 'POST', agent, headers })
}

async function answerOf(asked: ClientRequest) {
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: answer.statusCode!, headers: answer.headers, body: await text(answer) }
}

async function text(answer: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
