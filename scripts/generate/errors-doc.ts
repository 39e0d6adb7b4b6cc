import { PROBLEMS, type Problem, type ProblemCode, problemDocument } from '../../src/problems.ts'
import { evaluateBytes } from '../../test/helpers/evaluate.ts'
import { type RefusalCase, refusals } from '../../test/refusals.ts'
import { GENERATED, table } from './markdown.ts'

const BYTE_ORDER_MARK = '\u{feff}'
/** Bodies longer than this are cut in the page. */
const LONGEST_BODY = 96

/** Every refusal the tests send, by code: what is asked, where the fault is, and what is answered. */
export function errorsDoc(): string {
  const codes = Object.keys(PROBLEMS) as ProblemCode[]
  return [
    GENERATED,
    '# Errors',
    'A refusal is an `application/problem+json` document (RFC 9457). Its `code` is stable; `errors` names at most ten places in the body as JSON pointers (RFC 6901), the first faults first; `request_id` is that of the `X-Request-Id` header and of the log. `GET /problems/{code}`, to which `type` leads, describes a code.',
    'A refusal is smaller than 8 kB, and takes no longer however many faults there are. Every line below is a request that the tests send.',
    table(
      ['status', 'code', 'title'],
      codes.map((code) => [String(PROBLEMS[code].status), `[\`${code}\`](#${code})`, PROBLEMS[code].title]),
    ),
    ...codes.map(section),
    '',
  ].join('\n\n')
}

function section(code: ProblemCode): string {
  const cases = refusals.filter((refusal) => refusal.code === code)
  const [example] = cases
  const { status, title } = PROBLEMS[code]
  return [
    `## ${code}`,
    `${status}. ${title}.`,
    example
      ? `${requestOf(example)} gives\n\n\`\`\`json\n${JSON.stringify(answerOf(example), undefined, 2)}\n\`\`\``
      : 'A bug of ours. Nothing of it leaves the process but the request id, under which the log has it.',
    ...(cases.length === 0 ? [] : [table(['refused', 'request', 'pointer', 'detail'], cases.map(row))]),
  ].join('\n\n')
}

function row(refusal: RefusalCase): string[] {
  const { pointer } = refusal
  return [refusal.name, requestOf(refusal), pointer === undefined ? '' : code(pointer), detailOf(refusal)]
}

/** Method, path, headers and body on one line. */
function requestOf({
  operation = 'loss',
  method = 'POST',
  path = `/${operation}`,
  headers,
  body,
  bytes,
  ...rest
}: RefusalCase): string {
  if (bytes !== undefined) return `${code(cut(bytes))} (${rest.situation})`
  const text = typeof body === 'object' ? JSON.stringify(body) : body
  const parts = [
    code(cut(`${method} ${path}`)),
    ...Object.entries(headers ?? {}).map(([name, value]) => code(cut(`${name}: ${value}`))),
    text === undefined ? '' : code(cut(text)),
    rest.situation === undefined ? '' : `(${rest.situation})`,
    rest.server === undefined ? '' : `with ${code(JSON.stringify(rest.server))}`,
  ]
  return parts.filter((part) => part !== '').join(' ')
}

function detailOf(refusal: RefusalCase): string {
  const { detail, errors } = problemOf(refusal)
  return cut(errors?.find(({ pointer }) => pointer === refusal.pointer)?.detail ?? detail, 200)
}

function answerOf(refusal: RefusalCase): Record<string, unknown> {
  const { operation = 'loss', path = `/${operation}`, bytes } = refusal
  return problemDocument(problemOf(refusal), 'c0ffee', bytes === undefined ? path : '')
}

/** What the pipeline says; of a refusal that HTTP itself makes, what the table says of it. */
function problemOf({ operation = 'loss', code, path, body, headers, server, situation, detail }: RefusalCase): Problem {
  const isPlain = path === undefined && !headers && !server && !situation && body !== undefined
  const bytes = new TextEncoder().encode(typeof body === 'object' ? JSON.stringify(body) : body)
  const result = isPlain ? evaluateBytes(operation, bytes) : undefined
  if (result && !result.ok) return result.problem
  return { code, detail: typeof detail === 'string' ? detail : readable(detail) }
}

/** A pattern without what makes it one. */
function readable({ source }: RegExp): string {
  return source
    .replace(/^\^|\$$/g, '')
    .replace(/\.\{\d+\}|\.\*/g, '…')
    .replaceAll('\\', '')
}

/** A code span; characters that cannot be seen are written as JSON escapes. */
function code(text: string): string {
  const visible = Array.from(text, (character) =>
    character < ' ' || character === BYTE_ORDER_MARK ? escaped(character) : character,
  ).join('')
  return visible === '' ? '(empty)' : `\`${visible}\``
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function cut(text: string, length = LONGEST_BODY): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`
}
