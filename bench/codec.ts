import assert from 'node:assert/strict'
import { PRINT_BYTES_F32, REPORT_WORDS, Report } from '../src/kernels/contract.ts'
import { loadKernelModule } from '../src/kernels/load.ts'
import { KernelMemory } from '../src/kernels/memory.ts'
import { createSimdKernels } from '../src/kernels/simd.ts'

/**
 * Time to read and print 1024x1000 numbers, against JSON.parse + flatten and JSON.stringify: `npx tsx bench/codec.ts [--json]`.
 * Every result is checked first. The contestants of a row take turns, so that a slow spell of the machine hits all of them.
 */

const ROWS = 1024
const COLS = 1000
const COUNT = ROWS * COLS
const ROUNDS = 21
const SEED = 20_260_801

interface Row {
  readonly measure: string
  readonly bytesPerNumber: number
  /** Medians. */
  readonly nsPerNumber: number
  readonly peer: string
  readonly peerNsPerNumber: number
  readonly ratio: number
}

const module = loadKernelModule()
assert(module, 'this machine has no WebAssembly SIMD')
const wasmMemory = new WebAssembly.Memory({ initial: 64, maximum: 65_536 })
const kernels = createSimdKernels(module, wasmMemory)
const memory = new KernelMemory(wasmMemory, kernels.heapBase())
const random = gaussian(SEED)

const rows: Row[] = []
for (const [digits, number] of [
  ['7 digits', () => Number((3 * random()).toPrecision(7))],
  ['17 digits', () => 3 * random()],
] as const) {
  const values = matrix(number)
  for (const type of ['F32', 'F64'] as const)
    rows.push(benchRead(`read ${digits} as ${type}`, JSON.stringify(values), type))
}
const spaced = matrix(() => Number((3 * random()).toPrecision(7)))
rows.push(
  benchRead('read 7 digits as F32, a space behind each comma', JSON.stringify(spaced).replaceAll(',', ', '), 'F32'),
)
rows.push(benchPrint('print a float32 gradient', 'F32', gradient()))
rows.push(
  benchPrint(
    'print float64 logits',
    'F64',
    matrix(() => 3 * random()),
  ),
)
rows.push(benchSparse())

if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ node: process.version, rows }))
} else {
  console.log(`${ROWS}x${COLS} numbers, ns per number, medians of ${ROUNDS}, Node ${process.version}`)
  for (const row of rows) {
    const peer = `${row.peer} ${row.peerNsPerNumber.toFixed(1)}`
    console.log(
      `${row.measure.padEnd(50)} ${row.nsPerNumber.toFixed(2).padStart(6)}   ${peer.padEnd(30)} ${row.ratio.toFixed(1)}x`,
    )
  }
}

function benchRead(measure: string, json: string, type: 'F32' | 'F64'): Row {
  memory.reset()
  const bytes = Buffer.from(json)
  const report = memory.allocate(4 * REPORT_WORDS)
  const text = memory.allocate(bytes.length)
  const values = memory.allocate((bytes.length / 2 + 1) * (type === 'F32' ? 4 : 8))
  memory.u8(text, bytes.length).set(bytes)
  const flat = new (type === 'F32' ? Float32Array : Float64Array)(COUNT)
  const read = () => kernels[`readArray${type}`](text, text + bytes.length, values, report)
  const parse = () => {
    let at = 0
    for (const row of JSON.parse(json) as number[][]) {
      flat.set(row, at)
      at += row.length
    }
  }
  read()
  parse()
  const view = type === 'F32' ? memory.f32(values, COUNT) : memory.f64(values, COUNT)
  assert.deepEqual([...memory.i32(report, REPORT_WORDS).subarray(Report.count, Report.shape + 2)], [COUNT, ROWS, COLS])
  assert(
    Buffer.from(view.buffer, view.byteOffset, view.byteLength).equals(Buffer.from(flat.buffer)),
    'read other numbers',
  )
  return row(measure, bytes.length, 'JSON.parse + flatten', read, parse)
}

function benchPrint(measure: string, type: 'F32' | 'F64', values: number[][]): Row {
  memory.reset()
  const pointer = memory.allocate(8 * COUNT)
  const out = memory.allocate(COUNT * 27 + 3 * ROWS)
  const view = type === 'F32' ? memory.f32(pointer, COUNT) : memory.f64(pointer, COUNT)
  view.set(values.flat())
  let end = out
  const print = () => {
    end = kernels[`printRows${type}`](pointer, ROWS, COLS, out)
  }
  let json = ''
  const stringify = () => {
    json = JSON.stringify(values)
  }
  print()
  stringify()
  const printed = Buffer.from(memory.u8(out, end - out)).toString('latin1')
  if (type === 'F64') assert.equal(`[${printed}]`, json)
  else assert.deepEqual((JSON.parse(`[${printed}]`) as number[][]).flat().map(Math.fround), values.flat())
  return row(measure, end - out, 'JSON.stringify', print, stringify)
}

function benchSparse(): Row {
  memory.reset()
  const base = memory.allocate(4 * ROWS)
  const labels = memory.allocate(4 * ROWS)
  const values = memory.allocate(4 * ROWS)
  const dense = memory.allocate(4 * COUNT)
  const out = memory.allocate(COUNT * PRINT_BYTES_F32 + 3 * ROWS)
  memory.f32(base, ROWS).fill(0.0001)
  memory.f32(values, ROWS).fill(0.9001)
  memory.i32(labels, ROWS).forEach((_, row, all) => {
    all[row] = (row * 37) % COLS
  })
  memory.f32(dense, COUNT).forEach((_, at, all) => {
    all[at] = at % COLS === (Math.floor(at / COLS) * 37) % COLS ? 0.9001 : 0.0001
  })
  let end = out
  const printDense = () => {
    end = kernels.printRowsF32(dense, ROWS, COLS, out)
  }
  const printSparse = () => {
    end = kernels.printSparseRowsF32(base, labels, values, 1, ROWS, COLS, out)
  }
  printDense()
  const expected = Buffer.from(memory.u8(out, end - out))
  printSparse()
  assert(Buffer.from(memory.u8(out, end - out)).equals(expected), 'sparse rows differ from dense ones')
  return row('print smoothed float32 targets', expected.length, 'printed as dense rows', printSparse, printDense)
}

function row(measure: string, bytes: number, peer: string, own: () => void, other: () => void): Row {
  const [nsPerNumber, peerNsPerNumber] = medians(own, other)
  return {
    measure,
    bytesPerNumber: bytes / COUNT,
    nsPerNumber,
    peer,
    peerNsPerNumber,
    ratio: peerNsPerNumber / nsPerNumber,
  }
}

/** Median times of both per number, in ns. */
function medians(own: () => void, other: () => void): [number, number] {
  const times: [number[], number[]] = [[], []]
  for (let round = -2; round < ROUNDS; round++) {
    for (const [contestant, run] of [own, other].entries()) {
      const start = performance.now()
      run()
      const elapsed = performance.now() - start
      if (round >= 0) times[contestant]!.push((1e6 * elapsed) / COUNT)
    }
  }
  return times.map((all) => all.sort((a, b) => a - b)[ROUNDS >> 1]!) as [number, number]
}

function matrix(number: () => number): number[][] {
  return Array.from({ length: ROWS }, () => Array.from({ length: COLS }, number))
}

/** softmax(logits) / N, as float32. */
function gradient(): number[][] {
  return matrix(() => Math.exp(3 * random())).map((exps) => {
    const sum = exps.reduce((a, b) => a + b) * ROWS
    return exps.map((exp) => Math.fround(exp / sum))
  })
}

/** Normal deviates (Box and Muller) over mulberry32, so that every run reads the same text. */
function gaussian(seed: number): () => number {
  let state = seed
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}
