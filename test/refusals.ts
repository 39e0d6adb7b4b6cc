import type { Config } from '../src/config.ts'
import type { OperationName } from '../src/evaluate.ts'
import type { ProblemCode } from '../src/problems.ts'

/**
 * What has to be going on for a refusal that no single request can show by itself. `chunked` and `gzip` are ways to send the body, a
 * connection sends `bytes` as they are, the rest is the state of the server.
 */
export type Situation =
  | 'chunked'
  | 'gzip'
  | 'connection'
  | 'rate spent'
  | 'queue full'
  | 'worker busy'
  | 'slow headers'
  | 'slow body'
  | 'draining'

/** One request that is refused, and how. */
export interface RefusalCase {
  /** What is wrong, after the words "is refused:". */
  readonly name: string
  readonly operation?: OperationName
  /** Where it is no evaluation. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS'
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Text is sent as it is, an object as JSON. */
  readonly body?: string | object
  /** What a connection sends that is no request, or not yet one. */
  readonly bytes?: string
  /** How the server is configured, where that matters. */
  readonly server?: Partial<Config>
  readonly situation?: Situation
  readonly status: number
  readonly code: ProblemCode
  /** A place that `errors` names. */
  readonly pointer?: string
  /** Part of the detail of that place or, without one, of the problem. */
  readonly detail: string | RegExp
  /** Headers the answer has. */
  readonly answerHeaders?: Readonly<Record<string, string | RegExp>>
}

const logits = [
  [2, 1, 0.1],
  [0.5, 2.5, 0.3],
]
const probabilities = [
  [1, 0, 0],
  [0.2, 0.3, 0.5],
]
const tokens = [logits, logits]
/** [N, K, d1] = [1, 2, 3] */
const image = [logits]

/** A request that would be answered, with these fields put in. */
const request = (fields: object): object => ({ logits, targets: [0, 1], ...fields })

/** The same as text, for what JSON.stringify does not write. */
const text = (fields: string): string => `{"logits": [[2, 1, 0.1], [0.5, 2.5, 0.3]], "targets": [0, 1], ${fields}}`

const float32 = (...values: number[]): string => Buffer.from(Float32Array.from(values).buffer).toString('base64')

const container = { dtype: 'F32', shape: [2, 3], data: float32(2, 1, 0.1, 0.5, 2.5, 0.3) }

type Row = Omit<RefusalCase, 'status' | 'code'>

function group(code: ProblemCode, status: number, rows: readonly Row[]): RefusalCase[] {
  return rows.map((row) => ({ ...row, code, status }))
}

/** JSON values of every other type than the one a field takes. */
const values: Readonly<Record<string, unknown>> = {
  null: null,
  'a boolean': true,
  'a number': 5,
  'a string': 'five',
  'an array': [{}],
  'an object': { five: 5 },
}

function wrongTypes(
  field: string,
  taken: readonly string[],
  wrap: (value: unknown) => object = (value) => request({ [field.slice(1)]: value }),
): Row[] {
  return Object.entries(values)
    .filter(([kind]) => !taken.includes(kind))
    .map(([kind, value]) => ({
      name: `${kind} for ${field}`,
      body: wrap(value),
      pointer: field,
      detail: /^expected .*, got /,
    }))
}

const inMixup = (field: string) => (value: unknown) => request({ mixup: { lam: 0.5, [field]: value } })
const inSweep = (fields: object): object => request({ parameter: 'label_smoothing', values: [0, 0.1], ...fields })
const inTargets = (field: string) => (value: unknown) => ({ targets: [0, 1], num_classes: 3, [field]: value })

/** What a tensor field takes is an array or a container: of those the elements and the members are at fault. */
const TENSOR = ['an array', 'an object']

/**
 * Every refusal of the service for JSON. The tests send each of them, and `docs/errors.md` is made from them: what is not here is
 * not refused. The first of a code is its example in the documents.
 */
export const refusals: readonly RefusalCase[] = [
  ...group('json_invalid', 400, [
    {
      name: 'a body that breaks off',
      body: '{"logits": [[2, 1',
      detail: 'not JSON at byte 17: unexpected the end of the body',
    },
    { name: 'an empty body', body: '', detail: 'not JSON at byte 0: unexpected the end of the body' },
    { name: 'white space alone', body: ' \n\t', detail: 'not JSON at byte 3' },
    {
      name: 'an object that is not closed',
      body: '{"logits": [[2, 1]], "targets": [0]',
      detail: 'the end of the body',
    },
    {
      name: 'text behind the object',
      body: '{"logits": [[2, 1]], "targets": [0]} true',
      detail: 'not JSON at byte 37: unexpected "true"',
    },
    { name: 'two objects', body: '{}{}', detail: 'not JSON at byte 2' },
    {
      name: 'a bare NaN in a tensor',
      body: '{"logits": [[2, NaN]], "targets": [0]}',
      detail: /not JSON at byte 16: unexpected "NaN/,
    },
    {
      name: 'a bare Infinity in a tensor',
      body: '{"logits": [[2, Infinity]], "targets": [0]}',
      detail: 'not JSON at byte 16',
    },
    {
      name: 'a bare -Infinity in a tensor',
      body: '{"logits": [[2, -Infinity]], "targets": [0]}',
      detail: 'not JSON at byte 17',
    },
    { name: 'a bare NaN in a field', body: text('"label_smoothing": NaN'), detail: 'unexpected "NaN' },
    { name: 'single quotes', body: "{'logits': [[2, 1]]}", detail: 'not JSON at byte 1' },
    { name: 'a name without quotes', body: '{logits: [[2, 1]]}', detail: 'not JSON at byte 1' },
    { name: 'a comment', body: '{"logits": [[2, 1]], /* none */ "targets": [0]}', detail: 'not JSON at byte 21' },
    { name: 'a byte order mark', body: '\u{feff}{"logits": [[2, 1]], "targets": [0]}', detail: 'not JSON at byte 0' },
    {
      name: 'a comma behind the last field',
      body: '{"logits": [[2, 1]], "targets": [0],}',
      detail: 'not JSON at byte 36',
    },
    {
      name: 'a comma behind the last element',
      body: '{"logits": [[2, 1,]], "targets": [0]}',
      detail: 'not JSON at byte 18',
    },
    { name: 'a comma that is missing', body: '{"logits": [[2 1]], "targets": [0]}', detail: 'not JSON at byte 15' },
    { name: 'a colon that is missing', body: '{"logits" [[2, 1]]}', detail: 'not JSON at byte 10' },
    { name: 'brackets that do not match', body: '{"logits": [[2, 1}]', detail: 'not JSON at byte 17' },
    { name: 'a number with a leading zero', body: '{"logits": [[02, 1]]}', detail: 'not JSON at byte 14' },
    { name: 'a number with a plus', body: '{"logits": [[+2, 1]]}', detail: 'not JSON at byte 13' },
    { name: 'a number without digits before the point', body: '{"logits": [[.5, 1]]}', detail: 'not JSON at byte 13' },
    { name: 'a number without digits behind the point', body: '{"logits": [[5., 1]]}', detail: 'not JSON at byte 15' },
    { name: 'a number without an exponent', body: '{"logits": [[5e, 1]]}', detail: 'not JSON at byte 15' },
    { name: 'a hexadecimal number', body: '{"logits": [[0x1, 1]]}', detail: 'not JSON at byte 14' },
    { name: "Python's None", body: text('"prior": None'), detail: 'unexpected "None' },
    { name: 'a string that is not closed', body: '{"loss": "focal}', detail: 'the end of the body' },
    { name: 'a line break in a string', body: '{"loss": "cross\nentropy"}', detail: 'not JSON at byte 15' },
    { name: 'an escape that JSON lacks', body: '{"loss": "\\x"}', detail: 'not JSON at byte 11' },
    { name: 'half a Unicode escape', body: '{"loss": "\\u12"}', detail: 'not JSON at byte 14' },
    { name: 'a NUL byte', body: '\0{}', detail: 'not JSON at byte 0' },
    {
      name: 'an unknown field behind which the body breaks off',
      body: '{"x": 1, "logits": [[2',
      detail: 'the end of the body',
    },
    {
      name: 'a body that is not the gzip it says',
      headers: { 'content-encoding': 'gzip' },
      body: '{"logits": [[2, 1]]}',
      detail: 'the body is not valid gzip',
    },
  ]),

  ...group('http_invalid', 400, [
    {
      name: 'what is no request',
      situation: 'connection',
      bytes: 'hello\r\n\r\n',
      detail: 'expected HTTP/1.1: Invalid method encountered',
      answerHeaders: { connection: 'close' },
    },
    {
      name: 'a length that is no number',
      situation: 'connection',
      bytes: 'POST /loss HTTP/1.1\r\nHost: test\r\nContent-Length: ten\r\n\r\n',
      detail: 'expected HTTP/1.1: Invalid character in Content-Length',
      answerHeaders: { connection: 'close' },
    },
    {
      name: 'a piece of a body that has no size',
      situation: 'connection',
      bytes: [
        'POST /loss HTTP/1.1',
        'Host: test',
        'Content-Type: application/json',
        'Transfer-Encoding: chunked',
        '',
        'one',
        '{',
        '',
      ].join('\r\n'),
      detail: 'expected HTTP/1.1: Invalid character in chunk size',
      answerHeaders: { connection: 'close' },
    },
  ]),

  ...group('tensor_invalid', 400, [
    {
      name: 'a container with too few bytes',
      body: request({ logits: { ...container, shape: [2, 4] } }),
      pointer: '/logits/data',
      detail: 'expected 32 bytes for F32 [2, 4], got 24',
    },
    {
      name: 'a container with too many bytes',
      body: request({ logits: { ...container, shape: [2, 2] } }),
      pointer: '/logits/data',
      detail: 'expected 16 bytes for F32 [2, 2], got 24',
    },
    {
      name: 'an empty container',
      body: request({ logits: {} }),
      pointer: '/logits/dtype',
      detail: /^expected one of F16, BF16, F32, F64, .*, got nothing$/,
    },
    {
      name: 'a container of an unknown dtype',
      body: request({ logits: { ...container, dtype: 'F8_E4M3' } }),
      pointer: '/logits/dtype',
      detail: 'got "F8_E4M3"',
    },
    {
      name: 'a container whose dtype is in lower case',
      body: request({ logits: { ...container, dtype: 'f32' } }),
      pointer: '/logits/dtype',
      detail: 'got "f32"',
    },
    {
      name: 'a container whose dtype is a property of every object',
      body: request({ logits: { ...container, dtype: 'constructor' } }),
      pointer: '/logits/dtype',
      detail: 'got "constructor"',
    },
    {
      name: 'a container whose dtype is an array',
      body: request({ logits: { ...container, dtype: [[['F32']]] } }),
      pointer: '/logits/dtype',
      detail: 'got an array',
    },
    {
      name: 'a container without a shape',
      body: request({ logits: { dtype: 'F32', data: container.data } }),
      pointer: '/logits/shape',
      detail: 'expected an array of at most 8 lengths',
    },
    {
      name: 'a container whose shape is a number',
      body: request({ logits: { ...container, shape: 6 } }),
      pointer: '/logits/shape',
      detail: 'lengths >= 0',
    },
    {
      name: 'a container with a negative length',
      body: request({ logits: { ...container, shape: [-2, -3] } }),
      pointer: '/logits/shape',
      detail: 'lengths >= 0',
    },
    {
      name: 'a container with a fractional length',
      body: request({ logits: { ...container, shape: [1.5, 4] } }),
      pointer: '/logits/shape',
      detail: 'lengths >= 0',
    },
    {
      name: 'a container with a length that is no number',
      body: request({ logits: { ...container, shape: ['2', 3] } }),
      pointer: '/logits/shape',
      detail: 'lengths >= 0',
    },
    {
      name: 'a container of 9 dimensions',
      body: request({ logits: { ...container, shape: [2, 3, 1, 1, 1, 1, 1, 1, 1] } }),
      pointer: '/logits/shape',
      detail: 'at most 8',
    },
    {
      name: 'a container with lengths whose product overflows',
      body: request({ logits: { ...container, shape: [9007199254740991, 9007199254740991] } }),
      pointer: '/logits/data',
      detail: 'got 24',
    },
    {
      name: 'a container without data',
      body: request({ logits: { dtype: 'F32', shape: [2, 3] } }),
      pointer: '/logits/data',
      detail: 'expected padded base64',
    },
    {
      name: 'a container whose data are an array',
      body: request({ logits: { ...container, data: [2, 1] } }),
      pointer: '/logits/data',
      detail: 'expected padded base64',
    },
    {
      name: 'base64 without padding',
      body: request({ logits: { dtype: 'F32', shape: [1, 1], data: float32(1).replaceAll('=', '') } }),
      pointer: '/logits/data',
      detail: 'expected padded base64',
    },
    {
      name: 'base64 of the URL alphabet',
      body: request({ logits: { dtype: 'F32', shape: [1, 3], data: '-_-_-_-_-_-_-_-_' } }),
      pointer: '/logits/data',
      detail: 'expected padded base64',
    },
    {
      name: 'base64 with a line break',
      body: request({
        logits: { ...container, data: `${container.data.slice(0, 16)}\n\n\n\n${container.data.slice(16)}` },
      }),
      pointer: '/logits/data',
      detail: 'expected padded base64',
    },
    {
      name: 'base64 with padding inside',
      body: request({ logits: { ...container, data: `AA==${container.data.slice(4)}` } }),
      pointer: '/logits/data',
      detail: 'expected padded base64',
    },
    {
      name: 'a container with another member',
      body: request({ logits: { ...container, order: 'C' } }),
      pointer: '/logits/order',
      detail: 'dtype, shape and data',
    },
    {
      name: 'an object that is no container for targets',
      body: request({ targets: { class: 1 } }),
      pointer: '/targets/class',
      detail: 'dtype, shape and data',
    },
    {
      name: 'an object that is no container for class_weights',
      body: request({ class_weights: { 0: 1 } }),
      pointer: '/class_weights/0',
      detail: 'dtype, shape and data',
    },
    {
      name: 'a malformed container within mixup',
      body: request({ mixup: { lam: { dtype: 'F32', shape: [2], data: '' } } }),
      pointer: '/mixup/lam/data',
      detail: 'expected 8 bytes for F32 [2], got 0',
    },
    {
      name: 'a malformed container as ignore_index',
      body: request({ ignore_index: { dtype: 'I64', shape: [1], data: 'AAAA' } }),
      pointer: '/ignore_index/data',
      detail: 'expected 8 bytes for I64 [1], got 3',
    },
  ]),

  ...group('unauthorized', 401, [
    {
      name: 'a request without a key',
      server: { apiKeys: ['right'] },
      body: request({}),
      detail: 'expected a configured key as "Authorization: Bearer" or "X-Api-Key"',
      answerHeaders: { 'www-authenticate': 'Bearer' },
    },
    {
      name: 'a wrong bearer token',
      server: { apiKeys: ['right'] },
      headers: { authorization: 'Bearer wrong' },
      body: request({}),
      detail: 'expected a configured key',
    },
    {
      name: 'a wrong X-Api-Key',
      server: { apiKeys: ['right'] },
      headers: { 'x-api-key': 'wrong' },
      body: request({}),
      detail: 'expected a configured key',
    },
    {
      name: 'the beginning of a key',
      server: { apiKeys: ['right'] },
      headers: { 'x-api-key': 'righ' },
      body: request({}),
      detail: 'expected a configured key',
    },
    {
      name: 'a key in another scheme',
      server: { apiKeys: ['right'] },
      headers: { authorization: 'Basic right' },
      body: request({}),
      detail: 'expected a configured key',
    },
    {
      name: 'a key before anything else that is wrong',
      server: { apiKeys: ['right'] },
      headers: { 'content-type': 'text/plain' },
      body: 'x',
      detail: 'expected a configured key',
    },
  ]),

  ...group('not_found', 404, [
    {
      name: 'a path where there is nothing',
      method: 'POST',
      path: '/losss',
      body: request({}),
      detail: 'nothing is at POST /losss',
    },
    {
      name: 'a path below a path',
      method: 'GET',
      path: '/loss/cross_entropy',
      detail: 'nothing is at GET /loss/cross_entropy',
    },
    {
      name: 'a path with a slash at its end',
      method: 'POST',
      path: '/loss/',
      body: request({}),
      detail: 'nothing is at POST /loss/',
    },
    {
      name: 'a path that cannot be decoded',
      method: 'GET',
      path: '/losses/%zz',
      detail: 'nothing is at GET /losses/%zz',
    },
    {
      name: 'a path of 5,000 characters',
      method: 'GET',
      path: `/losses/${'x'.repeat(5000)}`,
      detail: /^nothing is at GET .{129}$/,
    },
    {
      name: 'a loss that there is not',
      method: 'GET',
      path: '/losses/hinge',
      detail: /^no loss is called "hinge"; there are cross_entropy, /,
    },
    {
      name: 'a kind of problem that there is not',
      method: 'GET',
      path: '/problems/teapot',
      detail: 'no problem is called "teapot"',
    },
    {
      name: 'a method no path takes, where there is nothing',
      method: 'PUT',
      path: '/nothing',
      body: request({}),
      detail: 'nothing is at PUT /nothing',
    },
  ]),

  ...group('method_not_allowed', 405, [
    {
      name: 'GET where a batch is posted',
      method: 'GET',
      path: '/loss',
      detail: '/loss takes POST, got GET',
      answerHeaders: { allow: 'POST' },
    },
    {
      name: 'PUT where a batch is posted',
      method: 'PUT',
      path: '/targets',
      body: request({}),
      detail: '/targets takes POST, got PUT',
      answerHeaders: { allow: 'POST' },
    },
    {
      name: 'OPTIONS where no origin is configured',
      method: 'OPTIONS',
      path: '/equivalence',
      detail: '/equivalence takes POST, got OPTIONS',
      answerHeaders: { allow: 'POST' },
    },
    {
      name: 'POST to the catalogue',
      method: 'POST',
      path: '/losses',
      body: request({}),
      detail: '/losses takes GET, HEAD, got POST',
      answerHeaders: { allow: 'GET, HEAD' },
    },
    {
      name: 'POST to the documentation',
      method: 'POST',
      path: '/docs',
      detail: '/docs takes GET, HEAD, got POST',
      answerHeaders: { allow: 'GET, HEAD' },
    },
    {
      name: 'DELETE of a loss',
      method: 'DELETE',
      path: '/losses/cross_entropy',
      detail: 'takes GET, HEAD, got DELETE',
      answerHeaders: { allow: 'GET, HEAD' },
    },
  ]),

  ...group('not_acceptable', 406, [
    {
      name: 'an Accept of web pages alone',
      headers: { accept: 'text/html' },
      body: request({}),
      detail: /^answers are application\/json.*accepted is only text\/html$/,
    },
    {
      name: 'an Accept that rules JSON out',
      headers: { accept: 'application/json;q=0' },
      body: request({}),
      detail: 'accepted is only application/json;q=0',
    },
    {
      name: 'an Accept of thousands of characters',
      headers: { accept: `application/x-${'y'.repeat(5000)}` },
      body: request({}),
      detail: /accepted is only .{49}$/,
    },
  ]),

  ...group('request_timeout', 408, [
    {
      name: 'headers that come too slowly',
      situation: 'slow headers',
      bytes: 'POST /loss HTTP/1.1\r\nHost: te',
      detail: 'expected a whole request in the time that is given for one',
      answerHeaders: { connection: 'close' },
    },
  ]),

  ...group('body_too_large', 413, [
    {
      name: 'a declared length over the limit',
      server: { maxBodyBytes: 1024 },
      body: text(`"x": "${'y'.repeat(1024)}"`),
      detail: 'expected at most 1024 bytes',
    },
    {
      name: 'more bytes than the limit in chunks',
      server: { maxBodyBytes: 1024 },
      situation: 'chunked',
      body: text(`"x": "${'y'.repeat(1024)}"`),
      detail: 'expected at most 1024 bytes',
    },
    {
      name: 'a small body that decompresses to more than the limit',
      server: { maxBodyBytes: 1024 },
      situation: 'gzip',
      body: text(`"x": "${'y'.repeat(1024)}"`),
      detail: 'expected at most 1024 bytes',
    },
  ]),

  ...group('media_type_unsupported', 415, [
    {
      name: 'plain text',
      headers: { 'content-type': 'text/plain' },
      body: request({}),
      detail: /^expected application\/json.*, got text\/plain$/,
    },
    { name: 'no Content-Type', headers: { 'content-type': '' }, body: request({}), detail: 'got no content-type' },
    {
      name: 'a form',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'logits=1',
      detail: 'got application/x-www-form-urlencoded',
    },
    { name: 'a Content-Type that is none', headers: { 'content-type': 'json' }, body: request({}), detail: 'got json' },
    {
      name: 'a Content-Type of thousands of characters',
      headers: { 'content-type': `text/${'y'.repeat(5000)}` },
      body: request({}),
      detail: /got .{49}$/,
    },
    {
      name: 'a Content-Encoding that is not read',
      headers: { 'content-encoding': 'compress' },
      body: request({}),
      detail: 'expected gzip, br, deflate or identity, got the content-encoding "compress"',
    },
  ]),

  ...group('validation_failed', 422, [
    {
      name: 'a value out of its range',
      body: request({ label_smoothing: 1.5 }),
      pointer: '/label_smoothing',
      detail: 'expected number to be <=1, got 1.5',
    },

    {
      name: 'an array instead of an object',
      body: [request({})],
      pointer: '',
      detail: 'expected an object with the fields of the request',
    },
    { name: 'a string instead of an object', body: '"cross_entropy"', pointer: '', detail: 'expected an object' },
    { name: 'a number instead of an object', body: '1', pointer: '', detail: 'expected an object' },
    { name: 'null instead of an object', body: 'null', pointer: '', detail: 'expected an object' },

    {
      name: 'an unknown field that is close to one',
      body: request({ label_smooting: 0.1 }),
      pointer: '/label_smooting',
      detail: 'unknown field; did you mean "label_smoothing"?',
    },
    {
      name: 'an unknown field in capitals',
      body: request({ Targets: [0, 1] }),
      pointer: '/Targets',
      detail: 'did you mean "targets"?',
    },
    {
      name: 'an unknown field like no other',
      body: request({ learning_rate: 0.1 }),
      pointer: '/learning_rate',
      detail: /^unknown field$/,
    },
    {
      name: 'an unknown field with slash and tilde',
      body: request({ 'a/b~c': 1 }),
      pointer: '/a~1b~0c',
      detail: 'unknown field',
    },
    { name: 'an unknown field without a name', body: request({ '': 1 }), pointer: '/', detail: 'unknown field' },
    {
      name: 'an unknown field called __proto__',
      body: text('"__proto__": {"loss": "nll"}'),
      pointer: '/__proto__',
      detail: 'unknown field',
    },
    {
      name: 'an unknown field called __proto__ that is given twice',
      body: text('"__proto__": 1, "__proto__": {"loss": "nll"}'),
      pointer: '/__proto__',
      detail: 'unknown field',
    },
    {
      name: 'an unknown field within mixup',
      body: request({ mixup: { lam: 0.5, paring: 'flip' } }),
      pointer: '/mixup/paring',
      detail: 'unknown field; did you mean "pairing"?',
    },
    {
      name: 'a field of the losses given to /targets',
      operation: 'targets',
      body: inTargets('reduction')('sum'),
      pointer: '/reduction',
      detail: 'unknown field',
    },
    {
      name: 'logits given to /targets',
      operation: 'targets',
      body: { logits, targets: [0, 1], num_classes: 3 },
      pointer: '/logits',
      detail: 'unknown field',
    },
    {
      name: 'num_classes given to a loss',
      body: request({ num_classes: 3 }),
      pointer: '/num_classes',
      detail: 'unknown field',
    },
    {
      name: 'another loss for /equivalence',
      operation: 'equivalence',
      body: request({ loss: 'nll' }),
      pointer: '/loss',
      detail: 'expected "cross_entropy", got "nll"',
    },

    {
      name: 'outputs given to /sweep',
      operation: 'sweep',
      body: inSweep({ outputs: ['loss'] }),
      pointer: '/outputs',
      detail: '/sweep does not take it; /loss does',
    },
    {
      name: 'the scores of another loss given to /sweep',
      operation: 'sweep',
      body: inSweep({ log_probabilities: logits }),
      pointer: '/log_probabilities',
      detail: 'cross_entropy does not take it; nll does',
    },
    {
      name: 'a misspelt loss for /sweep',
      operation: 'sweep',
      body: inSweep({ loss: 'cross_entrpy' }),
      pointer: '/loss',
      detail: 'did you mean "cross_entropy"?',
    },
    {
      name: 'a sweep of nothing',
      operation: 'sweep',
      body: request({ values: [0] }),
      pointer: '/parameter',
      detail: /^.*"label_smoothing".*, got nothing$/,
    },
    {
      name: 'a sweep along what is no number',
      operation: 'sweep',
      body: inSweep({ parameter: 'reduction' }),
      pointer: '/parameter',
      detail: /"label_smoothing".*, got "reduction"/,
    },
    {
      name: 'a sweep without values',
      operation: 'sweep',
      body: request({ parameter: 'label_smoothing' }),
      pointer: '/values',
      detail: 'expected a tensor [V], got nothing',
    },
    {
      name: 'a sweep along no values',
      operation: 'sweep',
      body: inSweep({ values: [] }),
      pointer: '/values',
      detail: 'expected 1 to 1000 values, got shape [0]',
    },
    {
      name: 'a sweep along a matrix',
      operation: 'sweep',
      body: inSweep({ values: [[0, 1]] }),
      pointer: '/values',
      detail: 'expected 1 to 1000 values, got shape [1, 2]',
    },
    {
      name: 'a sweep along too many values',
      operation: 'sweep',
      body: inSweep({ values: Array.from({ length: 1001 }, () => 0) }),
      pointer: '/values',
      detail: 'expected 1 to 1000 values, got shape [1001]',
    },
    {
      name: 'a value of a sweep that is out of range',
      operation: 'sweep',
      body: inSweep({ values: [0, 0.1, 1.5] }),
      pointer: '/values/2',
      detail: 'expected number to be <=1, got 1.5',
    },
    {
      name: 'a value of a sweep that is no number',
      operation: 'sweep',
      body: inSweep({ values: [0, 'half'] }),
      pointer: '/values/1',
      detail: 'expected a number, got the string "half"',
    },
    {
      name: 'NaN among the values of a sweep',
      operation: 'sweep',
      body: inSweep({ values: ['NaN'] }),
      pointer: '/values/0',
      detail: 'got NaN',
    },
    {
      name: 'a sweep that reduces nothing',
      operation: 'sweep',
      body: inSweep({ reduction: 'none' }),
      pointer: '/reduction',
      detail: /"mean".*"sum".*, got "none"/,
    },
    {
      name: 'a normalizer of a sum along a sweep',
      operation: 'sweep',
      body: inSweep({ reduction: 'sum', normalizer: 4 }),
      pointer: '/normalizer',
      detail: 'applies to reduction "mean" only, got "sum"',
    },
    {
      name: 'a sweep of more work than a small body may ask for',
      operation: 'sweep',
      body: {
        loss: 'nll',
        log_probabilities: { dtype: 'U8', shape: [600, 500], data: Buffer.alloc(300_000).toString('base64') },
        targets: { dtype: 'U8', shape: [600], data: Buffer.alloc(600).toString('base64') },
        parameter: 'label_smoothing',
        values: Array.from({ length: 1000 }, () => 0),
      },
      pointer: '/values',
      detail: 'expected at most 894 values for 600 rows of 500 classes, got 1000',
    },

    {
      name: 'outputs given to /gradient-check',
      operation: 'gradient-check',
      body: request({ outputs: ['gradients'] }),
      pointer: '/outputs',
      detail: '/gradient-check does not take it; /loss does',
    },
    {
      name: 'a normalizer of a sum whose gradient is checked',
      operation: 'gradient-check',
      body: request({ reduction: 'sum', normalizer: 4 }),
      pointer: '/normalizer',
      detail: 'applies to reduction "mean" only, got "sum"',
    },
    {
      name: 'no samples of a gradient',
      operation: 'gradient-check',
      body: request({ samples: 0 }),
      pointer: '/samples',
      detail: 'expected number to be >=1, got 0',
    },
    {
      name: 'more samples of a gradient than are taken',
      operation: 'gradient-check',
      body: request({ samples: 4097 }),
      pointer: '/samples',
      detail: 'expected number to be <=4096, got 4097',
    },
    {
      name: 'a step of a difference that is none',
      operation: 'gradient-check',
      body: request({ step: 0 }),
      pointer: '/step',
      detail: /^expected number to be >=.*, got 0$/,
    },
    {
      name: 'a step of a difference that is too long',
      operation: 'gradient-check',
      body: request({ step: 2 }),
      pointer: '/step',
      detail: 'expected number to be <=1, got 2',
    },
    {
      name: 'a seed below 0',
      operation: 'gradient-check',
      body: request({ seed: -1 }),
      pointer: '/seed',
      detail: 'expected number to be >=0, got -1',
    },
    {
      name: 'a check of more work than a small body may ask for',
      operation: 'gradient-check',
      body: {
        logits: { dtype: 'U8', shape: [1, 20_000], data: Buffer.alloc(20_000).toString('base64') },
        targets: [0],
        samples: 4096,
      },
      pointer: '/samples',
      detail: 'expected at most 3355 samples of rows of 20000 classes, got 4096',
    },
    {
      name: 'a preset that there is not',
      body: request({ preset: 'jax' }),
      pointer: '/preset',
      detail: /"pytorch".*"tensor2tensor".*, got "jax"/,
    },
    {
      name: 'a preset that gives a prior no meaning',
      body: request({ preset: 'fairseq', prior: [0.5, 0.25, 0.25] }),
      pointer: '/smoothing',
      detail: 'with a prior only "uniform" has a meaning',
    },
    {
      name: 'a preset given to /targets',
      operation: 'targets',
      body: inTargets('preset')('timm'),
      pointer: '/preset',
      detail: 'unknown field',
    },
    {
      name: 'a convention to convert to that there is not',
      operation: 'smoothing/convert',
      body: { label_smoothing: 0.1, num_classes: 10, from: 'uniform', to: 'linear' },
      pointer: '/to',
      detail: /"uniform".*"others".*"half".*"pytorch".*, got "linear"/,
    },
    {
      name: 'a factor to convert without the number of classes',
      operation: 'smoothing/convert',
      body: { label_smoothing: 0.1, from: 'uniform', to: 'others' },
      pointer: '/num_classes',
      detail: 'got nothing',
    },
    {
      name: 'a factor to convert that is out of range',
      operation: 'smoothing/convert',
      body: { label_smoothing: 1.1, num_classes: 10, from: 'uniform', to: 'others' },
      pointer: '/label_smoothing',
      detail: 'expected number to be <=1, got 1.1',
    },
    {
      name: '"others" of one class to convert from',
      operation: 'smoothing/convert',
      body: { label_smoothing: 0.1, num_classes: 1, from: 'fairseq', to: 'uniform' },
      pointer: '/from',
      detail: '"others" needs at least 2 classes, got 1',
    },
    {
      name: 'targets to convert',
      operation: 'smoothing/convert',
      body: { label_smoothing: 0.1, num_classes: 3, from: 'uniform', to: 'others', targets: [0] },
      pointer: '/targets',
      detail: 'unknown field',
    },
    {
      name: 'bins of a calibration that are none',
      operation: 'calibration',
      body: request({ bins: 0 }),
      pointer: '/bins',
      detail: 'expected number to be >=1, got 0',
    },
    {
      name: 'more bins than a calibration has',
      operation: 'calibration',
      body: request({ bins: 1001 }),
      pointer: '/bins',
      detail: 'expected number to be <=1000, got 1001',
    },
    {
      name: 'part of a bin',
      operation: 'calibration',
      body: request({ bins: 1.5 }),
      pointer: '/bins',
      detail: 'expected int, got 1.5',
    },
    {
      name: 'a field of the losses given to /calibration',
      operation: 'calibration',
      body: request({ label_smoothing: 0.1 }),
      pointer: '/label_smoothing',
      detail: 'unknown field',
    },

    {
      name: 'a misspelt loss',
      body: request({ loss: 'cross_entrpy' }),
      pointer: '/loss',
      detail: /^expected one of cross_entropy, .*, got "cross_entrpy"; did you mean "cross_entropy"\?$/,
    },
    {
      name: 'a loss like no other',
      body: request({ loss: 'constructor' }),
      pointer: '/loss',
      detail: /got "constructor"$/,
    },
    { name: 'null for /loss', body: request({ loss: null }), pointer: '/loss', detail: /got null$/ },
    { name: 'an array for /loss', body: request({ loss: ['nll'] }), pointer: '/loss', detail: /got an array$/ },

    {
      name: 'a request without logits',
      body: { targets: [0, 1] },
      pointer: '/logits',
      detail: 'expected a tensor [N, K], got nothing',
    },
    {
      name: 'a request without targets',
      body: { logits },
      pointer: '/targets',
      detail: 'expected a tensor [N] or [N, K], got nothing',
    },
    { name: 'an empty object', body: {}, pointer: '/targets', detail: 'got nothing' },
    {
      name: 'targets without num_classes',
      operation: 'targets',
      body: { targets: [0, 1] },
      pointer: '/num_classes',
      detail: 'got nothing',
    },
    {
      name: 'log-probabilities given to cross_entropy',
      body: { log_probabilities: logits, targets: [0, 1] },
      pointer: '/log_probabilities',
      detail: 'cross_entropy does not take it; nll does',
    },
    {
      name: 'logits given to nll',
      body: request({ loss: 'nll' }),
      pointer: '/logits',
      detail: /^nll does not take it; cross_entropy, .* do$/,
    },
    {
      name: 'nll without log-probabilities',
      body: request({ loss: 'nll' }),
      pointer: '/log_probabilities',
      detail: 'got nothing',
    },

    ...wrongTypes('/logits', TENSOR),
    ...wrongTypes('/targets', TENSOR),
    ...wrongTypes('/class_weights', TENSOR),
    ...wrongTypes('/sample_weights', TENSOR),
    ...wrongTypes('/prior', TENSOR),
    ...wrongTypes('/ignore_index', ['a number', ...TENSOR]),
    ...wrongTypes('/class_axis', []),
    ...wrongTypes('/label_smoothing', ['a number']),
    ...wrongTypes('/smoothing', []),
    ...wrongTypes('/reduction', []),
    ...wrongTypes('/normalizer', ['a number']),
    ...wrongTypes('/mixup', ['an object']),
    ...wrongTypes('/mixup/lam', ['a number', ...TENSOR], inMixup('lam')),
    ...wrongTypes('/mixup/pairing', TENSOR, inMixup('pairing')),
    ...wrongTypes('/dtype', []),
    ...wrongTypes('/outputs', ['an array']),
    {
      name: 'an output made like a tensor in memory',
      body: request({ outputs: [{ pointer: 8, as: 1, shape: [1], dtype: 'F32' }] }),
      pointer: '/outputs/0',
      detail: 'got an object',
    },
    {
      name: 'a field made like the fault of a tensor',
      body: request({ dtype: { fault: 'overloaded', path: [], detail: 'as the client says' } }),
      pointer: '/dtype',
      detail: 'got an object',
    },
    ...wrongTypes('/encoding', []),
    ...wrongTypes('/num_classes', ['a number'], inTargets('num_classes')).map((row) => ({
      ...row,
      operation: 'targets' as const,
    })),

    {
      name: 'a string that looks like a number',
      body: request({ label_smoothing: '0.1' }),
      pointer: '/label_smoothing',
      detail: 'expected number, got "0.1"',
    },
    {
      name: 'the string for NaN where no NaN has a meaning',
      body: request({ label_smoothing: 'NaN' }),
      pointer: '/label_smoothing',
      detail: 'got "NaN"',
    },
    {
      name: 'the string for Infinity where it has no meaning',
      body: request({ normalizer: 'Infinity' }),
      pointer: '/normalizer',
      detail: 'got "Infinity"',
    },
    {
      name: 'a smoothing below 0',
      body: request({ label_smoothing: -0.5 }),
      pointer: '/label_smoothing',
      detail: 'expected number to be >=0, got -0.5',
    },
    {
      name: 'a smoothing that is no number of float64',
      body: text('"label_smoothing": 1e999'),
      pointer: '/label_smoothing',
      detail: 'got Infinity',
    },
    {
      name: 'a smoothing out of range for /targets',
      operation: 'targets',
      body: inTargets('label_smoothing')(2),
      pointer: '/label_smoothing',
      detail: 'got 2',
    },
    {
      name: 'a smoothing out of range for /equivalence',
      operation: 'equivalence',
      body: request({ label_smoothing: 2 }),
      pointer: '/label_smoothing',
      detail: 'got 2',
    },
    {
      name: 'a convention of smoothing that there is not',
      body: request({ smoothing: 'keras' }),
      pointer: '/smoothing',
      detail: /"uniform".*"others".*, got "keras"/,
    },
    {
      name: 'a reduction that there is not',
      body: request({ reduction: 'batchmean' }),
      pointer: '/reduction',
      detail: /"mean".*"sum".*"none".*, got "batchmean"/,
    },
    {
      name: 'a dtype that there is not',
      body: request({ dtype: 'float16' }),
      pointer: '/dtype',
      detail: /"float32".*"float64".*, got "float16"/,
    },
    {
      name: 'an encoding that there is not',
      body: request({ encoding: 'hex' }),
      pointer: '/encoding',
      detail: /"array".*"base64".*, got "hex"/,
    },
    {
      name: 'an output that there is not',
      body: request({ outputs: ['loss', 'hessian'] }),
      pointer: '/outputs/1',
      detail: 'got "hessian"',
    },
    {
      name: 'a number of hardest rows that are not asked for',
      body: request({ hardest: 5 }),
      pointer: '/hardest',
      detail: 'applies to the output "hardest_rows" only',
    },
    {
      name: 'more hardest rows than are given',
      body: request({ outputs: ['hardest_rows'], hardest: 1001 }),
      pointer: '/hardest',
      detail: 'expected number to be <=1000, got 1001',
    },
    {
      name: 'no hardest rows',
      body: request({ outputs: ['hardest_rows'], hardest: 0 }),
      pointer: '/hardest',
      detail: 'expected number to be >=1, got 0',
    },
    { name: 'no outputs', body: request({ outputs: [] }), pointer: '/outputs', detail: '>=1 items' },
    { name: 'a class axis of 0', body: request({ class_axis: 0 }), pointer: '/class_axis', detail: 'expected -1' },
    { name: 'a class axis of 2', body: request({ class_axis: 2 }), pointer: '/class_axis', detail: 'expected -1' },
    {
      name: 'a normalizer of 0',
      body: request({ normalizer: 0 }),
      pointer: '/normalizer',
      detail: 'expected number to be >0, got 0',
    },
    { name: 'a negative normalizer', body: request({ normalizer: -1 }), pointer: '/normalizer', detail: 'got -1' },
    {
      name: 'a normalizer that rounds to 0',
      body: text('"normalizer": 1e-400'),
      pointer: '/normalizer',
      detail: 'got 0',
    },
    {
      name: 'a normalizer that overflows',
      body: text('"normalizer": 1e400'),
      pointer: '/normalizer',
      detail: 'got Infinity',
    },
    {
      name: 'a normalizer with a sum',
      body: request({ normalizer: 2, reduction: 'sum' }),
      pointer: '/normalizer',
      detail: 'applies to reduction "mean" only, got "sum"',
    },
    {
      name: 'a normalizer with no reduction',
      body: request({ normalizer: 2, reduction: 'none' }),
      pointer: '/normalizer',
      detail: 'got "none"',
    },
    {
      name: 'a fractional ignore_index',
      body: request({ ignore_index: 1.5 }),
      pointer: '/ignore_index',
      detail: 'got 1.5',
    },
    {
      name: 'an ignore_index beyond the integers',
      body: request({ ignore_index: 1e300 }),
      pointer: '/ignore_index',
      detail: 'got 1e+300',
    },
    {
      name: 'a fractional ignore_index in a list',
      body: request({ ignore_index: [0, 1.5] }),
      pointer: '/ignore_index/1',
      detail: 'expected an integer, got 1.5',
    },
    {
      name: 'num_classes of 0',
      operation: 'targets',
      body: { targets: [0], num_classes: 0 },
      pointer: '/num_classes',
      detail: 'expected number to be >=1, got 0',
    },
    {
      name: 'negative num_classes',
      operation: 'targets',
      body: { targets: [0], num_classes: -3 },
      pointer: '/num_classes',
      detail: 'got -3',
    },
    {
      name: 'fractional num_classes',
      operation: 'targets',
      body: { targets: [0], num_classes: 2.5 },
      pointer: '/num_classes',
      detail: 'got 2.5',
    },
    {
      name: 'num_classes that no answer can hold',
      operation: 'targets',
      body: { targets: [0], num_classes: 1e9 },
      pointer: '/num_classes',
      detail: 'got 1000000000',
    },
    {
      name: 'rows times num_classes that no answer can hold',
      operation: 'targets',
      body: { targets: [0, 0], num_classes: 16777216 },
      pointer: '/num_classes',
      detail: 'expected at most 16777216 elements in the answer, got 2 rows of 16777216 classes',
    },

    {
      name: 'a number in logits that overflows float64',
      body: '{"logits": [[2, 1e999]], "targets": [0]}',
      pointer: '/logits/0/1',
      detail: 'expected a number that fits float32, got 1e999',
    },
    {
      name: 'a number in logits that overflows float64, asked for float64',
      body: '{"logits": [[2, -1e999]], "targets": [0], "dtype": "float64"}',
      pointer: '/logits/0/1',
      detail: 'expected a number that fits float64, got -1e999',
    },
    {
      name: 'a number in logits that overflows float32',
      body: request({ logits: [[1, 2, 1e39]], targets: [0] }),
      pointer: '/logits/0/2',
      detail: 'expected a number that fits float32, got 1e+39',
    },
    {
      name: 'a number in a float64 container that overflows float32',
      body: request({
        logits: { dtype: 'F64', shape: [1, 2], data: Buffer.from(Float64Array.of(1, 1e39).buffer).toString('base64') },
        targets: [0],
      }),
      pointer: '/logits/0/1',
      detail: 'expected a number that fits float32, got 1e+39',
    },
    {
      name: 'a string in logits',
      body: request({ logits: [[1, 2, '3']], targets: [0] }),
      pointer: '/logits/0/2',
      detail: 'expected a number, got the string "3"',
    },
    {
      name: 'a misspelt NaN in logits',
      body: request({ logits: [[1, 'nan', 3]], targets: [0] }),
      pointer: '/logits/0/1',
      detail: 'got the string "nan"',
    },
    {
      name: 'a misspelt Infinity in logits',
      body: request({ logits: [[1, '+Infinity', 3]], targets: [0] }),
      pointer: '/logits/0/1',
      detail: 'got the string "+Infinity"',
    },
    {
      name: 'null in logits',
      body: request({ logits: [[1, null, 3]], targets: [0] }),
      pointer: '/logits/0/1',
      detail: 'expected a number, got null',
    },
    {
      name: 'a boolean in logits',
      body: request({
        logits: [
          [1, 2, 3],
          [1, 2, false],
        ],
      }),
      pointer: '/logits/1/2',
      detail: 'expected a number, got false',
    },
    {
      name: 'an object in logits',
      body: request({ logits: [[1, 2, 3], { 0: 1 }] }),
      pointer: '/logits/1',
      detail: 'expected a number, got an object',
    },
    {
      name: 'a string in targets',
      body: request({ targets: [0, 'cat'] }),
      pointer: '/targets/1',
      detail: 'got the string "cat"',
    },
    {
      name: 'null in class_weights',
      body: request({ class_weights: [1, null, 1] }),
      pointer: '/class_weights/1',
      detail: 'got null',
    },

    {
      name: 'a fractional class',
      body: request({ targets: [0, 1.5] }),
      pointer: '/targets/1',
      detail: 'expected an integer class index, got 1.5',
    },
    {
      name: 'NaN for a class',
      body: request({ targets: ['NaN', 1] }),
      pointer: '/targets/0',
      detail: 'expected an integer class index, got NaN',
    },
    {
      name: 'Infinity for a class',
      body: request({ targets: [0, 'Infinity'] }),
      pointer: '/targets/1',
      detail: 'got Infinity',
    },
    {
      name: 'a fractional class of a token',
      body: {
        logits: tokens,
        targets: [
          [0, 1],
          [0, 0.5],
        ],
      },
      pointer: '/targets/1/1',
      detail: 'got 0.5',
    },

    {
      name: 'ignore_index with probabilities',
      body: request({ targets: probabilities, ignore_index: 1 }),
      pointer: '/ignore_index',
      detail: 'applies to class indices',
    },
    {
      name: 'the default ignore_index with probabilities',
      body: request({ targets: probabilities, ignore_index: -100 }),
      pointer: '/ignore_index',
      detail: 'applies to class indices',
    },
    {
      name: 'ignore_index with probabilities for /targets',
      operation: 'targets',
      body: { targets: probabilities, num_classes: 3, ignore_index: [1] },
      pointer: '/ignore_index',
      detail: 'applies to class indices',
    },
    {
      name: '"others" with one class',
      body: { logits: [[1], [2]], targets: [0, 0], smoothing: 'others' },
      pointer: '/smoothing',
      detail: '"others" needs at least 2 classes, got 1',
    },
    {
      name: '"others" with a prior',
      body: request({ smoothing: 'others', prior: [0.2, 0.3, 0.5] }),
      pointer: '/smoothing',
      detail: 'with a prior only "uniform" has a meaning',
    },
    {
      name: 'a prior that does not sum to 1',
      body: request({ prior: [0.2, 0.3, 0.4] }),
      pointer: '/prior',
      detail: /expected probabilities that sum to 1, got the sum 0\.9/,
    },
    {
      name: 'a negative probability in the prior',
      body: request({ prior: [-0.5, 1, 0.5] }),
      pointer: '/prior/0',
      detail: 'expected a probability in [0, 1], got -0.5',
    },
    { name: 'NaN in the prior', body: request({ prior: [0.5, 'NaN', 0.5] }), pointer: '/prior/1', detail: 'got NaN' },
    {
      name: 'a negative class weight',
      body: request({ class_weights: [1, -1, 1] }),
      pointer: '/class_weights/1',
      detail: 'expected a finite weight >= 0, got -1',
    },
    {
      name: 'an infinite class weight',
      body: request({ class_weights: [1, 1, 'Infinity'] }),
      pointer: '/class_weights/2',
      detail: 'got Infinity',
    },
    {
      name: 'NaN for a class weight',
      body: request({ class_weights: ['NaN', 1, 1] }),
      pointer: '/class_weights/0',
      detail: 'got NaN',
    },
    {
      name: 'a class weight that overflows',
      body: text('"class_weights": [1, 1, 1e999]'),
      pointer: '/class_weights/2',
      detail: 'got 1e999',
    },
    {
      name: 'a negative sample weight',
      body: request({ sample_weights: [1, -0.5] }),
      pointer: '/sample_weights/1',
      detail: 'expected a finite weight >= 0, got -0.5',
    },
    {
      name: 'a negative weight of a token',
      body: {
        logits: tokens,
        targets: [
          [0, 1],
          [0, 1],
        ],
        sample_weights: [
          [1, 1],
          [-1, 1],
        ],
      },
      pointer: '/sample_weights/1/0',
      detail: 'got -1',
    },
    {
      name: 'NaN for a sample weight',
      body: request({ sample_weights: ['NaN', 1] }),
      pointer: '/sample_weights/0',
      detail: 'got NaN',
    },

    { name: 'a mixup without lam', body: request({ mixup: {} }), pointer: '/mixup/lam', detail: 'got nothing' },
    {
      name: 'a lam above 1',
      body: request({ mixup: { lam: 1.5 } }),
      pointer: '/mixup/lam',
      detail: /^expected .*, got 1\.5$/,
    },
    { name: 'a lam below 0', body: request({ mixup: { lam: -0.1 } }), pointer: '/mixup/lam', detail: 'got -0.1' },
    {
      name: 'a lam of one entry above 1',
      body: request({ mixup: { lam: [0.5, 1.5] } }),
      pointer: '/mixup/lam/1',
      detail: 'expected a number in [0, 1], got 1.5',
    },
    {
      name: 'NaN for lam of one entry',
      body: request({ mixup: { lam: ['NaN', 0.5] } }),
      pointer: '/mixup/lam/0',
      detail: 'got NaN',
    },
    {
      name: 'a pairing that there is not',
      body: request({ mixup: { lam: 0.5, pairing: 'random' } }),
      pointer: '/mixup/pairing',
      detail: 'expected "flip", "roll" or the partner of each entry of the first axis',
    },
    {
      name: 'a partner behind the last entry',
      body: request({ mixup: { lam: 0.5, pairing: [0, 2] } }),
      pointer: '/mixup/pairing/1',
      detail: 'expected the index of an entry in [0, 1], got 2',
    },
    {
      name: 'a negative partner',
      body: request({ mixup: { lam: 0.5, pairing: [-1, 0] } }),
      pointer: '/mixup/pairing/0',
      detail: 'got -1',
    },
    {
      name: 'a fractional partner',
      body: request({ mixup: { lam: 0.5, pairing: [0.5, 0] } }),
      pointer: '/mixup/pairing/0',
      detail: 'got 0.5',
    },
    {
      name: 'a lam above 1 for /targets',
      operation: 'targets',
      body: inTargets('mixup')({ lam: 2 }),
      pointer: '/mixup/lam',
      detail: 'got 2',
    },
  ]),

  ...group('shape_mismatch', 422, [
    {
      name: 'targets of another length',
      body: request({ targets: [0, 1, 2] }),
      pointer: '/targets',
      detail: 'expected class indices of shape [2] or probabilities of shape [2, 3], got shape [3]',
    },
    {
      name: 'probabilities of another number of classes',
      body: request({
        targets: [
          [0.5, 0.5],
          [0.5, 0.5],
        ],
      }),
      pointer: '/targets',
      detail: 'got shape [2, 2]',
    },
    {
      name: 'one row of probabilities for a batch',
      body: request({ targets: [[1, 0, 0]] }),
      pointer: '/targets',
      detail: 'got shape [1, 3]',
    },
    {
      name: 'class indices in a column',
      body: request({ targets: [[0], [1]] }),
      pointer: '/targets',
      detail: 'got shape [2, 1]',
    },
    {
      name: 'targets two ranks below',
      body: { logits: tokens, targets: [0, 1] },
      pointer: '/targets',
      detail: 'expected class indices of shape [2, 2] or probabilities of shape [2, 2, 3], got shape [2]',
    },
    { name: 'no targets for a batch', body: request({ targets: [] }), pointer: '/targets', detail: 'got shape [0]' },
    {
      name: 'image targets while the classes are last',
      body: { logits: image, targets: [[0, 1, 0]] },
      pointer: '/targets',
      detail: 'expected class indices of shape [1, 2]',
    },
    {
      name: 'token targets while the classes are on axis 1',
      body: { logits: image, targets: [[0, 1]], class_axis: 1 },
      pointer: '/targets',
      detail: 'expected class indices of shape [1, 3]',
    },
    {
      name: 'logits of one dimension',
      body: { logits: [2, 1], targets: [0] },
      pointer: '/logits',
      detail: 'expected at least 2 dimensions [N, K], got shape [2]',
    },
    {
      name: 'logits without dimensions',
      body: { logits: { dtype: 'F32', shape: [], data: float32(1) }, targets: [0] },
      pointer: '/logits',
      detail: 'got shape []',
    },
    { name: 'an empty batch', body: { logits: [], targets: [] }, pointer: '/logits', detail: 'got shape [0]' },
    {
      name: 'an empty batch that names its classes',
      body: { logits: { dtype: 'F32', shape: [0, 3], data: '' }, targets: [] },
      pointer: '/logits',
      detail: 'expected at least one row and one class, got shape [0, 3]',
    },
    {
      name: 'a batch of no classes',
      body: { logits: [[], []], targets: [0, 0] },
      pointer: '/logits',
      detail: 'expected at least one row and one class, got shape [2, 0]',
    },
    {
      name: 'sequences of no tokens',
      body: { logits: [[], []], targets: [[], []] },
      pointer: '/logits',
      detail: 'got shape [2, 0]',
    },
    {
      name: 'more than 8 dimensions',
      body: { logits: [[[[[[[[[1]]]]]]]]], targets: [0] },
      pointer: '/logits/0/0/0/0/0/0/0/0',
      detail: 'expected at most 8 dimensions',
    },
    {
      name: 'a row that is too short',
      body: request({
        logits: [
          [1, 2, 3],
          [4, 5],
        ],
      }),
      pointer: '/logits/1',
      detail: 'expected 3 elements, as in the first row, got 2',
    },
    {
      name: 'a row that is too long',
      body: request({
        logits: [
          [1, 2],
          [4, 5, 6],
        ],
      }),
      pointer: '/logits/1',
      detail: 'expected 2 elements, as in the first row, got 3',
    },
    {
      name: 'an empty row',
      body: request({ logits: [[1, 2, 3], []] }),
      pointer: '/logits/1',
      detail: 'expected 3 elements, as in the first row, got 0',
    },
    {
      name: 'a ragged row of tokens',
      body: {
        logits: [
          logits,
          [
            [1, 2, 3],
            [1, 2],
          ],
        ],
        targets: [
          [0, 1],
          [0, 1],
        ],
      },
      pointer: '/logits/1/1',
      detail: 'expected 3 elements',
    },
    {
      name: 'sequences of different lengths',
      body: { logits: [logits, [[1, 2, 3]]], targets: [[0, 1], [0]] },
      pointer: '/logits/1',
      detail: 'expected 2 elements, as in the first row, got 1',
    },
    {
      name: 'a number where a row belongs',
      body: request({ logits: [[1, 2, 3], 4] }),
      pointer: '/logits/1',
      detail: 'expected an array, as in the first row, got a number',
    },
    {
      name: 'a row where a number belongs',
      body: request({
        logits: [
          [1, 2, 3],
          [4, [5], 6],
        ],
      }),
      pointer: '/logits/1/1',
      detail: 'expected a number, as in the first row, got an array',
    },
    {
      name: 'a row behind numbers',
      body: request({ logits: [1, [2]] }),
      pointer: '/logits/1',
      detail: 'expected a number, as in the first row, got an array',
    },
    {
      name: 'ragged probabilities',
      body: request({
        targets: [
          [1, 0, 0],
          [0, 1],
        ],
      }),
      pointer: '/targets/1',
      detail: 'expected 3 elements',
    },
    {
      name: 'too few class weights',
      body: request({ class_weights: [1, 2] }),
      pointer: '/class_weights',
      detail: 'expected one weight for each class, of shape [3], got shape [2]',
    },
    {
      name: 'class weights for each row',
      body: request({ class_weights: logits }),
      pointer: '/class_weights',
      detail: 'of shape [3], got shape [2, 3]',
    },
    {
      name: 'too many sample weights',
      body: request({ sample_weights: [1, 2, 3] }),
      pointer: '/sample_weights',
      detail: 'expected one weight for each row, of shape [2], got shape [3]',
    },
    {
      name: 'sample weights for each class',
      body: request({ sample_weights: logits }),
      pointer: '/sample_weights',
      detail: 'of shape [2], got shape [2, 3]',
    },
    {
      name: 'a prior of another number of classes',
      body: request({ prior: [0.5, 0.5] }),
      pointer: '/prior',
      detail: 'expected a distribution over the classes, of shape [3], got shape [2]',
    },
    {
      name: 'a prior for each row',
      body: request({ prior: probabilities }),
      pointer: '/prior',
      detail: 'got shape [2, 3]',
    },
    {
      name: 'a list of lists for ignore_index',
      body: request({ ignore_index: [[0], [1]] }),
      pointer: '/ignore_index',
      detail: 'of shape [2], got shape [2, 1]',
    },
    {
      name: 'too many lams',
      body: request({ mixup: { lam: [0.1, 0.2, 0.3] } }),
      pointer: '/mixup/lam',
      detail: 'expected one lam for each entry of the first axis, of shape [2], got shape [3]',
    },
    {
      name: 'too few partners',
      body: request({ mixup: { lam: 0.5, pairing: [0] } }),
      pointer: '/mixup/pairing',
      detail: 'expected one partner for each entry of the first axis, of shape [2], got shape [1]',
    },
    {
      name: 'lams of tokens',
      body: {
        logits: tokens,
        targets: [
          [0, 1],
          [0, 1],
        ],
        mixup: {
          lam: [
            [0.5, 0.5],
            [0.5, 0.5],
          ],
        },
      },
      pointer: '/mixup/lam',
      detail: 'of shape [2], got shape [2, 2]',
    },
    {
      name: 'no rows for /targets',
      operation: 'targets',
      body: { targets: [], num_classes: 3 },
      pointer: '/targets',
      detail: 'expected at least one row, got shape [0]',
    },
    {
      name: 'one class without a batch for /targets',
      operation: 'targets',
      body: { targets: { dtype: 'I32', shape: [], data: 'AAAAAA==' }, num_classes: 3 },
      pointer: '/targets',
      detail: 'expected at least one row, got shape []',
    },
    {
      name: 'probabilities of other classes than num_classes',
      operation: 'targets',
      body: { targets: probabilities, num_classes: 4 },
      pointer: '/targets',
      detail: 'expected 4 classes on axis 1, got shape [2, 3]',
    },
    {
      name: 'probabilities for /calibration',
      operation: 'calibration',
      body: { logits, targets: probabilities },
      pointer: '/targets',
      detail: 'expected class indices of shape [2], got shape [2, 3]',
    },
    {
      name: 'targets that do not fit for /equivalence',
      operation: 'equivalence',
      body: request({ targets: [0] }),
      pointer: '/targets',
      detail: 'got shape [1]',
    },
  ]),

  ...group('target_out_of_range', 422, [
    {
      name: 'the number of classes as a class',
      body: request({ targets: [0, 3] }),
      pointer: '/targets/1',
      detail: 'expected a class index in [0, 2] or an ignored index, got 3',
    },
    {
      name: 'a negative class that is not ignored',
      body: request({ targets: [-1, 1] }),
      pointer: '/targets/0',
      detail: 'got -1',
    },
    {
      name: 'the default of ignore_index where another is set',
      body: request({ targets: [-100, 1], ignore_index: -1 }),
      pointer: '/targets/0',
      detail: 'got -100',
    },
    {
      name: 'the default of ignore_index where none is',
      body: request({ targets: [-100, 1], ignore_index: [] }),
      pointer: '/targets/0',
      detail: 'got -100',
    },
    { name: 'a huge class', body: request({ targets: [0, 1e300] }), pointer: '/targets/1', detail: 'got 1e+300' },
    {
      name: 'a class that int32 would wrap into range',
      body: request({ targets: [0, 4294967296] }),
      pointer: '/targets/1',
      detail: 'got 4294967296',
    },
    {
      name: 'a class out of range in an I64 container',
      body: request({
        targets: { dtype: 'I64', shape: [2], data: Buffer.from(BigInt64Array.of(0n, 7n).buffer).toString('base64') },
      }),
      pointer: '/targets/1',
      detail: 'got 7',
    },
    {
      name: 'a class out of range of a token',
      body: {
        logits: tokens,
        targets: [
          [0, 1],
          [3, 1],
        ],
      },
      pointer: '/targets/1/0',
      detail: 'got 3',
    },
    {
      name: 'a class out of range of a pixel',
      body: { logits: image, targets: [[0, 1, 2]], class_axis: 1 },
      pointer: '/targets/0/2',
      detail: 'expected a class index in [0, 1] or an ignored index, got 2',
    },
    {
      name: 'a class out of range under mixup',
      body: request({ targets: [0, 3], mixup: { lam: 1 } }),
      pointer: '/targets/1',
      detail: 'got 3',
    },
    {
      name: 'a class out of range for /targets',
      operation: 'targets',
      body: { targets: [0, 3], num_classes: 3 },
      pointer: '/targets/1',
      detail: 'got 3',
    },
    {
      name: 'a class out of range for /calibration',
      operation: 'calibration',
      body: request({ targets: [0, 3] }),
      pointer: '/targets/1',
      detail: 'expected a class index in [0, 2] or an ignored index, got 3',
    },
    {
      name: 'a class out of range for /equivalence',
      operation: 'equivalence',
      body: request({ targets: [0, 3] }),
      pointer: '/targets/1',
      detail: 'got 3',
    },
  ]),

  ...group('targets_not_a_distribution', 422, [
    {
      name: 'probabilities that do not sum to 1',
      body: request({
        targets: [
          [1, 0, 0],
          [0.5, 0.25, 0.125],
        ],
      }),
      pointer: '/targets/1',
      detail: 'expected probabilities that sum to 1 within 0.001, got the sum 0.875',
    },
    {
      name: 'probabilities that sum to a little too much',
      body: request({
        targets: [
          [0.5, 0.502, 0],
          [1, 0, 0],
        ],
        dtype: 'float64',
      }),
      pointer: '/targets/0',
      detail: 'got the sum 1.002',
    },
    {
      name: 'a row of zeros',
      body: request({
        targets: [
          [1, 0, 0],
          [0, 0, 0],
        ],
      }),
      pointer: '/targets/1',
      detail: 'got the sum 0',
    },
    {
      name: 'a negative probability',
      body: request({
        targets: [
          [1, 0, 0],
          [-0.5, 1, 0.5],
        ],
      }),
      pointer: '/targets/1/0',
      detail: 'expected a probability in [0, 1], got -0.5',
    },
    {
      name: 'a probability above 1',
      body: request({
        targets: [
          [0, 2, 0],
          [1, 0, 0],
        ],
      }),
      pointer: '/targets/0/1',
      detail: 'got 2',
    },
    {
      name: 'NaN for a probability',
      body: request({
        targets: [
          [1, 0, 'NaN'],
          [1, 0, 0],
        ],
      }),
      pointer: '/targets/0/2',
      detail: 'got NaN',
    },
    {
      name: 'Infinity for a probability',
      body: request({
        targets: [
          [1, 0, 'Infinity'],
          [1, 0, 0],
        ],
      }),
      pointer: '/targets/0/2',
      detail: 'got Infinity',
    },
    {
      name: 'probabilities of a token that do not sum to 1',
      body: {
        logits: tokens,
        targets: [
          probabilities,
          [
            [1, 0, 0],
            [0.5, 0.5, 0.5],
          ],
        ],
      },
      pointer: '/targets/1/1',
      detail: 'got the sum 1.5',
    },
    {
      name: 'probabilities of a pixel that do not sum to 1',
      body: {
        logits: image,
        targets: [
          [
            [1, 1, 0.5],
            [0, 0, 0],
          ],
        ],
        class_axis: 1,
      },
      pointer: '/targets/0/0/2',
      detail: 'got the sum 0.5',
    },
    {
      name: 'a negative probability of a pixel',
      body: {
        logits: image,
        targets: [
          [
            [1, 1, 1],
            [0, 0, -1],
          ],
        ],
        class_axis: 1,
      },
      pointer: '/targets/0/1/2',
      detail: 'got -1',
    },
    {
      name: 'probabilities that do not sum to 1 for /targets',
      operation: 'targets',
      body: { targets: [[0.5, 0.25]], num_classes: 2 },
      pointer: '/targets/0',
      detail: 'got the sum 0.75',
    },
  ]),

  ...group('logits_not_finite', 422, [
    {
      name: 'NaN in logits',
      body: request({
        logits: [
          [1, 2, 3],
          [1, 'NaN', 3],
        ],
      }),
      pointer: '/logits/1/1',
      detail: 'expected a finite number or -Infinity, got NaN',
    },
    {
      name: 'Infinity in logits',
      body: request({
        logits: [
          ['Infinity', 2, 3],
          [1, 2, 3],
        ],
      }),
      pointer: '/logits/0/0',
      detail: 'got Infinity',
    },
    {
      name: 'a row of nothing but -Infinity',
      body: request({
        logits: [
          [1, 2, 3],
          ['-Infinity', '-Infinity', '-Infinity'],
        ],
      }),
      pointer: '/logits/1',
      detail: 'expected at least one class above -Infinity',
    },
    {
      name: 'NaN in logits, in float64',
      body: request({
        logits: [
          [1, 2, 3],
          [1, 2, 'NaN'],
        ],
        dtype: 'float64',
      }),
      pointer: '/logits/1/2',
      detail: 'got NaN',
    },
    {
      name: 'NaN in a container',
      body: request({ logits: { ...container, data: float32(1, 2, 3, 4, 5, Number.NaN) } }),
      pointer: '/logits/1/2',
      detail: 'got NaN',
    },
    {
      name: 'NaN in the logits of a token',
      body: {
        logits: [
          logits,
          [
            [1, 2, 3],
            [1, 2, 'NaN'],
          ],
        ],
        targets: [
          [0, 1],
          [0, 1],
        ],
      },
      pointer: '/logits/1/1/2',
      detail: 'got NaN',
    },
    {
      name: 'a token of nothing but -Infinity',
      body: { logits: [[[1, 2]], [['-Infinity', '-Infinity']]], targets: [[0], [1]] },
      pointer: '/logits/1/0',
      detail: 'at least one class above -Infinity',
    },
    {
      name: 'NaN in the logits of a pixel',
      body: {
        logits: [
          [
            [1, 2, 3],
            [1, 2, 'NaN'],
          ],
        ],
        targets: [[0, 1, 0]],
        class_axis: 1,
      },
      pointer: '/logits/0/1/2',
      detail: 'got NaN',
    },
    {
      name: 'NaN in the logits of the only pixel',
      body: { logits: [[[1], ['NaN']]], targets: [[0]], class_axis: 1 },
      pointer: '/logits/0/1/0',
      detail: 'got NaN',
    },
    {
      name: 'a pixel of nothing but -Infinity',
      body: {
        logits: [
          [
            [1, '-Infinity'],
            [1, '-Infinity'],
          ],
        ],
        targets: [[0, 0]],
        class_axis: 1,
      },
      pointer: '/logits/0/0/1',
      detail: 'at least one class above -Infinity',
    },
    {
      name: 'NaN in logits, with probabilities',
      body: request({
        logits: [
          [1, 'NaN', 3],
          [1, 2, 3],
        ],
        targets: probabilities,
      }),
      pointer: '/logits/0/1',
      detail: 'got NaN',
    },
    {
      name: 'NaN in logits of a row with sample weight 0',
      body: request({
        logits: [
          [1, 'NaN', 3],
          [1, 2, 3],
        ],
        sample_weights: [0, 1],
      }),
      pointer: '/logits/0/1',
      detail: 'got NaN',
    },
    {
      name: 'NaN in logits for label_smoothing_cross_entropy',
      body: request({
        loss: 'label_smoothing_cross_entropy',
        logits: [
          [1, 'NaN', 3],
          [1, 2, 3],
        ],
      }),
      pointer: '/logits/0/1',
      detail: 'got NaN',
    },
    {
      name: 'NaN in logits for soft_target_cross_entropy',
      body: request({
        loss: 'soft_target_cross_entropy',
        logits: [
          [1, 'NaN', 3],
          [1, 2, 3],
        ],
      }),
      pointer: '/logits/0/1',
      detail: 'got NaN',
    },
    {
      name: 'NaN in log-probabilities',
      body: { loss: 'nll', log_probabilities: [[-1, 'NaN']], targets: [0] },
      pointer: '/log_probabilities/0/1',
      detail: 'got NaN',
    },
    {
      name: 'NaN in logits for /sweep',
      operation: 'sweep',
      body: inSweep({
        logits: [
          [2, 1, 0],
          [0, 'NaN', 1],
        ],
      }),
      pointer: '/logits/1/1',
      detail: 'expected a finite number or -Infinity, got NaN',
    },
    {
      name: 'Infinity in logits for /gradient-check',
      operation: 'gradient-check',
      body: request({
        logits: [
          [2, 1, 'Infinity'],
          [0, 0, 0],
        ],
      }),
      pointer: '/logits/0/2',
      detail: 'expected a finite number or -Infinity, got Infinity',
    },
    {
      name: 'a row without a softmax for /calibration',
      operation: 'calibration',
      body: request({
        logits: [
          [2, 1, 0],
          ['-Infinity', '-Infinity', '-Infinity'],
        ],
      }),
      pointer: '/logits/1',
      detail: 'expected at least one class above -Infinity',
    },
    {
      name: 'NaN in logits for /equivalence',
      operation: 'equivalence',
      body: request({
        logits: [
          [1, 'NaN', 3],
          [1, 2, 3],
        ],
      }),
      pointer: '/logits/0/1',
      detail: 'got NaN',
    },
  ]),

  ...group('headers_too_large', 431, [
    {
      name: 'headers of 20,000 bytes',
      situation: 'connection',
      bytes: `GET /livez HTTP/1.1\r\nHost: test\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
      detail: 'expected at most 16384 bytes of headers',
      answerHeaders: { connection: 'close' },
    },
  ]),

  ...group('rate_limited', 429, [
    {
      name: 'a client over its rate',
      server: { rateLimit: 1 },
      situation: 'rate spent',
      body: request({}),
      detail: 'at most 1 requests a minute; try again in 1 minute',
      answerHeaders: { 'retry-after': /^\d+$/ },
    },
    {
      name: 'a client over its rate with a made-up key',
      server: { rateLimit: 1 },
      situation: 'rate spent',
      headers: { authorization: 'Bearer made-up' },
      body: request({}),
      detail: 'at most 1 requests a minute',
      answerHeaders: { 'retry-after': /^\d+$/ },
    },
    {
      name: 'a key over its rate, however it is spaced',
      server: { rateLimit: 1, apiKeys: ['right'] },
      situation: 'rate spent',
      headers: { authorization: 'Bearer   right' },
      body: request({}),
      detail: 'at most 1 requests a minute',
      answerHeaders: { 'retry-after': /^\d+$/ },
    },
  ]),

  ...group('overloaded', 503, [
    {
      name: 'a request while the queue is full',
      server: { maxQueue: 1, inlineMaxBytes: 0 },
      situation: 'queue full',
      body: request({}),
      detail: '1 requests are waiting already',
      answerHeaders: { 'retry-after': /^\d+$/ },
    },
  ]),

  ...group('draining', 503, [
    {
      name: 'a request while the server is shutting down',
      situation: 'draining',
      body: request({}),
      detail: 'the server is shutting down',
      answerHeaders: { 'retry-after': /^\d+$/, connection: 'close' },
    },
  ]),

  ...group('deadline_exceeded', 504, [
    {
      name: 'a request that waits longer than the client wants to',
      server: { inlineMaxBytes: 0 },
      situation: 'worker busy',
      headers: { 'x-request-timeout-ms': '20' },
      body: request({}),
      detail: 'not finished within 20 ms',
    },
    {
      name: 'a request that waits longer than the server allows',
      server: { inlineMaxBytes: 0, requestTimeoutMs: 20 },
      situation: 'worker busy',
      headers: { 'x-request-timeout-ms': '60000' },
      body: request({}),
      detail: 'not finished within 20 ms',
    },
    {
      name: 'a body that comes too slowly',
      situation: 'slow body',
      headers: { 'x-request-timeout-ms': '20' },
      body: request({}),
      detail: 'not finished within 20 ms',
    },
  ]),
]
