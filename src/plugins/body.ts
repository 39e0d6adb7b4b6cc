import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Refusal } from '../problems.ts'

/**
 * Reads request bodies as bytes that a worker can be handed: each chunk is written once, into a buffer of its own that can be transferred.
 * The limit counts the bytes after decompression, whether or not a length was declared.
 */
export function registerBodyReader(app: FastifyInstance, mediaTypes: readonly string[], maxBodyBytes: number): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser([...mediaTypes], { bodyLimit: maxBodyBytes }, (_request: FastifyRequest, payload: IncomingMessage) => readBody(payload, maxBodyBytes))
}

/** Chunks of an undeclared length are gathered in buffers that grow by doubling from here. */
const FIRST_BYTES = 65_536

async function readBody(payload: IncomingMessage, limit: number): Promise<ArrayBuffer> {
  const declared = payload.headers !== undefined && payload.headers['content-encoding'] === undefined ? Number(payload.headers['content-length']) : Number.NaN
  if (declared > limit) throw tooLarge(limit)
  let buffer = new Uint8Array(Number.isInteger(declared) ? declared : FIRST_BYTES)
  let length = 0
  for await (const chunk of payload as AsyncIterable<Uint8Array>) {
    const end = length + chunk.length
    if (end > limit) throw tooLarge(limit)
    if (end > buffer.length) {
      const larger = new Uint8Array(Math.min(limit, Math.max(end, buffer.length * 2)))
      larger.set(buffer.subarray(0, length))
      buffer = larger
    }
    buffer.set(chunk, length)
    length = end
  }
  return length === buffer.length ? buffer.buffer : buffer.buffer.slice(0, length)
}

function tooLarge(limit: number): Refusal {
  return new Refusal('body_too_large', `expected at most ${limit} bytes`)
}
