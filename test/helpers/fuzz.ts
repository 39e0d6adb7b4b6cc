import { expect } from 'vitest'
import { evaluate, type Formats, type OperationName } from '../../src/evaluate.ts'
import { createEngine, type Engine } from '../../src/kernels/engine.ts'
import { loadKernelModule } from '../../src/kernels/load.ts'
import { PROBLEMS } from '../../src/problems.ts'
import { randomOf } from './model.ts'

export interface Specimen {
  readonly operation: OperationName
  readonly formats: Formats
  readonly body: Uint8Array
}

/** What no request of a few hundred bytes may take, whatever its bytes are: an answer may be of 2^24 numbers. */
const MAX_MEMORY_BYTES = 2 ** 30

/** From LOSSD_FUZZ_SEED, or of this moment. */
export function fuzzSeed(): string {
  return process.env.LOSSD_FUZZ_SEED ?? String(Date.now() % 1e9)
}

/** Evaluates mutations of the specimens: each is answered or refused with a problem of the table, and the engine works on afterwards. */
export function fuzz(name: string, specimens: readonly Specimen[], runs: number, seed: string): void {
  process.stdout.write(`fuzzing ${name}: LOSSD_FUZZ_SEED=${seed}, ${runs} runs\n`)
  const random = randomOf(`${name} ${seed}`)
  const engine: Engine = createEngine(loadKernelModule())
  const answers = { ok: 0, refused: 0 }
  for (let run = 0; run < runs; run++) {
    const specimen = pick(random, specimens)
    const body = mutate(random, specimen.body)
    const formats = mutateHints(random, specimen.formats, body.length)
    try {
      const { result } = evaluate(engine, specimen.operation, body, formats)
      if (result.ok) answers.ok++
      else {
        answers.refused++
        if (!Object.hasOwn(PROBLEMS, result.problem.code) || result.problem.code === 'internal')
          throw new Error(`unknown problem ${result.problem.code}`)
        if (JSON.stringify(result.problem).length > 16_384) throw new Error('a refusal of more than 16 KiB')
      }
    } catch (error) {
      throw new Error(
        `run ${run}, seed ${seed}: ${specimen.operation} ${JSON.stringify(formats)} ${Buffer.from(body).toString('base64')}`,
        { cause: error },
      )
    }
  }
  expect(engine.memory.byteLength).toBeLessThanOrEqual(MAX_MEMORY_BYTES)
  // Mutations that were all refused, or all harmless, would have tested one path only.
  expect(answers.ok, 'answers').toBeGreaterThan(0)
  expect(answers.refused, 'refusals').toBeGreaterThan(0)
}

export type Random = () => number

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!
}

/** Pieces that mean something to one of the formats. */
const PIECES = [
  ...['{', '}', '[', ']', ',', ':', '"', '\\', ' ', '\u0000', '\ufeff', '-', '.', 'e', '0', '9'],
  ...['{"pointer":8,"as":1,"shape":[1,2],"dtype":"F32"}', '{"fault":"internal","path":[],"detail":"mine"}'],
  ...['null', 'true', '-1', '1e999', '1e39', '-0', '0.5', '9007199254740993', '18446744073709551616', '""', '[]', '{}'],
  ...[
    '"NaN"',
    '"-Infinity"',
    '"__proto__"',
    '"constructor"',
    '"logits"',
    '"targets"',
    '"mixup"',
    '"mixup.lam"',
    '"data"',
  ],
  ...[
    '"shape"',
    '"dtype"',
    '"float64"',
    '"F64"',
    '"BF16"',
    '"data_offsets"',
    '"__metadata__"',
    '"inputs"',
    '"outputs"',
  ],
  ...['"parameters"', '"datatype"', '"FP32"', '"INT64"', '"binary_data_size"', '"binary_data_output":true', '"none"'],
].map((piece) => Buffer.from(piece))

export function mutate(random: Random, body: Uint8Array): Uint8Array {
  let bytes = Buffer.from(body)
  for (let changes = Math.floor(random() * 4); changes >= 0; changes--) {
    const at = Math.floor(random() * (bytes.length + 1))
    const length = Math.floor(random() ** 3 * (bytes.length - at))
    const head = bytes.subarray(0, at)
    switch (Math.floor(random() * 7)) {
      case 0:
        if (at < bytes.length) bytes[at] = Math.floor(random() * 256)
        break
      case 1:
        bytes = Buffer.concat([head])
        break
      case 2:
        bytes = Buffer.concat([head, bytes.subarray(at + length)])
        break
      case 3:
        bytes = Buffer.concat([head, bytes.subarray(at, at + length), bytes.subarray(at)])
        break
      case 4:
        bytes = Buffer.concat([head, pick(random, PIECES), bytes.subarray(at)])
        break
      case 5:
        bytes = replaceDigits(random, bytes, at)
        break
      default:
        bytes = Buffer.concat([head, pick(random, PIECES), bytes.subarray(at + Math.min(length, 12))])
    }
  }
  return new Uint8Array(bytes)
}

/** The first number behind `at` becomes another one: sizes, shapes, offsets. */
function replaceDigits(random: Random, bytes: Buffer, at: number): Buffer<ArrayBuffer> {
  const text = bytes.toString('latin1')
  const found = /\d+/.exec(text.slice(at))
  if (!found) return Buffer.from(bytes)
  const start = at + found.index
  const value = Number(found[0])
  const other = pick(random, [value + 1, value - 1, value * 2, 0, 7, 2 ** 31, 2 ** 53, 1e21])
  return Buffer.from(text.slice(0, start) + other + text.slice(start + found[0].length), 'latin1')
}

function mutateHints(random: Random, formats: Formats, length: number): Formats {
  const { hints } = formats
  if (hints?.headerLength === undefined || random() < 0.7) return formats
  const headerLength = pick(random, [0, length, length + 1, hints.headerLength + 1, hints.headerLength - 1, 2 ** 40])
  return { ...formats, hints: { ...hints, headerLength } }
}
