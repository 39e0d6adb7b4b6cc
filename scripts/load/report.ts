import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { dirname } from 'node:path'
import type { Measurement } from './measure.ts'

const COLUMNS: Readonly<Record<string, (row: Measurement) => string>> = {
  case: (row) => row.case,
  batch: (row) => `${row.rows}x${row.classes}`,
  connections: (row) => String(row.connections),
  'requests/s': (row) => row.requestsPerSecond.toFixed(1),
  'p50 ms': (row) => row.p50Ms.toFixed(2),
  'p99 ms': (row) => row.p99Ms.toFixed(2),
  'MB/s': (row) => row.megabytesPerSecond.toFixed(1),
  errors: (row) => String(row.errors),
  'non-2xx': (row) => String(row.non2xx),
}

/** Aligned columns: names to the left, numbers to the right. */
export function table(measurements: readonly Measurement[]): string {
  const lines = [Object.keys(COLUMNS), ...measurements.map((row) => Object.values(COLUMNS).map((cell) => cell(row)))]
  const widths = Object.keys(COLUMNS).map((_name, i) => Math.max(...lines.map((line) => line[i]!.length)))
  return lines
    .map((line) => line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
    .join('\n')
}

/** The results with what they depend on. The machine is the client's; it is the service's too unless a URL was given. */
export function record(measurements: readonly Measurement[], target: string, date: Date) {
  return {
    date: date.toISOString(),
    commit: commit(),
    target,
    node: process.version,
    machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), memoryBytes: totalmem() },
    cases: measurements,
  }
}

export function save(path: string, results: ReturnType<typeof record>): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(results, undefined, 2)}\n`)
}

/** Null outside a git checkout. */
function commit(): string | null {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return null
  }
}
