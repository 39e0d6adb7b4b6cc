import { type Batch, checkOutputs, LABEL_SMOOTHING, makeBatch, type Outputs } from './batch.ts'
import { drive, type HttpRequest } from './client.ts'
import type { LevelOptions, Measurement } from './measurement.ts'
import { quantiles } from './measurement.ts'
import { echo, fastapi, fastapiTwice, lossd, type Party, plainFastify, type Running, start } from './party.ts'
import { readContainer, writeContainer } from './safetensors.ts'

/** How a party is asked to evaluate a batch. */
interface Dialect {
  request(batch: Batch): HttpRequest
  /** The outputs in an answer. */
  outputs(answer: Buffer, headers: Headers): Partial<Outputs>
}

interface Case {
  readonly name: string
  readonly rows: number
  readonly classes: number
  readonly connections: number
  readonly seconds: number
  readonly parties: readonly (readonly [Party, Dialect])[]
}

const SAFETENSORS = 'application/vnd.safetensors'

const json: Dialect = {
  request: (batch) => ({ path: '/loss', headers: { 'content-type': 'application/json' }, body: batch.json() }),
  outputs(answer) {
    const { loss, losses, gradients, smoothed_targets } = JSON.parse(answer.toString())
    return { loss, losses, gradients: gradients.flat(), smoothedTargets: smoothed_targets.flat() }
  },
}

const safetensors: Dialect = {
  request: ({ rows, classes, logits, targets }) => ({
    path: '/loss',
    headers: { 'content-type': SAFETENSORS },
    body: writeContainer(
      {
        logits: { dtype: 'F32', shape: [rows, classes], data: logits },
        targets: { dtype: 'I32', shape: [rows], data: targets },
      },
      { label_smoothing: String(LABEL_SMOOTHING), outputs: '["loss","gradients"]' },
    ),
  }),
  outputs(answer) {
    const { loss, gradients } = readContainer(answer)
    return { loss: loss![0]!, gradients: gradients! }
  },
}

const binary: Dialect = {
  request: ({ rows, classes, logits, targets }) => ({
    path: `/binary?rows=${rows}&classes=${classes}&label_smoothing=${LABEL_SMOOTHING}`,
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.concat([Buffer.from(logits.buffer), Buffer.from(BigInt64Array.from(targets, BigInt).buffer)]),
  }),
  outputs: (answer, headers) => ({ loss: Number(headers.get('x-loss')), gradients: floats(answer) }),
}

/** No computation; as many bytes there and back as with safetensors. */
const echoed: Dialect = {
  request: (batch) => {
    const { path, body } = safetensors.request(batch)
    return { path, headers: { 'content-type': 'application/octet-stream' }, body }
  },
  outputs(answer) {
    readContainer(answer)
    return {}
  },
}

const jsonParties = [
  [lossd, json],
  [fastapi, json],
  [fastapiTwice, json],
  [plainFastify, json],
] as const

const CASES: readonly Case[] = [
  { name: 'json 8x10', rows: 8, classes: 10, connections: 16, seconds: 3, parties: jsonParties },
  { name: 'json 64x100', rows: 64, classes: 100, connections: 8, seconds: 3, parties: jsonParties },
  { name: 'json 256x1000', rows: 256, classes: 1000, connections: 4, seconds: 2, parties: jsonParties },
  {
    name: 'safetensors 1024x1000',
    rows: 1024,
    classes: 1000,
    connections: 4,
    seconds: 2,
    parties: [
      [lossd, safetensors],
      [fastapi, binary],
      [fastapiTwice, binary],
      [echo, echoed],
    ],
  },
]

const ROUNDS = 11
/** As long as it takes until V8 has compiled what several threads share of the work: until then rates rise. */
const WARM_UP_SECONDS = 5
/** How many rounds and seconds are enough to see that everything works. */
const QUICK = { rounds: 1, seconds: 0.3, warmUpSeconds: 0.1 }

/** Answers per second of lossd and of its peers, in rounds that go from party to party: what disturbs the machine disturbs all. */
export async function* httpLevel({ quick, say }: LevelOptions): AsyncGenerator<Measurement> {
  const running = new Map<Party, Running>()
  try {
    for (const party of new Set(CASES.flatMap(({ parties }) => parties.map(([each]) => each)))) {
      const missing = party.missing()
      if (missing === undefined) running.set(party, await start(party))
      else say(`${party.name} is skipped: ${missing}`)
    }
    for (const each of CASES) yield* measureCase(each, running, quick, say)
  } finally {
    for (const service of running.values()) await service.stop()
  }
}

async function* measureCase(
  { name, rows, classes, connections, seconds, parties }: Case,
  running: ReadonlyMap<Party, Running>,
  quick: boolean,
  say: LevelOptions['say'],
): AsyncGenerator<Measurement> {
  const batch = makeBatch(rows, classes)
  const present = parties.flatMap(([party, dialect]) => {
    const service = running.get(party)
    return service ? [{ party, dialect, service, request: dialect.request(batch), rates: [] as number[] }] : []
  })
  for (const { party, dialect, service, request } of present) {
    const { answer, headers } = await ask(service, request)
    checkOutputs(party.name, batch, dialect.outputs(answer, headers))
    await drive(service.port, request, connections, quick ? QUICK.warmUpSeconds : WARM_UP_SECONDS)
  }
  for (let round = 1; round <= (quick ? QUICK.rounds : ROUNDS); round++) {
    say(`http ${name}, round ${round}`)
    for (const { service, request, rates } of present)
      rates.push(await drive(service.port, request, connections, quick ? QUICK.seconds : seconds))
  }
  for (const { party, rates } of present)
    yield { level: 'http', case: name, provider: party.name, unit: 'answers/s', ...quantiles(rates) }
}

async function ask({ url }: Running, { path, headers, body }: HttpRequest) {
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> })
  const answer = Buffer.from(await response.arrayBuffer())
  if (response.status !== 200) throw new Error(`expected 200, got ${response.status}: ${answer.subarray(0, 500)}`)
  return { answer, headers: response.headers }
}

function floats(bytes: Buffer): Float32Array {
  return new Float32Array(new Uint8Array(bytes).buffer)
}
