import type { AddressInfo } from 'node:net'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { importBuilt } from './built.ts'

/** Milliseconds that the timers of the main thread came late. */
export interface LoopDelay {
  /** Milliseconds between two timers. Frequent ones see every block once; rarer ones see a long block more often than a short one. */
  readonly everyMs: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/**
 * The service in a process that watches its own event loop. Sends its port to the parent, starts to sample at the message `start`, and
 * answers `stop` with the delays. Ends when the parent disconnects.
 */
const EVERY_MS = [1, 10]
const NS_PER_MS = 1e6

const { buildApp } = await importBuilt<typeof import('../src/app.ts')>('app')
const { readConfig } = await importBuilt<typeof import('../src/config.ts')>('config')
const { server, services } = await buildApp(readConfig({ LOG_LEVEL: 'warn' }))
await services.pool.ready
await server.listen({ host: '127.0.0.1', port: 0 })

const histograms = EVERY_MS.map((everyMs) => ({ everyMs, histogram: monitorEventLoopDelay({ resolution: everyMs }) }))
process.on('message', (message) => {
  if (message === 'start') {
    for (const { histogram } of histograms) {
      histogram.reset()
      histogram.enable()
    }
    return
  }
  for (const { histogram } of histograms) histogram.disable()
  process.send?.(histograms.map(({ everyMs, histogram }) => delay(everyMs, histogram)))
})
process.once('disconnect', () => server.close())
process.send?.((server.server.address() as AddressInfo).port)

/** What the histogram holds is the time from one timer to the next: the wait that was asked for is no delay. */
function delay(everyMs: number, histogram: IntervalHistogram): LoopDelay {
  const late = (ns: number) => Math.max(0, ns / NS_PER_MS - everyMs)
  return {
    everyMs,
    p50: late(histogram.percentile(50)),
    p99: late(histogram.percentile(99)),
    max: late(histogram.max),
  }
}
