import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { WorkReport } from '../pool/message.ts'
import type { Pool } from '../pool/pool.ts'

/** From a request of a few numbers to one of many megabytes. */
const SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Answers that are counted behind each other: so each costs half of what it costs in the middle of a request, whose code it displaces. */
const TOGETHER = 256

const DECODE = { direction: 'decode' } as const
const ENCODE = { direction: 'encode' } as const

interface RequestObservation {
  readonly labels: { readonly method: string; readonly route: string; readonly status: number }
  readonly seconds: number
}

interface EvaluationObservation {
  readonly report: WorkReport
  readonly queueMs: number
  readonly bodyBytes: number
  readonly answerBytes: number
}

export interface Metrics {
  readonly contentType: string
  /** Everything, in Prometheus' text format. */
  text(): Promise<string>
  /** Counts what one evaluation cost: when enough requests have been answered, or when `text` is asked for. */
  observeWork(report: WorkReport, queueMs: number, bodyBytes: number, answerBytes: number): void
}

/** Measures requests and work. The one module that knows the metrics library. */
export function registerMetrics(app: FastifyInstance, pool: Pool): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requestDuration = new Histogram({
    name: 'lossd_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: SECONDS_BUCKETS,
    registers,
  })
  const queueWait = new Histogram({
    name: 'lossd_queue_wait_seconds',
    help: 'Time an evaluation waited for a worker.',
    buckets: SECONDS_BUCKETS,
    registers,
  })
  const computeDuration = new Histogram({
    name: 'lossd_compute_duration_seconds',
    help: 'Time a worker spent on the maths, without decoding and encoding.',
    labelNames: ['loss'] as const,
    buckets: SECONDS_BUCKETS,
    registers,
  })
  const codecDuration = new Histogram({
    name: 'lossd_codec_duration_seconds',
    help: 'Time a worker spent reading the request or writing the answer.',
    labelNames: ['direction'] as const,
    buckets: SECONDS_BUCKETS,
    registers,
  })
  const rows = new Counter({
    name: 'lossd_rows_total',
    help: 'Rows evaluated.',
    labelNames: ['loss'] as const,
    registers,
  })
  const bytes = new Counter({
    name: 'lossd_bytes_total',
    help: 'Bytes of evaluation bodies, after decompression, and of their answers, before compression.',
    labelNames: ['direction'] as const,
    registers,
  })
  new Gauge({
    name: 'lossd_queue_depth',
    help: 'Evaluations that wait for a worker.',
    registers,
    collect() {
      this.set(pool.queueDepth)
    },
  })

  let requests: RequestObservation[] = []
  let evaluations: EvaluationObservation[] = []
  const observeAll = () => {
    const [answered, worked] = [requests, evaluations]
    // First: what throws must not be counted again.
    requests = []
    evaluations = []
    for (const { labels, seconds } of answered) requestDuration.observe(labels, seconds)
    const total = { in: 0, out: 0 }
    const rowsOf = new Map<string, number>()
    for (const { report, queueMs, bodyBytes, answerBytes } of worked) {
      const { loss, rows: evaluated, decodeMs, computeMs, encodeMs } = report
      total.in += bodyBytes
      total.out += answerBytes
      queueWait.observe(queueMs / 1000)
      codecDuration.observe(DECODE, decodeMs / 1000)
      if (loss === undefined) continue
      rowsOf.set(loss, (rowsOf.get(loss) ?? 0) + evaluated)
      computeDuration.observe({ loss }, computeMs / 1000)
      codecDuration.observe(ENCODE, encodeMs / 1000)
    }
    bytes.inc({ direction: 'in' }, total.in)
    bytes.inc({ direction: 'out' }, total.out)
    for (const [loss, evaluated] of rowsOf) rows.inc({ loss }, evaluated)
  }

  app.addHook(
    'onResponse',
    ({ method, routeOptions }: FastifyRequest, { statusCode, elapsedTime }: FastifyReply, done) => {
      const labels = { method, route: routeOptions.url ?? 'none', status: statusCode }
      if (requests.push({ labels, seconds: elapsedTime / 1000 }) >= TOGETHER) observeAll()
      done()
    },
  )

  return {
    contentType: registry.contentType,
    text() {
      observeAll()
      return registry.metrics()
    },
    observeWork(report, queueMs, bodyBytes, answerBytes) {
      if (evaluations.push({ report, queueMs, bodyBytes, answerBytes }) >= TOGETHER) observeAll()
    },
  }
}
