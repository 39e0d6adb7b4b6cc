import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Measurement } from './measurement.ts'
import { pythonVersions } from './party.ts'

/** One line of the history: a measurement and what it depends on. The entries of one run have one date. */
export interface Entry extends Measurement {
  readonly date: string
  readonly commit: string
  readonly cpu: string
  readonly cores: number
  readonly node: string
  /** Version of the AssemblyScript compiler. */
  readonly asc: string
  readonly wasmBytes: number
  /** Versions of what the peers run on. */
  readonly peers: string
}

export type Provenance = Omit<Entry, keyof Measurement>

const HISTORY = fileURLToPath(new URL('results/history.jsonl', import.meta.url))
const WASM = fileURLToPath(new URL('../dist/kernels.wasm', import.meta.url))

export function provenance(date: Date): Provenance {
  return {
    date: date.toISOString(),
    commit: run('git', ['describe', '--always', '--dirty']) ?? 'unknown',
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    asc: createRequire(import.meta.url)('assemblyscript/package.json').version,
    wasmBytes: statSync(WASM, { throwIfNoEntry: false })?.size ?? 0,
    peers: peerVersions(),
  }
}

/** Oldest first. */
export function readHistory(): Entry[] {
  try {
    const lines = readFileSync(HISTORY, 'utf8').split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

export function appendHistory(entries: readonly Entry[]): void {
  mkdirSync(dirname(HISTORY), { recursive: true })
  appendFileSync(HISTORY, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
}

function peerVersions(): string {
  const gcc = run('gcc', ['-dumpfullversion'])
  const versions = Object.entries({ ...pythonVersions(), ...(gcc === undefined ? {} : { gcc }) })
  return versions.map(([name, version]) => `${name} ${version}`).join(', ')
}

function run(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
