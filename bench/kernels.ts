/**
 * Times the loss kernels on one thread: `npx tsx bench/kernels.ts [--json]`, after `npm run build`.
 * Every result is held against a float64 reference first. Peers run the first case, turn by turn with it.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadKernelModule } from '../src/kernels/load.ts'
import { createScalarLossKernels } from '../src/kernels/scalar.ts'
import { createSimdKernels } from '../src/kernels/simd.ts'
import { crossEntropyReference } from '../test/kernels/reference.ts'
import { type Peer, startPeer } from './kernels/peer.ts'
import { type PlacedCase, placeCase } from './kernels/place.ts'

const ROUNDS = 60
const WARM_UP_ROUNDS = 15
const PEER_PYTHON = '/usr/bin/python3'

interface Measurement {
  readonly name: string
  readonly provider: string
  readonly unit: 'ns/element'
  readonly min: number
  readonly p20: number
  readonly p50: number
  readonly p80: number
  readonly rounds: number
}

const memory = new WebAssembly.Memory({ initial: 64, maximum: 65_536 })
const module = loadKernelModule()
if (module === undefined) throw new Error('WebAssembly SIMD is not supported here.')
const simd = createSimdKernels(module, memory)
const scalar = createScalarLossKernels(memory)

const CASES = [
  { dtype: 'F32', rows: 1024, classes: 1000, confidence: 0 },
  { dtype: 'F32', rows: 1024, classes: 1000, confidence: 20 },
  { dtype: 'F64', rows: 1024, classes: 1000, confidence: 0 },
  { dtype: 'F32', rows: 65_536, classes: 10, confidence: 0 },
  { dtype: 'F64', rows: 65_536, classes: 10, confidence: 0 },
] as const

const measurements: Measurement[] = []
for (const [index, shape] of CASES.entries()) {
  const placed = placeCase(memory, simd.heapBase(), shape)
  const name = `${shape.dtype} ${shape.rows}x${shape.classes}${shape.confidence ? ` confident by ${shape.confidence}` : ''}`
  const elements = shape.rows * shape.classes
  assertSparse(placed)
  const providers: Record<string, () => number | Promise<number>> = {
    'sparse, smoothing 0.1, gradients': timed(() => placed.sparse(simd, true)),
    'sparse, smoothing 0.1, losses only': timed(() => placed.sparse(simd, false)),
    'dense, gradients': timed(() => placed.dense(simd)),
    softmax: timed(() => placed.softmax(simd)),
    argmax: timed(() => placed.argmax(simd)),
  }
  if (index === 0)
    providers['sparse, smoothing 0.1, gradients, plain TypeScript'] = timed(() => placed.sparse(scalar, true))
  const peers = index === 0 ? await startPeers(placed) : []
  for (const peer of peers) providers[peer.name] = peer.time
  const times = await interleave(providers)
  for (const [provider, nanoseconds] of Object.entries(times)) {
    measurements.push({ name, provider, unit: 'ns/element', ...quantiles(nanoseconds, elements), rounds: ROUNDS })
  }
  for (const peer of peers) peer.close()
}
report(measurements)

/** Losses and gradients of a sample of rows, so that a fast wrong kernel gets no number. */
function assertSparse(placed: PlacedCase): void {
  placed.sparse(simd, true)
  const { losses, gradients } = placed.results()
  const [relative, absolute] = placed.dtype === 'F32' ? [2 * 2 ** -23, 1e-7] : [1e-12, 2e-15]
  for (let n = 0; n < placed.rows; n += Math.ceil(placed.rows / 64)) {
    const expected = crossEntropyReference(placed.logitsOf(n), placed.targetOf(n))!
    assertClose(losses[n]!, expected.loss, relative * expected.loss, `loss of row ${n}`)
    for (const [k, gradient] of expected.gradients.entries()) {
      const actual = gradients[n * placed.classes + k]! * placed.rows
      assertClose(actual, gradient, absolute, `gradient of row ${n}, class ${k}`)
    }
  }
}

function assertClose(actual: number, expected: number, tolerance: number, what: string): void {
  if (Math.abs(actual - expected) <= tolerance) return
  throw new Error(`${what}: got ${actual}, expected ${expected} +- ${tolerance}, off by ${actual - expected}`)
}

/** PyTorch and C on the same bytes; what is missing is said and skipped. */
async function startPeers(placed: PlacedCase): Promise<Peer[]> {
  const directory = mkdtempSync(join(tmpdir(), 'lossd-bench-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  const logits = join(directory, 'logits')
  const labels = join(directory, 'labels')
  const { logitBytes, labelBytes } = placed.bytes()
  writeFileSync(logits, logitBytes)
  writeFileSync(labels, labelBytes)
  const data = [String(placed.rows), String(placed.classes), logits, labels]
  const losses = placed.results().losses.reduce((sum, loss) => sum + loss, 0)
  const peersDirectory = join(import.meta.dirname, 'peers')
  const started: Peer[] = []
  for (const [name, start] of [
    ['PyTorch eager, gradients', () => startPeer(PEER_PYTHON, [join(peersDirectory, 'torch_kernel.py'), ...data])],
    ['C -O3 -march=native -ffast-math, gradients', () => startPeer(compile('-march=native'), data)],
    ['C -O3 -msse4.1 -ffast-math (as wide as WebAssembly), gradients', () => startPeer(compile('-msse4.1'), data)],
  ] as const) {
    try {
      const peer = await start()
      const { total } = await peer.evaluate()
      assertClose(total, losses, 1e-5 * losses, `sum of losses by ${name}`)
      started.push({ ...peer, name })
    } catch (error) {
      console.error(`skipped: ${name}: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
    }
  }
  return started

  function compile(machine: string): string {
    const binary = join(directory, `kernel${machine}`)
    const source = join(peersDirectory, 'kernel.c')
    execFileSync('gcc', ['-O3', machine, '-ffast-math', '-o', binary, source, '-lm'])
    return binary
  }
}

function timed(run: () => void): () => number {
  return () => {
    const start = process.hrtime.bigint()
    run()
    return Number(process.hrtime.bigint() - start)
  }
}

/** A B C A B C ...: what disturbs the machine disturbs them all. */
async function interleave(
  providers: Record<string, () => number | Promise<number>>,
): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(providers).map((name) => [name, []]))
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const [name, time] of Object.entries(providers)) {
      const nanoseconds = await time()
      if (round >= 0) times[name]!.push(nanoseconds)
    }
  }
  return times
}

function quantiles(nanoseconds: number[], elements: number): Pick<Measurement, 'min' | 'p20' | 'p50' | 'p80'> {
  const sorted = nanoseconds.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]! / elements
  return { min: at(0), p20: at(0.2), p50: at(0.5), p80: at(0.8) }
}

function ratio(value: number): string {
  return `${value.toFixed(2).padStart(8)}x`
}

function report(all: readonly Measurement[]): void {
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', node: process.version }
  if (process.argv.includes('--json')) {
    for (const measurement of all) console.log(JSON.stringify({ ...measurement, ...machine }))
    return
  }
  console.log(
    `${machine.cpu}, Node ${machine.node}, one thread; ns/element, least / p20 / median / p80 of ${ROUNDS}; ratio of least, of median`,
  )
  for (const name of new Set(all.map((measurement) => measurement.name))) {
    console.log(`\n${name}`)
    const group = all.filter((measurement) => measurement.name === name)
    const own = group[0]!
    for (const { provider, min, p20, p50, p80 } of group) {
      const numbers = [min, p20, p50, p80].map((value) => value.toFixed(3).padStart(8)).join('')
      console.log(`${numbers}  ${ratio(min / own.min)}${ratio(p50 / own.p50)}  ${provider}`)
    }
  }
}
