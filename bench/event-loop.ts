import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { checkOutputs, makeBatch } from './batch.ts'
import { drive } from './client.ts'
import type { LoopDelay } from './loop-delay.ts'
import { type LevelOptions, type Measurement, quantiles } from './measurement.ts'

/** About 10 MB of JSON. */
const ROWS = 1040
const CLASSES = 1000
const CONNECTIONS = 4
const RUNS = 3
const SECONDS = 10
const QUICK = { runs: 1, seconds: 1 }

/** How late the main thread's timers are while large bodies come in without pause. */
export async function* eventLoopLevel({ quick, say }: LevelOptions): AsyncGenerator<Measurement> {
  const { runs, seconds } = quick ? QUICK : { runs: RUNS, seconds: SECONDS }
  const batch = makeBatch(ROWS, CLASSES)
  const body = batch.json()
  const child = fork(fileURLToPath(new URL('loop-delay.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
  try {
    const [port] = (await once(child, 'message')) as [number]
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`http://127.0.0.1:${port}/loss`, { method: 'POST', headers, body })
    const { loss, losses, gradients } = (await answer.json()) as {
      loss: number
      losses: number[]
      gradients: number[][]
    }
    checkOutputs('lossd', batch, { loss, losses, gradients: gradients.flat() })

    const samples = new Map<string, number[]>()
    for (let run = 1; run <= runs; run++) {
      say(`event loop, ${(body.length / 1e6).toFixed(1)} MB bodies for ${seconds} s, run ${run}`)
      child.send('start')
      await drive(port, { path: '/loss', headers, body }, CONNECTIONS, seconds)
      child.send('stop')
      const [delays] = (await once(child, 'message')) as [LoopDelay[]]
      for (const { everyMs, ...delay } of delays) {
        for (const [name, ms] of Object.entries(delay)) {
          const label = `delay ${name}, a timer every ${everyMs} ms`
          samples.set(label, [...(samples.get(label) ?? []), ms])
        }
      }
    }
    for (const [label, values] of samples)
      yield { level: 'event-loop', case: label, provider: 'lossd', unit: 'ms', ...quantiles(values) }
  } finally {
    child.disconnect()
  }
}
