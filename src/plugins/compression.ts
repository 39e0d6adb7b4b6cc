import accepts from '@fastify/accepts'
import compress from '@fastify/compress'
import type { FastifyInstance } from 'fastify'
import { Refusal, shown } from '../problems.ts'

/** Reads compressed bodies and, where that is wanted, compresses answers. */
export async function registerCompression(app: FastifyInstance, compressAnswers: boolean): Promise<void> {
  await app.register(accepts)
  registerContentEncoding(app)
  await app.register(compress, {
    globalCompression: compressAnswers,
    // Bytes of floats hardly shrink.
    customTypes: /^application\/(problem\+)?json$|^text\//,
    onUnsupportedRequestEncoding: (encoding) =>
      new Refusal(
        'media_type_unsupported',
        `expected gzip, br, deflate or identity, got the content-encoding ${shown(encoding)}`,
      ),
    onInvalidRequestPayload: (encoding) => new Refusal('json_invalid', `the body is not valid ${encoding}`),
  })
}

/** Names of codings have no case, and one of them has an older name (RFC 9110, 8.4.1), of which the compression plugin knows nothing. */
function registerContentEncoding(app: FastifyInstance): void {
  app.addHook('onRequest', ({ headers }, _reply, done) => {
    const encoding = headers['content-encoding']?.toLowerCase()
    if (encoding !== undefined) headers['content-encoding'] = encoding === 'x-gzip' ? 'gzip' : encoding
    done()
  })
}
