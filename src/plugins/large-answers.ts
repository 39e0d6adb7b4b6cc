import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { giveBack, MIN_LENT_BYTES } from '../pool/arena.ts'
import { bytesOf, type TaskResult } from '../pool/message.ts'

/** What the kernel takes from one write in well under a millisecond: the piece of one turn. */
const CHUNK_BYTES = 2 ** 20
/** Less goes with the piece that follows it. */
const MIN_TURN_BYTES = 65_536

/**
 * Sends the bytes of an answer, and gives them back when they are sent or nobody takes them any more. A large answer goes in pieces, one a turn of the
 * event loop, since the kernel would keep the event loop for as long as it takes to copy all of it.
 */
export function sendAnswer(reply: FastifyReply, result: Pick<TaskResult, 'body' | 'insertion'>): FastifyReply {
  const { insertion } = result
  const body = asBuffer(result.body!)
  if (!insertion && body.length < MIN_LENT_BYTES) return reply.send(body)
  const letGo = () => {
    for (const bytes of bytesOf(result)) giveBack(bytes)
  }
  if (reply.raw.destroyed) letGo()
  else reply.raw.once('close', letGo)
  // Fastify takes a view of shared memory for an object, and would print it as one.
  if (!insertion && body.length <= CHUNK_BYTES) return reply.serializer(asItIs as never).send(body)
  const parts = insertion
    ? [body.subarray(0, insertion.at), asBuffer(insertion.bytes), body.subarray(insertion.at)]
    : [body]
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return reply.header('content-length', length).send(inTurns(parts.flatMap(piecesOf)))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function asItIs(answer: Buffer): Buffer {
  return answer
}

function piecesOf(part: Buffer): Buffer[] {
  const count = Math.ceil(part.length / CHUNK_BYTES)
  return Array.from({ length: count }, (_, i) => part.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES))
}

function inTurns(pieces: readonly Buffer[]): Readable {
  let next = 0
  return new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      // A socket that takes the piece at once would have the next one in the same turn of the event loop.
      setImmediate(() => {
        // A head is no turn of its own.
        for (let bytes = 0; bytes < MIN_TURN_BYTES && next < pieces.length; next++) {
          bytes += pieces[next]!.length
          this.push(pieces[next])
        }
        if (next === pieces.length) this.push(null)
      })
    },
  })
}
