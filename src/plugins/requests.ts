import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** What a client may call its request: short, and safe in a header and in a log. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,64}$/

/** The client's `X-Request-Id` if it is a sane one, else a new one. */
export function requestId(message: IncomingMessage): string {
  const given = message.headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}

/** Names every answer and writes one log line for it, without bodies. */
export function registerRequests(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    request.log.info(
      {
        method: request.method,
        path: request.url,
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime * 1000) / 1000,
      },
      'answered',
    )
    done()
  })
}
