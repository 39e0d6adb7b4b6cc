import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { copyBytes } from '../copy-bytes.ts'
import { drop, giveBack, MIN_LENT_BYTES } from '../pool/arena.ts'
import { Refusal } from '../problems.ts'
import { ClientGone } from './deadline.ts'

/**
 * Reads request bodies as bytes that a worker can see: each chunk is written once, where it stays until the worker is done with it.
 * The limit counts the bytes after decompression, whether or not a length was declared.
 *
 * @param newBody room for so many bytes
 * @param check throws to refuse a request whose body is not to be read, now or by its handler
 */
export function registerBodyReader(
  app: FastifyInstance,
  mediaTypes: readonly string[],
  maxBodyBytes: number,
  newBody: NewBody,
  check: (request: FastifyRequest) => unknown,
): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    [...mediaTypes],
    { bodyLimit: maxBodyBytes },
    async (request: FastifyRequest, payload: IncomingMessage) => {
      // A path that has no use for a body has nobody to give it back either.
      if (request.is404 || !request.routeOptions.config.isEvaluation) return void payload.resume()
      check(request)
      return readBody(request, payload, maxBodyBytes, newBody)
    },
  )
}

type NewBody = (bytes: number) => Uint8Array

/** Chunks of an undeclared length are gathered in buffers that grow by doubling from here. */
const FIRST_BYTES = 16_384
/** Of smaller pieces V8 collects the objects around them before their bytes add up. */
const MIN_DROPPED_BYTES = 16_384
/** What is read from one client in one turn of the event loop. */
const TURN_BYTES = 2 ** 20

/** @param payload the request itself, or what decompresses it */
function readBody(
  { raw, deadline }: FastifyRequest,
  payload: IncomingMessage,
  limit: number,
  newBody: NewBody,
): Promise<Uint8Array> {
  const declared =
    payload.headers !== undefined && payload.headers['content-encoding'] === undefined
      ? Number(payload.headers['content-length'])
      : Number.NaN
  if (declared > limit) return Promise.reject(tooLarge(limit))
  // Node copies that for us alone; what decompresses a body may use its buffer again, and so may who injects one.
  const isFromSocket = payload === raw && raw.socket instanceof Socket
  let buffer: Uint8Array | undefined
  let length = 0
  let pending = 0
  let isOver = false
  // Listening, not iterating: an iterator destroys the request when it is done, which looks as if the client had left.
  return new Promise((resolve, reject) => {
    payload.on('data', (chunk: Uint8Array) => {
      const end = length + chunk.length
      if (end > limit) return abandon(tooLarge(limit))
      const isOurs = isFromSocket && chunk.byteLength === chunk.buffer.byteLength
      // So small a body goes on in the memory it came in.
      if (isOurs && chunk.length === declared && chunk.length < MIN_LENT_BYTES) {
        buffer = chunk
        length = end
        return
      }
      buffer ??= newBody(Number.isInteger(declared) ? declared : FIRST_BYTES)
      if (end > buffer.length) {
        const larger = newBody(Math.min(limit, Math.max(end, buffer.length * 2)))
        copyBytes(buffer.subarray(0, length), larger)
        giveBack(buffer)
        buffer = larger
      }
      copyBytes(chunk, buffer, length)
      // Kept until V8 collects, such pieces would add up to a collection of the whole heap for every 64 MiB.
      if (isOurs && chunk.length >= MIN_DROPPED_BYTES) drop(chunk)
      length = end
      pending += chunk.length
      if (pending >= TURN_BYTES) yieldTurn()
    })
    payload.on('end', () => {
      if (isOver) return
      isOver = true
      resolve(buffer ? buffer.subarray(0, length) : new Uint8Array(0))
    })
    // What the request itself can fail of is its connection.
    payload.on('error', (error) => abandon(payload === raw ? new ClientGone() : error))
    deadline.addEventListener('abort', () => abandon(deadline.reason), { once: true })
    // The compression plugin hands it over paused.
    payload.resume()

    /** A fast client has megabytes waiting; taken at one go, they would keep the event loop from everybody else. */
    function yieldTurn(): void {
      pending = 0
      payload.pause()
      setImmediate(() => {
        if (!isOver) payload.resume()
      })
    }

    /** Lets the rest of the body pass unread and compressed as it is, so that the client gets to read the answer. */
    function abandon(reason: Error): void {
      if (isOver) return
      isOver = true
      if (buffer) giveBack(buffer)
      payload.removeAllListeners('data')
      payload.pause()
      raw.unpipe()
      raw.resume()
      reject(reason)
    }
  })
}

function tooLarge(limit: number): Refusal {
  return new Refusal('body_too_large', `expected at most ${limit} bytes`)
}
