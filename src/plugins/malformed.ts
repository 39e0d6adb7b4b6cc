import { randomUUID } from 'node:crypto'
import { maxHeaderSize, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { PROBLEMS, type Problem, problemDocument } from '../problems.ts'

/** What Node's parser and its timers say of a connection. */
export interface ConnectionError extends Error {
  readonly code?: string
  /** The parser's own words, one of a closed list. */
  readonly reason?: string
}

/**
 * Answers what is refused before there is a request, and so before any hook and any route: bytes that are not HTTP, headers that are too
 * large or too slow. Ends the connection, whose further bytes mean nothing.
 *
 * @param endAfterAnswers whether answers to earlier requests are on their way, behind which the connection is ended
 */
export function refuseMalformed(
  { log }: Pick<FastifyInstance, 'log'>,
  error: ConnectionError,
  socket: Socket,
  endAfterAnswers: (socket: Socket) => boolean,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error)
    return
  }
  // In the middle of another answer nothing else can be said.
  if (endAfterAnswers(socket)) return
  const problem = problemOf(error)
  const { status } = PROBLEMS[problem.code]
  const requestId = randomUUID()
  log.info({ reqId: requestId, status, detail: problem.detail }, 'answered')
  const body = JSON.stringify(problemDocument(problem, requestId, ''))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function problemOf({ code, reason }: ConnectionError): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { code: 'request_timeout', detail: 'expected a whole request in the time that is given for one' }
  if (code === 'HPE_HEADER_OVERFLOW')
    return { code: 'headers_too_large', detail: `expected at most ${maxHeaderSize} bytes of headers` }
  return { code: 'http_invalid', detail: `expected HTTP/1.1: ${reason ?? 'the bytes are no request'}` }
}
