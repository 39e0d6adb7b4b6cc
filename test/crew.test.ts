import { describe, expect, test } from 'vitest'
import { createEngine, type Engine } from '../src/kernels/engine.ts'
import { loadKernelModule } from '../src/kernels/load.ts'
import { createArena, isLent } from '../src/pool/arena.ts'
import { help, type PrintJob, withCrew } from '../src/pool/crew.ts'
import { ELEMENT_BYTES, viewOf } from '../src/wire/tensor.ts'

const CAPACITY = 128 * 2 ** 20
const PATIENCE_MS = 50

/** Shapes whose rows fill chunks evenly, unevenly, one each; more than one job. */
const SHAPES = [
  [512, 1000],
  [513, 999],
  [60_000, 7],
  [5, 100_000],
  [2000, 1024],
] as const

function newEngine(): Engine {
  return createEngine(loadKernelModule())
}

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

/** What happens when a thread calls for help. */
const CREWS: Record<string, (job: PrintJob) => void> = {
  'nobody comes': () => undefined,
  'another prints it all before it begins': (job) => help(newEngine(), job),
  'another claims chunks and dies': ({ controls }) => {
    // Two chunks from the back, never printed.
    Atomics.add(controls, 0, 2 << 16)
  },
}

describe('a tensor printed by a crew', () => {
  for (const [name, call] of Object.entries(CREWS)) {
    test.each(SHAPES)(`has the same bytes where ${name}: %i x %i`, (rows, columns) => {
      const calls: PrintJob[] = []
      const note = (job: PrintJob) => {
        calls.push(job)
        call(job)
      }
      const together = withCrew(newEngine(), createArena(CAPACITY), () => true, note, PATIENCE_MS)
      expect(print(together, 'F64', rows, columns) === print(newEngine(), 'F64', rows, columns)).toBe(true)
      expect(calls.length).toBe(Math.ceil(rows / Math.floor(2 ** 20 / columns)))
    })
  }

  test('is printed alone where it is float32 or small, nobody is free or there is no room', () => {
    const fail = () => expect.fail('called for help')
    const [rows, columns] = [512, 1000]
    print(
      withCrew(newEngine(), createArena(CAPACITY), () => true, fail),
      'F32',
      rows,
      columns,
    )
    print(
      withCrew(newEngine(), createArena(CAPACITY), () => true, fail),
      'F64',
      300,
      1000,
    )
    print(
      withCrew(newEngine(), createArena(CAPACITY), () => false, fail),
      'F64',
      rows,
      columns,
    )
    print(
      withCrew(newEngine(), createArena(2 ** 20), () => true, fail),
      'F64',
      rows,
      columns,
    )
  })

  test('leaves nothing to do for who comes late, and all memory where it was', () => {
    const arena = createArena(CAPACITY)
    const jobs: PrintJob[] = []
    print(
      withCrew(
        newEngine(),
        arena,
        () => true,
        (job) => jobs.push(job),
      ),
      'F64',
      512,
      1000,
    )
    const [job] = jobs
    const before = job!.bytes.slice()
    help(newEngine(), job!)
    expect(Buffer.compare(job!.bytes, before)).toBe(0)
    expect(isLent(arena.lend(CAPACITY - 2 ** 17)!)).toBe(true)
  })
})
