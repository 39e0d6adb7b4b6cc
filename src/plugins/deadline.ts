import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Aborts when the time for this request is up or its client is gone; nobody waits for the answer then. */
    deadline: Deadline
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

function startDeadline(request: FastifyRequest, { raw }: FastifyReply, serverMs: number): Deadline {
  const clientMs = Number(request.headers['x-request-timeout-ms'])
  const deadline = new Deadline(Math.min(serverMs, clientMs > 0 ? Math.ceil(clientMs) : MAX_TIMEOUT_MS))
  raw.on('close', () => deadline.close(raw.writableFinished))
  return deadline
}

/**
 * The part of an AbortSignal that is used here. The smallest requests cost so little that a signal, its controller and its events would
 * be a good part of it.
 */
export class Deadline {
  readonly #timer: NodeJS.Timeout
  readonly #listeners = new Set<() => void>()
  #reason: Error | undefined

  constructor(timeoutMs: number) {
    this.#timer = setTimeout(expire, timeoutMs, this, timeoutMs)
  }

  /** Why nobody waits any more, once nobody does. */
  get reason(): Error {
    return this.#reason as Error
  }

  get aborted(): boolean {
    return this.#reason !== undefined
  }

  throwIfAborted(): void {
    if (this.#reason) throw this.#reason
  }

  addEventListener(_type: 'abort', listener: () => void, _options?: { once: true }): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener)
  }

  abort(reason: Error): void {
    if (this.#reason) return
    this.#reason = reason
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }

  /** @param isAnswered whether the whole answer was handed to the connection before it ended */
  close(isAnswered: boolean): void {
    clearTimeout(this.#timer)
    if (!isAnswered) this.abort(new ClientGone())
  }
}

function expire(deadline: Deadline, timeoutMs: number): void {
  deadline.abort(new Refusal('deadline_exceeded', `not finished within ${timeoutMs} ms`))
}

/** The client closed its connection: there is nobody to answer. */
export class ClientGone extends Error {
  override readonly message = 'the client closed its connection'
}
