import Fastify from 'fastify'

/** Buffers a body and answers with the same bytes: what a service of Fastify costs before it does anything. Usage: PORT=... echo.ts */
const BODY_LIMIT_BYTES = 64 * 2 ** 20

const app = Fastify({ bodyLimit: BODY_LIMIT_BYTES })
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.get('/readyz', () => ({ status: 'ready' }))
app.post('/loss', (request, reply) => reply.type('application/octet-stream').send(request.body))
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
