import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { evaluate, type OperationName } from '../src/evaluate.ts'
import { createEngine, type Engine } from '../src/kernels/engine.ts'
import { loadKernelModule } from '../src/kernels/load.ts'
import { losses } from '../src/losses/index.ts'
import { encode, evaluateBytes } from './helpers/evaluate.ts'
import { pack, tensor } from './helpers/safetensors.ts'

interface GoldenCase {
  readonly name: string
  readonly operation: OperationName
  readonly request: object
}

const cases = readdirSync('test/goldens')
  .filter((file) => file.endsWith('.json'))
  .flatMap((file) => JSON.parse(readFileSync(`test/goldens/${file}`, 'utf8')).cases as GoldenCase[])

describe('kernel memory', () => {
  test('shows nothing of an earlier request in an answer', () => {
    const clean = createEngine(loadKernelModule())
    const dirty = createEngine(loadKernelModule())
    for (const { name, operation, request } of cases) {
      const { memory, kernels } = dirty
      memory.u8(kernels.heapBase(), memory.byteLength - kernels.heapBase()).fill(0xff)
      const [expected, actual] = [clean, dirty].map((engine) => evaluateBytes(operation, encode(request), engine))
      expect(actual, name).toEqual(expected)
    }
  })

  test('does not grow from one small request to the next', () => {
    const engine = createEngine(loadKernelModule())
    const body = encode({ logits: [[1, 2, 3]], targets: [1] })
    evaluateBytes('loss', body, engine)
    const before = engine.memory.byteLength
    for (let i = 0; i < 1000; i++) evaluateBytes('loss', body, engine)
    expect(engine.memory.byteLength).toBe(before)
  })
})

/** An engine whose memory grows at each allocation, so that every view made before one is empty. */
function growingEngine(): Engine {
  const engine = createEngine(loadKernelModule())
  const { memory } = engine
  const allocate = memory.allocate.bind(memory)
  memory.allocate = (bytes) => {
    const pointer = allocate(bytes)
    memory.memory.grow(1)
    return pointer
  }
  return engine
}

/** Above this a new engine is made: memory never shrinks, and growing takes as long as it is large. */
const MAX_GROWN_BYTES = 8 * 2 ** 20
const KINK = { loss: 'multi_margin', logits: [[1, 0]], targets: [0] }

describe('memory that grows in the middle of a request', () => {
  const examples = losses.flatMap(({ name, example }) =>
    (['loss', 'gradient-check'] as const).map((operation) => ({
      name: `${operation} of ${name}`,
      operation,
      request: { loss: name, ...example },
    })),
  )

  test('changes nothing of any answer', () => {
    const engine = createEngine(loadKernelModule())
    let growing = growingEngine()
    const kink = { name: 'a kink', operation: 'gradient-check', request: KINK } as const
    for (const { name, operation, request } of [...cases, ...examples, kink]) {
      if (growing.memory.byteLength > MAX_GROWN_BYTES) growing = growingEngine()
      const body = encode(request)
      expect(evaluateBytes(operation, body, growing), name).toEqual(evaluateBytes(operation, body, engine))
    }
  }, 60_000)
})

describe('a body whose numbers make kernel memory grow', () => {
  // The text itself fits what there is at first.
  const rows = '[1.25,2.5],'.repeat(200_000)
  // A container's numbers are decoded to memory that is allocated for them.
  const zeros = { dtype: 'F64', shape: [125_000, 2], data: Buffer.alloc(2_000_000).toString('base64') }
  const STARTS: Record<string, readonly [start: string, fault: string]> = {
    'inside the matrix': [`{"logits":[${rows}`, 'x'],
    'behind a number': [`{"logits":[${rows}[1 `, '2]]}'],
    'behind the matrix': [`{"logits":[${rows}[1,2]],`, '}'],
    'behind a container': [`{"logits":${JSON.stringify(zeros)} `, 'x'],
  }

  test.each(Object.entries(STARTS))('has its fault named as in any other: %s', (_place, [start, fault]) => {
    const engine = createEngine(loadKernelModule())
    const before = engine.memory.byteLength
    const { result } = evaluate(engine, 'loss', Buffer.from(start + fault), { request: 'json', response: 'json' })
    expect(engine.memory.byteLength).toBeGreaterThan(before)
    const detail = `not JSON at byte ${start.length}: unexpected ${JSON.stringify(fault)}`
    expect(result).toMatchObject({ ok: false, problem: { code: 'json_invalid', detail } })
  })
})

/** A batch of random logits [512, 500]. */
const ROWS = 512
const CLASSES = 500
const PAGE_WORDS = 1024
/** What a block of rows takes while it is evaluated. */
const SCRATCH_BYTES = 65_536
const LOGITS = Float64Array.from({ length: ROWS * CLASSES }, (_, i) => Math.sin(i * i) * 10)
const TARGETS = Array.from({ length: ROWS }, (_, row) => row % CLASSES)

function jsonOf(numberOf: (logit: number) => number, fields: object = {}): Uint8Array {
  const logits = Array.from({ length: ROWS }, (_, row) =>
    Array.from(LOGITS.subarray(row * CLASSES, (row + 1) * CLASSES), numberOf),
  )
  return encode({ ...fields, logits, targets: TARGETS })
}

function containerOf(dtype: 'F32' | 'F64', metadata: Record<string, string>): Uint8Array {
  return pack(
    { logits: tensor(dtype, [ROWS, CLASSES], Array.from(LOGITS)), targets: tensor('I32', [ROWS], TARGETS) },
    metadata,
  )
}

const BODIES: Record<string, readonly [format: string, body: Uint8Array]> = {
  'JSON numbers of 7 digits': ['json', jsonOf((logit) => Number(logit.toPrecision(7)))],
  'JSON numbers of 17 digits as float64': ['json', jsonOf((logit) => logit, { dtype: 'float64' })],
  'base64 in JSON, both ways': [
    'json',
    encode({
      logits: {
        dtype: 'F32',
        shape: [ROWS, CLASSES],
        data: Buffer.from(Float32Array.from(LOGITS).buffer).toString('base64'),
      },
      targets: TARGETS,
      encoding: 'base64',
    }),
  ],
  'float32 safetensors': ['safetensors', containerOf('F32', {})],
  'float64 safetensors': ['safetensors', containerOf('F64', { dtype: 'float64' })],
}

/** Memory that has been written is resident; what was reserved and given back is not. */
function residentBytes({ memory }: Engine): number {
  const words = new Uint32Array(memory.memory.buffer)
  let pages = 0
  for (let at = 0; at < words.length; at += PAGE_WORDS)
    if (words.subarray(at, at + PAGE_WORDS).some((word) => word !== 0)) pages++
  return pages * PAGE_WORDS * words.BYTES_PER_ELEMENT
}

describe('the memory of a request', () => {
  test.each(Object.entries(BODIES))('is at most 4 times its body beside its answer: %s', (_name, [format, body]) => {
    const engine = createEngine(loadKernelModule())
    const before = residentBytes(engine)
    const { result } = evaluate(engine, 'loss', body, { request: format, response: format })
    expect(result.ok).toBe(true)
    expect(residentBytes(engine) - before).toBeLessThan(4 * body.length + SCRATCH_BYTES)
  })
})
