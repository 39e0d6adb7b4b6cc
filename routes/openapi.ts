import type { FastifyInstance } from 'fastify'

/** The contract as OpenAPI, generated from the routes' schemas. */
export function openApiRoutes(app: FastifyInstance): void {
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  app.get('/openapi.yaml', { schema: { hide: true } }, (_request, reply) =>
    reply.type('application/yaml').send(app.swagger({ yaml: true })),
  )
}
