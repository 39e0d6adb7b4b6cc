import { describe, expect, test } from 'vitest'
import { REPORT_WORDS, Report } from '../src/kernels/contract.ts'
import type { Engine } from '../src/kernels/engine.ts'
import { createArena, isLent } from '../src/pool/arena.ts'
import { type CrewJob, help } from '../src/pool/crew.ts'
import { type ReadJob, withReaders } from '../src/pool/read-crew.ts'
import { ELEMENT_BYTES, viewOf } from '../src/wire/tensor.ts'
import { ANSWERS_TO_A_CALL, CAPACITY, countingEngine, crewEngine, newEngine } from './helpers/crew.ts'
import { fuzzSeed, mutate, pick } from './helpers/fuzz.ts'
import { randomOf } from './helpers/model.ts'

const FUZZ_RUNS = 3000

/** An arena lends nothing as small as that. */
function lendAnything(bytes: number): Uint8Array<SharedArrayBuffer> {
  const header = 16
  return new Uint8Array(new SharedArrayBuffer(header + bytes), header, bytes)
}

/** Shares whatever is longer than some numbers. */
function tinyCrew(call: (job: CrewJob) => void): Engine {
  const crew = { arena: { lend: lendAnything }, threads: 2, mayCall: () => true, call, patienceMs: 5 }
  return withReaders(newEngine(), crew, { least: 24, chunk: 16 })
}

const number = (i: number) => (Math.sin(i) * 10 ** ((i % 12) - 6)).toPrecision(9)

/** The text of a matrix, with `between` its rows. */
function matrix(rows: number, columns: number, between = ',', element: (i: number) => string = number): string {
  const row = (r: number) => `[${Array.from({ length: columns }, (_, k) => element(r * columns + k)).join(',')}]`
  return `[${Array.from({ length: rows }, (_, r) => row(r)).join(between)}]`
}

/** Everything that reading gives: the words of the report, as offsets where they are pointers, and the bytes of the numbers. */
function read(engine: Engine, dtype: 'F32' | 'F64', text: string, behind = ',"targets":[0]}') {
  const { memory } = engine
  memory.reset()
  const body = Buffer.from(text + behind)
  const start = memory.allocate(body.length)
  memory.u8(start, body.length).set(body)
  const report = memory.allocate(REPORT_WORDS * 4)
  const values = memory.allocate((body.length / 2 + 1) * ELEMENT_BYTES[dtype])
  engine.typed[dtype].readArray(start, start + body.length, values, report)
  const words = [...memory.i32(report, REPORT_WORDS)]
  for (const word of [Report.position, Report.token, Report.tokenEnd]) if (words[word] !== 0) words[word]! -= start
  const isBodyAsItWas = Buffer.compare(memory.u8(start, body.length), body) === 0
  const count = words[Report.status] === 0 ? words[Report.count]! : 0
  return { words, isBodyAsItWas, numbers: Buffer.from(viewOf(memory, dtype, values, count).slice().buffer) }
}

function expectSame(engine: Engine, dtype: 'F32' | 'F64', text: string, behind?: string): void {
  const expected = read(newEngine(), dtype, text, behind)
  const actual = read(engine, dtype, text, behind)
  expect(actual.words).toEqual(expected.words)
  expect(actual.isBodyAsItWas).toBe(true)
  expect(Buffer.compare(actual.numbers, expected.numbers)).toBe(0)
}

/** Rows of which many make a chunk, some, and of which each is longer than one. */
const MATRICES = (
  [
    [40_000, 7],
    [300, 1000],
    [5, 60_000],
  ] as const
).map(([rows, columns]) => [`${rows} x ${columns}`, matrix(rows, columns)] as const)

describe('a matrix read by a crew', () => {
  for (const [name, { answer, taken, isLost }] of Object.entries(ANSWERS_TO_A_CALL)) {
    for (const dtype of ['F32', 'F64'] as const) {
      test.each(MATRICES)(`has the same numbers where ${name}: ${dtype} %s`, (_shape, text) => {
        const jobs: ReadJob[] = []
        const arena = createArena(CAPACITY)
        const { engine, counts } = countingEngine()
        const call = (job: CrewJob) => {
          jobs.push(job as ReadJob)
          answer(job)
        }
        expectSame(crewEngine({ arena, call }, engine), dtype, text)
        expect(jobs.length).toBe(1)
        const [{ chunks, cuts, bytes }] = jobs as [ReadJob]
        expect(cuts).toEqual([...new Set(cuts)].toSorted((a, b) => a - b))
        expect(cuts.at(-1)).toBe(bytes.length)
        // Here: what comes before the chunks, those that nobody else takes, and all of it again where some are lost.
        expect(counts.reads).toBe(1 + chunks - taken(chunks) + (isLost ? 1 : 0))
        // A thread that is taken for dead may still write.
        expect(isLent(arena.lend(CAPACITY - 2 ** 17) ?? new Uint8Array())).toBe(!isLost)
      })
    }
  }

  const rows = 300
  const [, valid] = MATRICES[1]!
  const helped = (call = (job: CrewJob) => help(newEngine(), job)) => crewEngine({ call })

  test.each([',\n  ', ', ', ',\t'])('may have space behind the commas between its rows: %j', (between) => {
    expectSame(helped(), 'F32', matrix(rows, 1000, between))
  })

  test('may end its body, and may be followed by another', () => {
    expectSame(helped(), 'F32', valid, '}')
    expectSame(helped(), 'F32', valid, `,"targets":${matrix(rows, 1000)}}`)
  })

  test('may hold numbers that take more room than their text, and quoted ones', () => {
    expectSame(
      helped(),
      'F64',
      matrix(rows, 5000, ',', (i) => String(i % 2)),
    )
    expectSame(
      helped(),
      'F32',
      matrix(rows, 1000, ',', (i) => (i % 997 === 0 ? '"-Infinity"' : number(i))),
    )
  })

  /** A fault in the part of the first thread, in that of the others, in the last row. */
  const middle = Math.floor(valid.length * 0.75)
  const inRow = (at: number, patch: string) => {
    const start = valid.indexOf('],[', at) + 3
    return valid.slice(0, start) + patch + valid.slice(start)
  }
  test.each([
    ['a row that is longer', inRow(1000, '1,')],
    ['a row that is longer, behind', inRow(middle, '1,')],
    ['an array in a row', inRow(middle, '[1],')],
    ['a row with a string', inRow(middle, '"],[",')],
    ['a number out of range', inRow(middle, '1e999,')],
    ['a comma too many', inRow(middle, ',')],
    ['a bracket closed too early', inRow(middle, '1]],[[2,')],
    ['null in its last row', inRow(valid.lastIndexOf('],['), 'null,')],
    ['rows that end where the others begin', `${valid.replace(']]', '] ]')},"more":[[0]]`],
    ['no end', valid.slice(0, -1)],
    ['no end of its last row', valid.slice(0, -2)],
  ])('has the same fault as alone: %s', (_name, text) => {
    expectSame(helped(), 'F32', text)
    expectSame(helped(), 'F32', text, '')
    expectSame(crewEngine({}), 'F32', text)
  })

  test('is read alone where it is small, a cube or has spaces at its end, where nobody is free or there is no room', () => {
    const call = () => expect.fail('called for help')
    expectSame(crewEngine({ call }), 'F32', matrix(20, 1000))
    expectSame(crewEngine({ call }), 'F32', `[${valid}]`)
    expectSame(crewEngine({ call }), 'F32', valid.replace(']]', '] ]'))
    expectSame(crewEngine({ call, mayCall: () => false }), 'F32', valid)
    expectSame(crewEngine({ call, arena: createArena(2 ** 16) }), 'F32', valid)
  })

  test.each([1, 2, 3, 4, 5, 6, 7])('has the same fault as alone where rows differ from row %i on', (from) => {
    const row = (r: number) => (r < from ? '[1.5,2.5]' : '[1.5,2.5,3.5]')
    const text = `[${Array.from({ length: 8 }, (_, r) => row(r)).join(',')}]`
    for (const { answer } of Object.values(ANSWERS_TO_A_CALL)) expectSame(tinyCrew(answer), 'F32', text)
  })

  test('is sought three times in a request: a body of many small arrays would cost its square', () => {
    let calls = 0
    const { memory, typed } = tinyCrew(() => calls++)
    const array = '[[1] ],'
    const body = Buffer.from(`${array.repeat(50)}[[1]],[[2]]`)
    const readAll = () => {
      memory.reset()
      const start = memory.allocate(body.length)
      memory.u8(start, body.length).set(body)
      const [report, values] = [memory.allocate(REPORT_WORDS * 4), memory.allocate(body.length * 4)]
      for (let i = 0; i < 50; i++) typed.F32.readArray(start + i * array.length, start + body.length, values, report)
    }
    readAll()
    expect(calls).toBe(3)
    readAll()
    expect(calls).toBe(6)
  })

  test('is left by who helps, from the first chunk on whose numbers take more room than their text', () => {
    const { engine, counts } = countingEngine()
    const jobs: CrewJob[] = []
    const call = (job: CrewJob) => {
      jobs.push(job)
      help(engine, job)
    }
    expectSame(
      crewEngine({ call }),
      'F64',
      matrix(rows, 5000, ',', (i) => String(i % 2)),
    )
    expect(jobs[0]!.chunks).toBeGreaterThan(1)
    expect(counts.reads).toBe(1)
  })

  test('has the same numbers or the same fault, whatever its bytes', () => {
    const seed = fuzzSeed()
    process.stdout.write(`fuzzing shared reading: LOSSD_FUZZ_SEED=${seed}\n`)
    const random = randomOf(`shared reading ${seed}`)
    const [alone, mate] = [newEngine(), newEngine()]
    let calls = 0
    const together = tinyCrew((job) => {
      calls++
      if (random() < 0.7) help(mate, job)
    })
    let sound = 0
    for (let run = 0; run < FUZZ_RUNS; run++) {
      const [rows, columns] = [1 + Math.floor(random() * 8), 1 + Math.floor(random() * 6)]
      const between = pick(random, [',', ',', ', '])
      const text = matrix(rows, columns, between, () => pick(random, ['0', '1', '-2.5', '1e3', '3.14159265', '"NaN"']))
      const body = `[${Buffer.from(mutate(random, Buffer.from(text.slice(1)))).toString('latin1')}`
      const dtype = pick(random, ['F32', 'F64'] as const)
      const expected = read(alone, dtype, body)
      const actual = read(together, dtype, body)
      expect({ body, ...actual }).toEqual({ body, ...expected })
      if (expected.words[Report.status] === 0) sound++
    }
    // Without help, or with nothing but faults, it would have tested one path only.
    expect(calls).toBeGreaterThan(FUZZ_RUNS / 4)
    expect(sound).toBeGreaterThan(FUZZ_RUNS / 20)
  })

  test('leaves nothing to do for who comes late, and all memory where it was', () => {
    const arena = createArena(CAPACITY)
    const jobs: CrewJob[] = []
    expectSame(crewEngine({ arena, call: (job) => jobs.push(job) }), 'F32', valid)
    const before = jobs[0]!.bytes.slice()
    help(newEngine(), jobs[0]!)
    expect(Buffer.compare(jobs[0]!.bytes, before)).toBe(0)
    expect(isLent(arena.lend(CAPACITY - 2 ** 17)!)).toBe(true)
  })
})
