import { parseArgs } from 'node:util'
import { CASES, type Case, checkAnswer, makeBatch } from './load/cases.ts'
import { type Measurement, measure } from './load/measure.ts'
import { createProgress } from './load/progress.ts'
import { record, save, table } from './load/report.ts'
import { type Service, spawnService, whenReady } from './load/service.ts'

const USAGE = `npm run load -- [options]

  --url URL          a running service; without it, the built one is started on a free port
  --cases LIST       some of ${CASES.map(({ name }) => name).join(',')} (default: all)
  --seconds N        for each case (default: 10)
  --connections N    for each case (default: ${CASES.map(({ name, connections }) => `${name} ${connections}`).join(', ')})
  --out FILE         where to write the results as JSON (default: load-results/<date>.json)
`

interface Options {
  readonly url: string | undefined
  readonly cases: readonly Case[]
  readonly seconds: number
  readonly out: string
}

/** A mistake in the command line: told without a stack. */
class UsageError extends Error {}

const date = new Date()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

try {
  const options = readOptions()
  if (options) await run(options)
} catch (error) {
  process.stderr.write(
    `load: ${error instanceof UsageError ? `${error.message}\n\n${USAGE}` : `${(error as Error).message}\n`}`,
  )
  process.exitCode = 1
}

async function run({ url, cases, seconds, out }: Options): Promise<void> {
  const service = url === undefined ? await spawnService({ LOG_LEVEL: 'warn' }) : undefined
  const measurements: Measurement[] = []
  try {
    if (service) await whenReady(service)
    const target = url ?? service!.url
    const batches = cases.map((each) => ({ each, batch: makeBatch(each) }))
    const checked = []
    for (const { each, batch } of batches)
      checked.push({ each, batch, answerBytes: await checkAnswer(target, each, batch) })
    const progress = createProgress(process.stderr)
    for (const { each, batch, answerBytes } of checked) {
      measurements.push(await measure(target, each, batch, answerBytes, seconds, progress))
    }
  } finally {
    if (service) await stop(service)
  }
  save(out, record(measurements, url ?? 'a process of its own', date))
  process.stdout.write(`${table(measurements)}\n\nMB/s: bodies of requests and answers together. Written to ${out}.\n`)
  const faulty = measurements.filter(({ answers, errors, non2xx }) => answers === 0 || errors > 0 || non2xx > 0)
  if (faulty.length > 0) throw new Error(`errors in ${faulty.map((row) => row.case).join(', ')}`)
}

async function stop({ child, exited, output }: Service): Promise<void> {
  child.kill('SIGTERM')
  const code = await exited
  if (code !== 0) throw new Error(`the service ended with ${code}:\n${output()}`)
}

/** Undefined where only help was asked for. */
function readOptions(): Options | undefined {
  const { values } = parse()
  if (values.help) return void process.stdout.write(USAGE)
  const connections = values.connections === undefined ? undefined : count('--connections', values.connections)
  return {
    url: values.url,
    cases: selectCases(values.cases).map((each) => ({ ...each, connections: connections ?? each.connections })),
    seconds: count('--seconds', values.seconds),
    out: values.out ?? `load-results/${date.toISOString().replace(/\.\d+/, '').replaceAll(':', '-')}.json`,
  }
}

function parse() {
  try {
    return parseArgs({
      options: {
        url: { type: 'string' },
        cases: { type: 'string', default: CASES.map(({ name }) => name).join(',') },
        seconds: { type: 'string', default: '10' },
        connections: { type: 'string' },
        out: { type: 'string' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function selectCases(list: string): readonly Case[] {
  return list.split(',').map((name) => {
    const found = CASES.find((each) => each.name === name.trim())
    if (!found) throw new UsageError(`no case is called ${JSON.stringify(name)}`)
    return found
  })
}

function count(option: string, text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1)
    throw new UsageError(`${option} takes a whole number from 1, got ${text}`)
  return number
}
