import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { appendHistory, type Entry, provenance, readHistory } from './history.ts'
import { levels } from './levels.ts'
import { benchmarksDoc, terminalReport } from './report.ts'

const USAGE = `npm run bench -- [options]

  --only LIST     some of ${Object.keys(levels).join(',')} (default: all)
  --quick         fewer and shorter samples: shows that everything works, not how fast it is
  --json FILE     writes the measurements as JSON
  --write         appends them to bench/results/history.jsonl and writes docs/benchmarks.md
  --doc           measures nothing, writes docs/benchmarks.md from the history
  --node PATH     measures with this Node as well, one after the other (default: the variable NODE24)
`

const DOC = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url))

interface Options {
  readonly names: readonly string[]
  readonly quick: boolean
  readonly json: string | undefined
  readonly write: boolean
  readonly node: string | undefined
}

/** A mistake in the command line: told without a stack. */
class UsageError extends Error {}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

try {
  await main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`bench: ${error.message}\n\n${USAGE}`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { values } = parse()
  if (values.help) return void process.stdout.write(USAGE)
  if (values.doc) return writeFileSync(DOC, benchmarksDoc(readHistory()))
  const options = readOptions(values)
  const runs = [await measure(options), ...(options.node === undefined ? [] : [measureWith(options.node, options)])]
  const entries = runs.flat()
  for (const run of runs) if (run.length > 0) process.stdout.write(`${terminalReport(run)}\n\n`)
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(entries, undefined, 2)}\n`)
  if (!options.write) return
  appendHistory(entries)
  writeFileSync(DOC, benchmarksDoc(readHistory()))
}

/** Level after level; one that fails is told and costs the others nothing. */
async function measure({ names, quick }: Options): Promise<Entry[]> {
  const source = provenance(new Date())
  const entries: Entry[] = []
  const say = (text: string) => void process.stderr.write(`${source.node}  ${text}\n`)
  for (const name of names) {
    try {
      for await (const measurement of levels[name]!({ quick, say })) entries.push({ ...source, ...measurement })
    } catch (error) {
      say(`${name} failed: ${(error as Error).stack}`)
      process.exitCode = 1
    }
  }
  return entries
}

/** The same in a process of another Node. */
function measureWith(node: string, { names, quick }: Options): Entry[] {
  const directory = mkdtempSync(join(tmpdir(), 'lossd-bench-'))
  const file = join(directory, 'entries.json')
  try {
    const script = fileURLToPath(import.meta.url)
    const args = ['--import', 'tsx', script, '--only', names.join(), '--json', file, ...(quick ? ['--quick'] : [])]
    execFileSync(node, args, { env: { ...process.env, NODE24: '' }, stdio: ['ignore', 'ignore', 'inherit'] })
  } catch {
    process.exitCode = 1
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return []
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function parse() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string', default: Object.keys(levels).join() },
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        write: { type: 'boolean', default: false },
        doc: { type: 'boolean', default: false },
        node: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function readOptions({ only, quick, json, write, node }: ReturnType<typeof parse>['values']): Options {
  const names = only!.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !Object.hasOwn(levels, name))
  if (unknown !== undefined) throw new UsageError(`no level is called ${JSON.stringify(unknown)}`)
  if (quick && write) throw new UsageError('quick measurements are not written down')
  return { names, quick: quick!, json, write: write!, node: node ?? (process.env.NODE24 || undefined) }
}
