import autocannon from 'autocannon'
import type { Batch, Case } from './cases.ts'
import type { Progress } from './progress.ts'

/** A large batch waits for those of the other clients. */
const TIMEOUT_S = 60
const REFRESH_MS = 250
const MEGABYTE = 1e6

export interface Measurement {
  readonly case: string
  readonly rows: number
  readonly classes: number
  readonly connections: number
  readonly seconds: number
  readonly answers: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly requestBytes: number
  readonly answerBytes: number
  /** Bodies of requests and answers together. */
  readonly megabytesPerSecond: number
  /** Broken connections and timeouts. */
  readonly errors: number
  readonly non2xx: number
}

/** Sends the batch over and over from every connection. */
export async function measure(
  url: string,
  { name, rows, classes, connections }: Case,
  { body }: Batch,
  answerBytes: number,
  seconds: number,
  progress: Progress,
): Promise<Measurement> {
  // autocannon's own histogram holds whole milliseconds.
  const latenciesMs: number[] = []
  let failures = 0
  const start = performance.now()
  const timer = setInterval(() => {
    const elapsed = (performance.now() - start) / 1000
    const text = `${name} ${rows}x${classes}  ${elapsed.toFixed(0)}/${seconds} s  ${latenciesMs.length} answers  ${failures} failures`
    progress.update(elapsed / seconds, text)
  }, REFRESH_MS)
  try {
    const result = await new Promise<autocannon.Result>((resolve, reject) => {
      const instance = autocannon(
        {
          url: new URL('/loss', url).href,
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
          connections,
          duration: seconds,
          timeout: TIMEOUT_S,
        },
        (error, done) => (error ? reject(error) : resolve(done)),
      )
      instance.on('response', (_client, status, _bytes, ms) => {
        if (status >= 200 && status < 300) latenciesMs.push(ms)
        else failures++
      })
      instance.on('reqError', () => {
        failures++
      })
    })
    latenciesMs.sort((a, b) => a - b)
    const requestsPerSecond = latenciesMs.length / result.duration
    return {
      case: name,
      rows,
      classes,
      connections,
      seconds: result.duration,
      answers: latenciesMs.length,
      requestsPerSecond,
      p50Ms: quantile(latenciesMs, 0.5),
      p99Ms: quantile(latenciesMs, 0.99),
      requestBytes: body.length,
      answerBytes,
      megabytesPerSecond: (requestsPerSecond * (body.length + answerBytes)) / MEGABYTE,
      errors: result.errors,
      non2xx: result.non2xx,
    }
  } finally {
    clearInterval(timer)
    progress.end()
  }
}

/** Nearest rank; 0 of nothing. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
