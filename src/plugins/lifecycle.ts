import type { FastifyInstance } from 'fastify'
import type { Pool } from '../pool/pool.ts'
import { Refusal } from '../problems.ts'

/** Where the process stands between start and exit. */
export interface Lifecycle {
  /** Workers are up and the process is not shutting down. */
  readonly isReady: boolean
  /** From now on /readyz says 503, and answers close their connection so that clients go elsewhere. */
  startDraining(): void
  /** From now on new work is refused; what was accepted is finished. */
  stopAccepting(): void
}

export function registerLifecycle(app: FastifyInstance, pool: Pool): Lifecycle {
  let isWarm = false
  let isDraining = false
  let isAccepting = true
  pool.ready.then(
    () => {
      isWarm = true
    },
    () => undefined,
  )
  app.addHook('onRequest', (request, reply, done) => {
    if (isDraining) reply.header('connection', 'close')
    done(
      !isAccepting && request.method === 'POST'
        ? new Refusal('draining', 'the server is shutting down; send the request again, to another instance')
        : undefined,
    )
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
    },
  }
}
