import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const SERVER = fileURLToPath(new URL('../../dist/server.js', import.meta.url))
const POLL_MS = 10

/** The built service as a process of its own. */
export interface Service {
  readonly url: string
  readonly child: ChildProcess
  /** Everything it has written so far, to both streams. */
  readonly output: () => string
  /** Resolves with its exit code, null when a signal ended it. */
  readonly exited: Promise<number | null>
}

/** Starts the built service on a free port of this machine; does not wait until it is ready. */
export async function spawnService(environment: Readonly<Record<string, string>> = {}): Promise<Service> {
  if (!existsSync(SERVER)) throw new Error(`the service is not built: ${SERVER} is missing. Run \`npm run build\`.`)
  const port = await freePort()
  const env = { ...process.env, HOST: '127.0.0.1', PORT: String(port), ...environment }
  const child = spawn(process.execPath, [SERVER], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  process.once('exit', () => child.kill())
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const exited = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  return { url: `http://127.0.0.1:${port}`, child, output: () => output, exited }
}

/** Resolves when `/readyz` says 200; rejects with what the service wrote if it ends before that. */
export async function whenReady({ url, child, output, exited }: Service, timeoutMs = 30_000): Promise<void> {
  let hasExited = false
  exited.then(() => {
    hasExited = true
  })
  for (
    const start = performance.now();
    !(await isReady(url));
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  ) {
    if (hasExited) throw new Error(`the service ended before it was ready:\n${output()}`)
    if (performance.now() - start < timeoutMs) continue
    child.kill('SIGKILL')
    throw new Error(`the service was not ready after ${timeoutMs} ms:\n${output()}`)
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    // An open connection would be one more for the service to wait for when it shuts down.
    const answer = await fetch(`${url}/readyz`, { headers: { connection: 'close' } })
    await answer.arrayBuffer()
    return answer.ok
  } catch {
    return false
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
