import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Services } from '../src/app.ts'

export function metricsRoute(app: FastifyInstance, { metrics }: Services): void {
  app.get(
    '/metrics',
    {
      logLevel: 'warn',
      schema: {
        operationId: 'metrics',
        summary: 'Metrics in Prometheus text format',
        tags: ['operations'],
        response: { 200: { description: 'Every metric.', content: { 'text/plain': { schema: z.string() } } } },
      } as never,
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  )
}
