/**
 * The closed table of refusals. A code is part of the contract: it never changes its meaning or its status.
 * `docs/errors.md` is generated from this table.
 */
export const PROBLEMS = {
  http_invalid: { status: 400, title: 'The request is not valid HTTP' },
  json_invalid: { status: 400, title: 'The body is not valid JSON' },
  tensor_invalid: { status: 400, title: 'A tensor container is not well-formed' },
  unauthorized: { status: 401, title: 'A valid API key is required' },
  not_found: { status: 404, title: 'There is nothing at this path' },
  method_not_allowed: { status: 405, title: 'This path does not take this method' },
  not_acceptable: { status: 406, title: 'No acceptable answer format' },
  request_timeout: { status: 408, title: 'The request did not come in time' },
  body_too_large: { status: 413, title: 'The request is larger than this server accepts' },
  media_type_unsupported: { status: 415, title: 'The body is of a media type this path does not read' },
  validation_failed: { status: 422, title: 'The request does not fit the schema' },
  shape_mismatch: { status: 422, title: 'The shapes of the tensors do not fit together' },
  target_out_of_range: { status: 422, title: 'A target is not a class index' },
  targets_not_a_distribution: { status: 422, title: 'A row of targets is not a probability distribution' },
  logits_not_finite: { status: 422, title: 'A row of logits has no softmax' },
  rate_limited: { status: 429, title: 'Too many requests' },
  headers_too_large: { status: 431, title: 'The headers are larger than this server accepts' },
  internal: { status: 500, title: 'Internal error' },
  overloaded: { status: 503, title: 'The server has more work than it can queue' },
  draining: { status: 503, title: 'The server is shutting down' },
  deadline_exceeded: { status: 504, title: 'The request was not finished in time' },
} as const

export type ProblemCode = keyof typeof PROBLEMS

export interface Fault {
  /** JSON pointer (RFC 6901) into the request body. */
  readonly pointer: string
  /** What was expected and what came. */
  readonly detail: string
}

/** A refusal as data: it crosses the thread boundary, where an error's own fields do not survive. */
export interface Problem {
  readonly code: ProblemCode
  readonly detail: string
  readonly errors?: readonly Fault[]
}

/** The most faults one refusal names. */
export const MAX_FAULTS = 10

/** Thrown below `evaluate`, where it becomes a `Problem`; above the pool, where it becomes an answer. */
export class Refusal extends Error {
  readonly problem: Problem

  constructor(code: ProblemCode, detail: string, errors?: readonly Fault[]) {
    super(detail)
    this.problem = errors === undefined ? { code, detail } : { code, detail, errors: errors.slice(0, MAX_FAULTS) }
  }
}

/** A refusal of one place in the body. */
export function refuseAt(code: ProblemCode, path: readonly (string | number)[], detail: string): Refusal {
  const at = pointer(path)
  return new Refusal(code, at === '' ? detail : `${at}: ${detail}`, [{ pointer: at, detail }])
}

/** JSON pointer of a path. Long keys are cut, so that a refusal stays small whatever it refuses. */
export function pointer(path: readonly (string | number)[]): string {
  return path
    .slice(0, 16)
    .map((segment) => `/${excerpt(String(segment), 64).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('')
}

/** At most `length` characters of a client's text. */
export function excerpt(text: string, length = 48): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`
}

/** What came, for a message. Arrays and objects are only named: printing one costs as much as it is deep and large. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return JSON.stringify(excerpt(value))
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** The body of an `application/problem+json` answer (RFC 9457). */
export function problemDocument(problem: Problem, requestId: string, instance: string): Record<string, unknown> {
  const { status, title } = PROBLEMS[problem.code]
  return {
    type: `/problems/${problem.code}`,
    title,
    status,
    detail: problem.detail,
    instance: excerpt(instance, 256),
    code: problem.code,
    request_id: requestId,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
  }
}
