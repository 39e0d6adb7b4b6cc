import { describe, expect, test } from 'vitest'
import type { Engine } from '../src/kernels/engine.ts'
import { createArena, isLent } from '../src/pool/arena.ts'
import { type CrewJob, help } from '../src/pool/crew.ts'
import { ELEMENT_BYTES, viewOf } from '../src/wire/tensor.ts'
import { ANSWERS_TO_A_CALL, CAPACITY, countingEngine, crewEngine, newEngine } from './helpers/crew.ts'

/** Shapes whose rows fill chunks evenly, unevenly, one each; more than one job. */
const SHAPES = [
  [512, 1000],
  [513, 999],
  [60_000, 7],
  [5, 100_000],
  [2000, 1024],
] as const

/** The text of values [rows, columns] that go through zero, fractions and exponents. */
function print(engine: Engine, dtype: 'F32' | 'F64', rows: number, columns: number): string {
  engine.memory.reset()
  const values = engine.memory.allocate(rows * columns * ELEMENT_BYTES[dtype])
  const out = engine.memory.allocate(rows * (columns * 27 + 3))
  const view = viewOf(engine.memory, dtype, values, rows * columns)
  for (let i = 0; i < view.length; i++) view[i] = Math.sin(i) * 10 ** ((i % 60) - 30)
  const end = engine.typed[dtype].printRows(values, rows, columns, out)
  return Buffer.from(engine.memory.u8(out, end - out)).toString('latin1')
}

describe('a tensor printed by a crew', () => {
  for (const [name, { answer, taken, isLost }] of Object.entries(ANSWERS_TO_A_CALL)) {
    test.each(SHAPES)(`has the same bytes where ${name}: %i x %i`, (rows, columns) => {
      const calls: CrewJob[] = []
      const { engine, counts } = countingEngine()
      const call = (job: CrewJob) => {
        calls.push(job)
        answer(job)
      }
      const together = crewEngine({ call }, engine)
      expect(print(together, 'F64', rows, columns) === print(newEngine(), 'F64', rows, columns)).toBe(true)
      expect(calls.length).toBe(Math.ceil(rows / Math.floor(2 ** 20 / columns)))
      expect(counts.prints).toBe(calls.reduce((sum, { chunks }) => sum + chunks - (isLost ? 0 : taken(chunks)), 0))
    })
  }

  test('is printed alone where it is float32 or small, nobody is free or there is no room', () => {
    const call = () => expect.fail('called for help')
    print(crewEngine({ call }), 'F32', 512, 1000)
    print(crewEngine({ call }), 'F64', 300, 1000)
    print(crewEngine({ call, mayCall: () => false }), 'F64', 512, 1000)
    print(crewEngine({ call, arena: createArena(2 ** 20) }), 'F64', 512, 1000)
  })

  test('leaves nothing to do for who comes late, and all memory where it was', () => {
    const arena = createArena(CAPACITY)
    const jobs: CrewJob[] = []
    print(crewEngine({ arena, call: (job) => jobs.push(job) }), 'F64', 512, 1000)
    const [job] = jobs
    const before = job!.bytes.slice()
    help(newEngine(), job!)
    expect(Buffer.compare(job!.bytes, before)).toBe(0)
    expect(isLent(arena.lend(CAPACITY - 2 ** 17)!)).toBe(true)
  })
})
