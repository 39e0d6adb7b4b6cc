import { Buffer } from 'node:buffer'
import { checkOutputs, makeBatch } from './batch.ts'
import { importBuilt } from './built.ts'
import { type LevelOptions, type Measurement, quantiles } from './measurement.ts'

const CLASSES = 1000
const ROWS = [64, 128, 256, 1024, 4096] as const
const QUICK_MAX_ROWS = 256
const WORKERS = [1, 2] as const
const ROUNDS = 15
const QUICK_ROUNDS = 1
const WARM_UP_RUNS = 5
const FORMATS = { request: 'json', response: 'json' } as const

/** Milliseconds of one JSON request that has the workers to itself: with one worker it is evaluated whole, with more they share it. */
export async function* splitLevel({ quick, say }: LevelOptions): AsyncGenerator<Measurement> {
  const { createPool } = await importBuilt<typeof import('../src/pool/pool.ts')>('pool/pool')
  const { giveBack } = await importBuilt<typeof import('../src/pool/arena.ts')>('pool/arena')
  const pools = WORKERS.map((workers) => createPool({ workers, maxQueue: 1, inlineMaxBytes: 0 }))
  try {
    await Promise.all(pools.map(({ ready }) => ready))
    for (const rows of ROWS.filter((each) => !quick || each <= QUICK_MAX_ROWS)) {
      say(`split ${rows}x${CLASSES}`)
      const batch = makeBatch(rows, CLASSES)
      const json = batch.json()
      const samples = WORKERS.map(() => [] as number[])
      for (const [i, pool] of pools.entries()) {
        const answer = JSON.parse(await evaluate(pool, true))
        checkOutputs(`${WORKERS[i]} workers`, batch, { ...answer, gradients: answer.gradients.flat() })
        for (let run = 0; run < WARM_UP_RUNS; run++) await evaluate(pool)
      }
      for (let round = 0; round < (quick ? QUICK_ROUNDS : ROUNDS); round++) {
        for (const [i, pool] of pools.entries()) {
          const start = performance.now()
          await evaluate(pool)
          samples[i]!.push(performance.now() - start)
        }
      }
      for (const [i, workers] of WORKERS.entries()) {
        const provider = workers === 1 ? '1 worker' : `${workers} workers`
        yield { level: 'split', case: `${rows}x${CLASSES}`, provider, unit: 'ms', ...quantiles(samples[i]!) }
      }

      async function evaluate(pool: (typeof pools)[number], wantsText = false): Promise<string> {
        const body = pool.newBody(json.length)
        body.set(json)
        const { body: answer } = await pool.evaluate('loss', body, FORMATS, AbortSignal.timeout(60_000))
        const text = wantsText ? Buffer.from(answer!).toString() : ''
        giveBack(answer!)
        return text
      }
    }
  } finally {
    await Promise.all(pools.map((pool) => pool.close()))
  }
}
