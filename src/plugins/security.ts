import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import bearerAuth from '@fastify/bearer-auth'
import cors from '@fastify/cors'
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import helmet, { type HelmetOptions } from 'helmet'
import type { Config } from '../config.ts'
import { Refusal } from '../problems.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its answers are numbers, nothing that a browser would render. */
    isEvaluation?: boolean
  }
}

const RATE_WINDOW_MS = 60_000

const PAGE_HEADERS = helmetHeaders({
  contentSecurityPolicy: {
    directives: {
      defaultSrc: ["'self'"],
      // Swagger UI styles its elements inline and draws its icons from data URLs.
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      // The service speaks plain HTTP; TLS is the balancer's.
      upgradeInsecureRequests: null,
    },
  },
  strictTransportSecurity: false,
})

const EVALUATION_HEADERS = helmetHeaders({
  contentSecurityPolicy: false,
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  referrerPolicy: false,
  strictTransportSecurity: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xFrameOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
})

/** What helmet sets, which is the same for every request: asking it each time, as its plugin does, costs as much as a small evaluation. */
function helmetHeaders(options: HelmetOptions): Record<string, string> {
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  helmet(options)(request, response, () => undefined)
  return response.getHeaders() as Record<string, string>
}

/** Headers for every answer; keys, rates and origins where they are configured. */
export async function registerSecurity(app: FastifyInstance, config: Config): Promise<void> {
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(request.routeOptions.config.isEvaluation ? EVALUATION_HEADERS : PAGE_HEADERS)
    done()
  })
  if (config.corsOrigins.length > 0) {
    await app.register(cors, {
      origin: config.corsOrigins.includes('*') ? true : [...config.corsOrigins],
      // Any OPTIONS request gets the headers; strict, one that is no preflight would be refused in plain text.
      strictPreflight: false,
      exposedHeaders: ['x-request-id', 'server-timing', 'retry-after', 'inference-header-content-length'],
    })
  }
  if (config.apiKeys.length > 0) await requireKeys(app, config.apiKeys)
  if (config.rateLimit > 0) {
    await app.register(rateLimit, {
      allowList: (request) => request.method !== 'POST',
      max: config.rateLimit,
      timeWindow: RATE_WINDOW_MS,
      // A key counts where it has been checked: any other would give a client as many rates as it makes up headers.
      keyGenerator: (request) => (config.apiKeys.length > 0 && keyOf(request)) || request.ip,
      errorResponseBuilder: (_request, { after }) =>
        new Refusal('rate_limited', `at most ${config.rateLimit} requests a minute; try again in ${after}`),
    })
  }
}

/** The key as the bearer plugin reads it, however it is spaced. */
function keyOf({ headers }: FastifyRequest): string | undefined {
  return headers.authorization?.replace(/^Bearer /, '').trim()
}

/** Evaluations need a key; health, metrics and documents do not. */
async function requireKeys(app: FastifyInstance, keys: readonly string[]): Promise<void> {
  app.addHook('onRequest', (request, _reply, done) => {
    const key = request.headers['x-api-key']
    if (typeof key === 'string' && request.headers.authorization === undefined)
      request.headers.authorization = `Bearer ${key}`
    done()
  })
  await app.register(bearerAuth, { keys: new Set(keys), addHook: false })
  const verify = app.verifyBearerAuth!
  app.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'POST') return done()
    verify.call(app, request, reply, (error) => {
      if (!error) return done()
      reply.header('www-authenticate', 'Bearer')
      done(new Refusal('unauthorized', 'expected a configured key as "Authorization: Bearer" or "X-Api-Key"'))
    })
  })
}
