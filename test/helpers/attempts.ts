import fc from 'fast-check'
import { expect } from 'vitest'
import { evaluate, type OperationName } from '../../src/evaluate.ts'
import { losses } from '../../src/losses/index.ts'
import { PROBLEMS } from '../../src/problems.ts'
import { encode, engines } from './evaluate.ts'

/** More than this is never a refusal's size. */
const MAX_PROBLEM_CHARACTERS = 8000

export interface Attempt {
  readonly operation: OperationName
  readonly format: string
  readonly bytes: Uint8Array
}

const LOGITS = [
  [2, 1, 0.1],
  [0.5, -2.5e-3, -Infinity],
]

/** Bodies that are answered, with every field there is in some of them. */
const BODIES: readonly (readonly [OperationName, object])[] = [
  ...losses.map((loss) => ['loss', { loss: loss.name, ...loss.example }] as const),
  [
    'loss',
    { logits: LOGITS, targets: [0, -100], class_weights: [1, 2, 0], sample_weights: [1, 0.5], dtype: 'float64' },
  ],
  [
    'loss',
    { logits: LOGITS, targets: LOGITS.map(() => [0.5, 0.5, 0]), outputs: ['metrics', 'predictions'], normalizer: 3 },
  ],
  ['loss', { logits: [LOGITS], targets: [[0, 1]], mixup: { lam: [0.3], pairing: [0] }, prior: [0.2, 0.3, 0.5] }],
  ['loss', { logits: [LOGITS], targets: [[0, 1, 0]], class_axis: 1, encoding: 'base64', ignore_index: [1, 7] }],
  [
    'loss',
    {
      logits: { dtype: 'F16', shape: [1, 2], data: 'ADwAQA==' },
      targets: { dtype: 'I32', shape: [1], data: 'AQAAAA==' },
      label_smoothing: 0.1,
      smoothing: 'others',
    },
  ],
  ['targets', { targets: [0, 2], num_classes: 3, label_smoothing: 0.1, mixup: { lam: 0.3, pairing: 'roll' } }],
  ['equivalence', { logits: LOGITS, targets: [0, 1], label_smoothing: 0.1, reduction: 'sum' }],
  ['sweep', { logits: LOGITS, targets: [0, 1], parameter: 'label_smoothing', values: [0, 0.5] }],
  ['gradient-check', { logits: LOGITS, targets: [0, 1], samples: 3, step: 1e-4, seed: 2 }],
  ['smoothing/convert', { label_smoothing: 0.1, num_classes: 3, from: 'others', to: 'keras' }],
  ['calibration', { logits: LOGITS, targets: [0, 1], bins: 3 }],
]

const SNIPPETS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  'null',
  '-',
  '1e999',
  '1e39',
  'NaN',
  '"NaN"',
  '"-Infinity"',
  '"',
  '[[',
  '\u0000',
  'é',
  '-0',
  'true',
  '__proto__',
  '"shape":[4294967296]',
]

const snippet = fc.oneof(fc.constantFrom(...SNIPPETS), fc.string({ maxLength: 4 })).map((text) => Buffer.from(text))

/** A body after some cuts, insertions and changed bytes, each at a place in [0, 1) of it. */
const mutations = fc.array(
  fc.record({
    place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    cut: fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, fc.nat(200)),
    insert: fc.oneof(snippet, fc.uint8Array({ maxLength: 4 }), fc.constant(new Uint8Array())),
  }),
  { minLength: 1, maxLength: 4 },
)

function mutated(body: Uint8Array, changes: readonly { place: number; cut: number; insert: Uint8Array }[]): Uint8Array {
  return changes.reduce<Uint8Array>((bytes, { place, cut, insert }) => {
    const at = Math.floor(place * (bytes.length + 1))
    return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + cut)])
  }, body)
}

/** A safetensors container with the tensors of a small request. */
function container(): Uint8Array {
  const header = Buffer.from(
    JSON.stringify({
      __metadata__: { label_smoothing: '0.1', loss: losses[0]!.name },
      logits: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
      targets: { dtype: 'I64', shape: [2], data_offsets: [24, 40] },
    }),
  )
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const data = Buffer.alloc(40)
  for (let i = 0; i < 6; i++) data.writeFloatLE(i / 2, 4 * i)
  return Buffer.concat([length, header, data])
}

const anyBytes: fc.Arbitrary<Attempt> = fc.record({
  operation: fc.constantFrom<OperationName>(
    'loss',
    'targets',
    'equivalence',
    'sweep',
    'calibration',
    'gradient-check',
    'smoothing/convert',
  ),
  format: fc.constantFrom('json', 'safetensors'),
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json({ maxDepth: 3 }).map((text) => new TextEncoder().encode(text)),
  ),
})

const anyMutation: fc.Arbitrary<Attempt> = fc
  .record({
    body: fc.constantFrom<Attempt>(
      ...BODIES.map(([operation, body]) => ({ operation, format: 'json', bytes: encode(body) })),
      { operation: 'loss', format: 'safetensors', bytes: container() },
    ),
    changes: mutations,
  })
  .map(({ body, changes }) => ({ ...body, bytes: mutated(body.bytes, changes) }))

/** Fields whose values are those of other fields, of other types, or none at all. */
const anyFields: fc.Arbitrary<Attempt> = fc
  .record({
    body: fc.constantFrom(...BODIES),
    name: fc.constantFrom(...new Set(BODIES.flatMap(([, body]) => Object.keys(body)))),
    value: fc.oneof(
      fc.constantFrom(...BODIES.flatMap(([, body]) => Object.values(body) as unknown[])),
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom<unknown>(
        -1,
        0.5,
        2 ** 31,
        1e300,
        '',
        'NaN',
        [],
        [[]],
        [[[]]],
        {},
        null,
        [null],
        [['x']],
        [[1], [2, 3]],
      ),
    ),
  })
  .map(({ body: [operation, body], name, value }) => ({
    operation,
    format: 'json',
    bytes: encode({ ...body, [name]: value }),
  }))

export const attempts: readonly (readonly [what: string, arbitrary: fc.Arbitrary<Attempt>])[] = [
  ['any bytes', anyBytes],
  ['a valid body with bytes changed', anyMutation],
  ['a valid body with a field changed', anyFields],
]

/** An answer, or a problem of the table that is the client's to mend; anything else, and anything thrown, fails. */
export function expectAnswerOrProblem({ operation, format, bytes }: Attempt): void {
  const results = engines.map(
    (engine) => evaluate(engine, operation, bytes, { request: format, response: format }).result,
  )
  for (const result of results) {
    if (result.ok) {
      expect(result.bytes.length).toBeGreaterThan(0)
      if (format === 'json') JSON.parse(new TextDecoder().decode(result.bytes))
      continue
    }
    expect(PROBLEMS[result.problem.code].status).toBeLessThan(500)
    expect(JSON.stringify(result.problem).length).toBeLessThan(MAX_PROBLEM_CHARACTERS)
  }
  // Kernels of every kind see the same faults in the same places.
  const [first, ...others] = results.map((result) => (result.ok ? 'answer' : result.problem))
  for (const other of others) expect(other).toEqual(first)
}
