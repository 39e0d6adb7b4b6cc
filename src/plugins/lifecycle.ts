import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Pool } from '../pool/pool.ts'
import { Refusal } from '../problems.ts'

/** Where the process stands between start and exit. */
export interface Lifecycle {
  /** Workers are up and the process is not shutting down. */
  readonly isReady: boolean
  /** From now on /readyz says 503, and answers close their connection so that clients go elsewhere. */
  startDraining(): void
  /** From now on new work is refused; what was accepted is finished, and connections without a request are closed. */
  stopAccepting(): void
  /**
   * To be called when no more can be read from a connection. Whether answers to what has been read are on their way; if so it is closed
   * behind the last of them.
   */
  endAfterAnswers(socket: Socket): boolean
}

export function registerLifecycle(app: FastifyInstance, pool: Pool): Lifecycle {
  const connections = trackConnections(app.server)
  let isWarm = false
  let isDraining = false
  let isAccepting = true
  pool.ready.then(
    () => {
      isWarm = true
    },
    () => undefined,
  )
  app.addHook('onRequest', (request, _reply, done) => {
    const refusal =
      !isAccepting && request.method === 'POST'
        ? new Refusal('draining', 'the server is shutting down; send the request again, to another instance')
        : undefined
    done(refusal)
  })
  // When the answer is sent, not when the request comes: a request that was there before the drain must not keep its connection either.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isDraining) reply.header('connection', 'close')
    done()
  })
  return {
    get isReady() {
      return isWarm && !isDraining
    },
    startDraining() {
      isDraining = true
    },
    stopAccepting() {
      isAccepting = false
      connections.closeWhenIdle()
    },
    endAfterAnswers: connections.endAfterAnswers,
  }
}

/** How long a connection may stay silent when the server stops: enough for a request that is on its way to be answered, not reset. */
const LINGER_MS = 250

/**
 * Closing an HTTP server waits for every connection, and Node ends only those that have been idle since an earlier request: one that has
 * sent nothing yet, or whose answer began before the drain, would hold up the exit until it times out.
 *
 * A client may send several requests at once. Its connection is idle when the last of them is answered; and when it closes, Node tells
 * only the response whose turn it is. The others would wait for ever, with all they hold: they are closed here.
 */
function trackConnections(server: Server): Pick<Lifecycle, 'endAfterAnswers'> & { closeWhenIdle(): void } {
  const idle = new Set<Socket>()
  const unanswered = new WeakMap<Socket, Set<ServerResponse>>()
  const ending = new WeakSet<Socket>()
  let isClosing = false
  server.on('connection', (socket: Socket) => {
    const responses = new Set<ServerResponse>()
    unanswered.set(socket, responses)
    idle.add(socket)
    socket.once('close', () => {
      idle.delete(socket)
      // When Node has closed the one whose turn it was.
      setImmediate(() => {
        for (const response of responses) {
          response.destroy()
          response.emit('close')
        }
      })
    })
  })
  server.on('request', ({ socket }, response) => {
    const responses = unanswered.get(socket)!
    responses.add(response)
    idle.delete(socket)
    response.once('close', () => {
      responses.delete(response)
      const isEnding = ending.has(socket)
      if (isEnding ? owesAnswer(responses) : responses.size > 0) return
      if (isClosing || isEnding) socket.destroySoon()
      else if (!socket.destroyed) idle.add(socket)
    })
  })
  return {
    endAfterAnswers(socket) {
      const isOwed = owesAnswer(unanswered.get(socket))
      if (isOwed) ending.add(socket)
      return isOwed
    },
    closeWhenIdle() {
      isClosing = true
      setTimeout(() => {
        for (const socket of idle) socket.destroy()
      }, LINGER_MS)
    },
  }
}

/** Whether one of these responses will come, or has begun to: the request of the last one may have broken off. */
function owesAnswer(responses: Iterable<ServerResponse> = []): boolean {
  for (const { req, headersSent } of responses) if (req.complete || headersSent) return true
  return false
}
