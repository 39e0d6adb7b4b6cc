import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const READY_TIMEOUT_MS = 30_000
const POLL_MS = 10

/** A service that can be measured: how it is started, and what must be installed for it. */
export interface Party {
  readonly name: string
  /** Why it cannot be started here and what would help, or undefined. */
  missing(): string | undefined
  command(port: number): { readonly file: string; readonly args: readonly string[]; readonly env?: NodeJS.ProcessEnv }
}

export interface Running {
  readonly url: string
  readonly port: number
  readonly child: ChildProcess
  stop(): Promise<void>
}

export const lossd: Party = {
  name: 'lossd',
  missing: () => (existsSync(path('../dist/server.js')) ? undefined : 'the service is not built: `npm run build`'),
  command: () => ({ file: process.execPath, args: [path('../dist/server.js')], env: { LOG_LEVEL: 'warn' } }),
}

export const plainFastify = typescriptPeer('plain_fastify')
export const echo = typescriptPeer('echo')
export const fastapi = fastapiPeer('fastapi_torch', 1)
/** As many processes as the machines that the goals are written for have cores. */
export const fastapiTwice = fastapiPeer('fastapi_torch_2_processes', 2)

const DEBIAN_PACKAGES: Readonly<Record<string, string>> = {
  fastapi: 'python3-fastapi',
  uvicorn: 'python3-uvicorn',
  httptools: 'python3-httptools',
  uvloop: 'python3-uvloop',
  torch: 'python3-torch',
  numpy: 'python3-numpy',
  ujson: 'python3-ujson',
}
/** The system's own first: it has Debian's packages, while `python3` may be another. */
const PYTHONS = ['/usr/bin/python3', 'python3']

function fastapiPeer(name: string, processes: number): Party {
  return {
    name,
    missing() {
      const modules = missingModules()
      return modules.length === 0
        ? undefined
        : `apt-get install ${modules.map((module) => DEBIAN_PACKAGES[module]).join(' ')}`
    },
    command: (port) => ({
      file: python(),
      args: [
        ...['-m', 'uvicorn', 'fastapi_torch:app', '--app-dir', path('peers')],
        ...['--loop', 'uvloop', '--http', 'httptools', '--workers', String(processes)],
        ...['--host', '127.0.0.1', '--port', String(port), '--log-level', 'warning', '--no-access-log'],
      ],
    }),
  }
}

function typescriptPeer(name: string): Party {
  return {
    name,
    missing: () => undefined,
    command: () => ({ file: process.execPath, args: ['--import', 'tsx', path(`peers/${name}.ts`)] }),
  }
}

/** Versions of what the Python peers run on; empty where they cannot run. */
export function pythonVersions(): Readonly<Record<string, string>> {
  if (missingModules().length > 0) return {}
  const script = [
    'import json, platform, importlib.metadata as m, pydantic, torch',
    'versions = {name: m.version(name) for name in ("fastapi", "uvicorn", "pydantic")}',
    // Pydantic 1 is several times as slow where it is not compiled, as in Debian.
    'versions["pydantic"] += "" if pydantic.compiled else " (not compiled)"',
    'print(json.dumps({"python": platform.python_version(), **versions, "torch": torch.__version__}))',
  ].join('\n')
  return JSON.parse(execFileSync(python(), ['-c', script], { encoding: 'utf8' }))
}

/** Starts a party on a free port of this machine and waits until it is ready. */
export async function start(party: Party): Promise<Running> {
  const port = await freePort()
  const { file, args, env } = party.command(port)
  // A group of its own, so that stopping it stops what it has started as well.
  const child = spawn(file, args, {
    env: { ...process.env, HOST: '127.0.0.1', PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-10_000)
    })
  }
  let hasEnded = false
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      output += error.message
      resolve()
    })
    child.once('exit', resolve)
  }).then(() => {
    hasEnded = true
  })
  const kill = () => {
    if (hasEnded) return
    try {
      process.kill(-child.pid!, 'SIGTERM')
    } catch {
      // It has ended just now.
    }
  }
  process.once('exit', kill)
  const stop = async () => {
    kill()
    await ended
    process.off('exit', kill)
  }
  const url = `http://127.0.0.1:${port}`
  for (const from = performance.now(); !(await isReady(url)); await sleep(POLL_MS)) {
    if (hasEnded) throw new Error(`${party.name} ended before it was ready:\n${output}`)
    if (performance.now() - from < READY_TIMEOUT_MS) continue
    await stop()
    throw new Error(`${party.name} was not ready after ${READY_TIMEOUT_MS} ms:\n${output}`)
  }
  return { url, port, child, stop }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`, { headers: { connection: 'close' } })
    await answer.arrayBuffer()
    return answer.ok
  } catch {
    return false
  }
}

let foundPython: { readonly file: string; readonly missing: readonly string[] } | undefined

function missingModules(): readonly string[] {
  foundPython ??= findPython()
  return foundPython.missing
}

function python(): string {
  foundPython ??= findPython()
  return foundPython.file
}

/** The Python that lacks least. */
function findPython() {
  const names = Object.keys(DEBIAN_PACKAGES)
  const script = `import importlib.util as u\nprint(*(n for n in ${JSON.stringify(names)} if not u.find_spec(n)))`
  return PYTHONS.map((file) => {
    try {
      const text = execFileSync(file, ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      return { file, missing: text.split(/\s+/).filter((name) => name !== '') }
    } catch {
      return { file, missing: names }
    }
  }).toSorted((a, b) => a.missing.length - b.missing.length)[0]!
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url))
}
