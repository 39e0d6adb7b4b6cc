import { availableParallelism } from 'node:os'
import { z } from 'zod'

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

/**
 * Handing a body of 64 KiB over and back takes the processors as long as evaluating it. Where the main thread needs most of them itself, that
 * makes fewer answers; where there are more, it leaves the main thread time for more of them.
 */
const INLINE_BYTES = { few: 65_536, many: 16_384 } as const
const FEW_WORKERS = 2

/** Every variable the process reads, with its default. `docs/configuration.md` is generated from here. */
export const Environment = z.object({
  HOST: z.string().min(1).default('0.0.0.0').describe('Address to listen on.'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000).describe('Port to listen on; 0 picks a free one.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severe log lines to write.'),
  LOSSD_WORKERS: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(() => availableParallelism())
    .meta({ preset: 'available parallelism' })
    .describe('Worker threads; by default the available parallelism (which ignores a container CPU quota).'),
  LOSSD_MAX_BODY_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .max(2 ** 30)
    .default(64 * 2 ** 20)
    .describe('Largest request body, after decompression.'),
  LOSSD_MAX_QUEUE: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_536)
    .default(256)
    .describe('Requests that may wait for a worker; one more is answered 503.'),
  LOSSD_INLINE_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_536)
    .optional()
    .meta({ preset: `${INLINE_BYTES.few} with one or two workers, else ${INLINE_BYTES.many}` })
    .describe(
      'Bodies up to this are evaluated on the main thread, where handing them to a worker would take longer; 0 is none.',
    ),
  LOSSD_REQUEST_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_600_000)
    .default(30_000)
    .describe('Longest time to answer; a client shortens it with X-Request-Timeout-Ms.'),
  LOSSD_SHUTDOWN_GRACE_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(3_600_000)
    .default(10_000)
    .describe('Longest time to finish accepted requests after SIGTERM.'),
  LOSSD_DRAIN_DELAY_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(600_000)
    .default(0)
    .describe('Time to go on serving after SIGTERM while /readyz says 503, for a balancer to notice.'),
  LOSSD_API_KEYS: list
    .default([])
    .describe('Comma-separated keys; with any, POST requests need one as a bearer token or X-Api-Key.'),
  LOSSD_RATE_LIMIT: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('POST requests a minute from one client (its key, else its address); 0 is no limit.'),
  LOSSD_COMPRESS_ANSWERS: z
    .stringbool()
    .default(false)
    .describe(
      'Compress JSON answers for clients that accept it. Off: digits shrink by half, and slower than most networks carry them.',
    ),
  LOSSD_CORS_ORIGINS: list.default([]).describe('Comma-separated origins that browsers may call from; * is any.'),
})

export interface Config {
  readonly host: string
  readonly port: number
  readonly logLevel: string
  readonly workers: number
  readonly maxBodyBytes: number
  readonly maxQueue: number
  readonly inlineMaxBytes: number
  readonly requestTimeoutMs: number
  readonly shutdownGraceMs: number
  readonly drainDelayMs: number
  readonly apiKeys: readonly string[]
  readonly rateLimit: number
  readonly compressAnswers: boolean
  readonly corsOrigins: readonly string[]
}

/** Names every bad variable. */
export class ConfigError extends Error {}

/** The configuration an environment describes. Empty variables count as absent. Throws `ConfigError`. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.keys(Environment.shape).map((name) => [name, environment[name] || undefined]))
  const parsed = Environment.safeParse(given)
  if (!parsed.success) {
    const faults = parsed.error.issues.map(
      (issue) => `  ${String(issue.path[0])}=${given[String(issue.path[0])]}: ${issue.message}`,
    )
    throw new ConfigError(`bad configuration:\n${faults.join('\n')}`)
  }
  const env = parsed.data
  return Object.freeze({
    host: env.HOST,
    port: env.PORT,
    logLevel: env.LOG_LEVEL,
    workers: env.LOSSD_WORKERS,
    maxBodyBytes: env.LOSSD_MAX_BODY_BYTES,
    maxQueue: env.LOSSD_MAX_QUEUE,
    inlineMaxBytes: env.LOSSD_INLINE_MAX_BYTES ?? INLINE_BYTES[env.LOSSD_WORKERS <= FEW_WORKERS ? 'few' : 'many'],
    requestTimeoutMs: env.LOSSD_REQUEST_TIMEOUT_MS,
    shutdownGraceMs: env.LOSSD_SHUTDOWN_GRACE_MS,
    drainDelayMs: env.LOSSD_DRAIN_DELAY_MS,
    apiKeys: env.LOSSD_API_KEYS,
    rateLimit: env.LOSSD_RATE_LIMIT,
    compressAnswers: env.LOSSD_COMPRESS_ANSWERS,
    corsOrigins: env.LOSSD_CORS_ORIGINS,
  })
}
