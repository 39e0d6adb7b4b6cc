import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { giveBack, MIN_LENT_BYTES } from '../pool/arena.ts'

/** What the kernel takes from one write in well under a millisecond: the piece of one turn. */
const CHUNK_BYTES = 2 ** 20

/**
 * Sends bytes that a worker has handed over, and gives them back when they are sent or nobody takes them any more. A large answer goes
 * in pieces, one a turn of the event loop, since the kernel would keep the event loop for as long as it takes to copy all of it.
 */
export function sendBytes(reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  const answer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (answer.length < MIN_LENT_BYTES) return reply.send(answer)
  if (reply.raw.destroyed) giveBack(bytes)
  else reply.raw.once('close', () => giveBack(bytes))
  // Fastify takes a view of shared memory for an object, and would print it as one.
  if (answer.length <= CHUNK_BYTES) return reply.serializer(asItIs as never).send(answer)
  return reply.header('content-length', answer.length).send(inChunks(answer))
}

function asItIs(answer: Buffer): Buffer {
  return answer
}

function inChunks(answer: Buffer): Readable {
  let at = 0
  return new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      // A socket that takes the piece at once would have the next one in the same turn of the event loop.
      setImmediate(() => {
        const end = Math.min(at + CHUNK_BYTES, answer.length)
        this.push(at === end ? null : answer.subarray(at, end))
        at = end
      })
    },
  })
}
