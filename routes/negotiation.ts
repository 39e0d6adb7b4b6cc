import type { FastifyRequest } from 'fastify'
import type { Formats } from '../src/evaluate.ts'
import { excerpt, Refusal } from '../src/problems.ts'
import { formats } from '../src/wire/index.ts'

const all = Object.values(formats)
const mediaTypes = all.flatMap((format) => format.mediaTypes)
const byMediaType = new Map(all.flatMap((format) => format.mediaTypes.map((mediaType) => [mediaType, format])))

export interface Negotiated {
  readonly formats: Formats
  /** Of the answer. */
  readonly mediaType: string
}

/** The format of the body, and that of the answer: what the client accepts, by preference the request's own. */
export function negotiate(request: FastifyRequest): Negotiated {
  const header = request.headers['content-type'] ?? ''
  const given = byMediaType.has(header) ? header : header.split(';', 1)[0]!.trim().toLowerCase()
  const format = byMediaType.get(given)
  if (!format) {
    throw new Refusal(
      'media_type_unsupported',
      `expected ${mediaTypes.join(', ')}, got ${excerpt(given) || 'no content-type'}`,
    )
  }
  const { accept } = request.headers
  if (accept === undefined || accept === '*/*')
    return { formats: { request: format.name, response: format.name }, mediaType: format.mediaTypes[0]! }
  const preferred = [format, ...all.filter((each) => each !== format)]
  const mediaType = request.accepts().type(preferred.flatMap((each) => each.mediaTypes))
  if (typeof mediaType !== 'string') {
    throw new Refusal('not_acceptable', `answers are ${mediaTypes.join(', ')}; accepted is only ${excerpt(accept)}`)
  }
  const wanted = preferred.find((each) => each.mediaTypes.includes(mediaType))!
  return { formats: { request: format.name, response: wanted.name }, mediaType }
}
