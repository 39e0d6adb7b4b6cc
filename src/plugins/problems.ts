import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { excerpt, PROBLEMS, type Problem, type ProblemCode, problemDocument } from '../problems.ts'
import { formats } from '../wire/index.ts'
import { ClientGone } from './deadline.ts'

/** Seconds after which a refused client may try again. */
const RETRY_AFTER_SECONDS = 1

/** What Fastify and its plugins refuse by themselves, in the words of the contract. */
const FASTIFY_CODES: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_BAD_URL: 'not_found',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type_unsupported',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'json_invalid',
}

const STATUS_PROBLEMS: Readonly<Record<number, ProblemCode>> = {
  401: 'unauthorized',
  404: 'not_found',
  406: 'not_acceptable',
  413: 'body_too_large',
  415: 'media_type_unsupported',
  429: 'rate_limited',
}

type SendProblem = (request: FastifyRequest, reply: FastifyReply, problem: Problem) => FastifyReply

/** Every error of this scope becomes an answer with a code of the contract. */
export function registerProblems(app: FastifyInstance, send: SendProblem = sendProblem): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    // Whatever is answered, nobody reads it.
    if (isClientGone(error, reply)) return reply.code(499).send()
    const problem = problemOf(error, request)
    if (problem.code === 'internal') request.log.error({ err: error }, 'internal error')
    return send(request, reply, problem)
  })
  app.setNotFoundHandler((request, reply) => send(request, reply, notFound(request)))
}

/** An answer in pieces that is cut off before the first of them has left says so as any stream would. */
function isClientGone(error: FastifyError, { raw }: FastifyReply): boolean {
  return (error as Error) instanceof ClientGone || (raw.destroyed && error.code === 'ERR_STREAM_PREMATURE_CLOSE')
}

/** Answers what fails before there is a route, and so before any hook: a path that cannot be decoded. */
export function refuseUnrouted(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  const send = request.url.startsWith('/v2/') ? sendInferenceError : sendProblem
  send(request, reply, problemOf(error, request))
}

function notFound({ method, url }: FastifyRequest): Problem {
  return { code: 'not_found', detail: `nothing is at ${method} ${excerpt(url, 128)}` }
}

/** The problem as `application/problem+json`. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  return prepareRefusal(request, reply, problem)
    .type('application/problem+json')
    .send(JSON.stringify(problemDocument(problem, request.id, request.url)))
}

/** The problem as the inference protocol wants it. */
export function sendInferenceError(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  return prepareRefusal(request, reply, problem)
    .type('application/json')
    .send(JSON.stringify({ error: problem.detail }))
}

function prepareRefusal(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const { status } = PROBLEMS[problem.code]
  if ((status === 429 || status === 503) && !reply.hasHeader('retry-after'))
    reply.header('retry-after', RETRY_AFTER_SECONDS)
  // What is left of a body that was not read must not be taken for the next request.
  if (!request.raw.complete) reply.header('connection', 'close')
  return reply.code(status)
}

function problemOf(error: FastifyError, request: FastifyRequest): Problem {
  // A refusal, or an error of zlib that the compression plugin has given the fields of one.
  if ('problem' in error) return error.problem as Problem
  const code = FASTIFY_CODES[error.code] ?? STATUS_PROBLEMS[error.statusCode ?? 500]
  if (code === 'not_found') return notFound(request)
  if (code === 'media_type_unsupported') return { code, detail: mediaTypeDetail(request) }
  if (code !== undefined) return { code, detail: error.message || STATUS_CODES[PROBLEMS[code].status]! }
  return { code: 'internal', detail: 'an error on our side; the request id finds it in the log' }
}

function mediaTypeDetail({ headers }: FastifyRequest): string {
  const expected = Object.values(formats).flatMap((format) => format.mediaTypes)
  return `expected ${expected.join(', ')}, got ${excerpt(headers['content-type'] || 'no content-type')}`
}
