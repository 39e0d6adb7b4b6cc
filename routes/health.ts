import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Services } from '../src/app.ts'

const Status = z.object({ status: z.enum(['live', 'ready', 'not ready']) })

/** Liveness: the process answers. Readiness: its workers are warm and it is not shutting down. */
export function healthRoutes(app: FastifyInstance, { lifecycle }: Services): void {
  const answer = (description: string) => ({ description, content: { 'application/json': { schema: Status } } })
  app.get(
    '/livez',
    {
      logLevel: 'warn',
      schema: {
        operationId: 'live',
        summary: 'Is the process alive?',
        tags: ['operations'],
        response: { 200: answer('It answers.') },
      } as never,
    },
    () => ({ status: 'live' }),
  )
  app.get(
    '/readyz',
    {
      logLevel: 'warn',
      schema: {
        operationId: 'ready',
        summary: 'May requests be sent here?',
        tags: ['operations'],
        response: {
          200: answer('Workers are warm.'),
          503: answer('Workers are coming up, or the server is shutting down.'),
        },
      } as never,
    },
    (_request, reply) => (lifecycle.isReady ? { status: 'ready' } : reply.code(503).send({ status: 'not ready' })),
  )
}
