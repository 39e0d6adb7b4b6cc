import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Aborts when the time for this request is up or its client is gone; nobody waits for the answer then. */
    deadline: AbortSignal
  }
}

/** The longest delay a timer takes. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/**
 * Gives every POST request a deadline: the server's, or the client's own shorter one.
 *
 * Fastify's `handlerTimeout` and `request.signal` would do this, but abort as soon as the body of a POST has been read
 * (https://github.com/fastify/fastify/pull/6725): they listen for the end of the request, this for the end of the answer.
 */
export function registerDeadline(app: FastifyInstance, requestTimeoutMs: number): void {
  app.decorateRequest('deadline')
  app.addHook('onRequest', (request, reply, done) => {
    if (request.method === 'POST') request.deadline = startDeadline(request, reply, requestTimeoutMs)
    done()
  })
}

function startDeadline(request: FastifyRequest, reply: FastifyReply, serverMs: number): AbortSignal {
  const controller = new AbortController()
  const clientMs = Number(request.headers['x-request-timeout-ms'])
  const timeoutMs = Math.min(serverMs, clientMs > 0 ? Math.ceil(clientMs) : MAX_TIMEOUT_MS)
  const timer = setTimeout(() => {
    controller.abort(new Refusal('deadline_exceeded', `not finished within ${timeoutMs} ms`))
  }, timeoutMs)
  reply.raw.once('close', () => {
    clearTimeout(timer)
    if (!reply.raw.writableFinished) controller.abort(new ClientGone())
  })
  return controller.signal
}

/** The client closed its connection: there is nobody to answer. */
export class ClientGone extends Error {
  override readonly message = 'the client closed its connection'
}
