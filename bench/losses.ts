import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lossShape } from '../schemas/loss.ts'
import { defaultsOf } from '../scripts/defaults.ts'
import type { LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import { makeBatch } from './batch.ts'
import { importBuilt } from './built.ts'
import { startTalker, type Talker } from './kernels/talker.ts'
import { type LevelOptions, type Measurement, quantiles } from './measurement.ts'
import { readContainer, writeContainer } from './safetensors.ts'

const ROWS = 1024
const CLASSES = 1000
const ROUNDS = 15
/** V8 interprets what it has seen a few times; a service has seen it often. */
const WARM_UP_ROUNDS = 25
const QUICK_ROUNDS = 1
/** Of the sum of the losses, which PyTorch adds up in float32. */
const TOLERANCE = 1e-4
const SMOOTHING = 0.1

/** Has timm, where the goldens have been made; else the losses whose PyTorch is timm's have no peer. */
const PYTHONS = [fileURLToPath(new URL('../.venv-goldens/bin/python', import.meta.url)), '/usr/bin/python3']

interface Case {
  readonly definition: LossDefinition
  readonly name: string
  readonly rows: number
  readonly smoothing: number
}

/** Nanoseconds an element of every loss with its gradient, float32, class indices, one thread; and of eager PyTorch doing the same. */
export async function* lossesLevel({ quick, say }: LevelOptions): AsyncGenerator<Measurement> {
  const { evaluate } = await importBuilt<typeof import('../src/evaluate.ts')>('evaluate')
  const { createEngine } = await importBuilt<typeof import('../src/kernels/engine.ts')>('kernels/engine')
  const { loadKernelModule } = await importBuilt<typeof import('../src/kernels/load.ts')>('kernels/load')
  const engine = createEngine(loadKernelModule())
  const batch = makeBatch(ROWS, CLASSES)
  // Answers go where the last one was, as in the service: fresh memory for each would have V8 collect its heap while a loss is computed.
  let answer = new Uint8Array(0)
  const surroundings = { room: roomOf, bodyRead: () => undefined }
  const teacher = batch.logits.slice()
  for (let row = 0; row < ROWS; row++)
    teacher.set(batch.logits.subarray((ROWS - 1 - row) * CLASSES, (ROWS - row) * CLASSES), row * CLASSES)
  const peer = await startPeer()
  try {
    for (const each of losses.flatMap(casesOf)) {
      say(`losses ${each.name}`)
      yield* measure(each)
    }
  } finally {
    peer?.close()
  }

  async function* measure({ definition, name, rows, smoothing }: Case): AsyncGenerator<Measurement> {
    const body = bodyOf(definition, rows, smoothing)
    const run = () => evaluate(engine, 'loss', body, { request: 'safetensors', response: 'safetensors' }, surroundings)
    const { result } = run()
    if (!result.ok) throw new Error(`${name}: expected an answer, got ${JSON.stringify(result.problem)}`)
    const total = readContainer(result.bytes).losses!.reduce((sum, loss) => sum + loss, 0)
    const isPeerReady = await prepare(definition, rows, smoothing, total)
    const samples = { lossd: [] as number[], torch: [] as number[] }
    for (let round = -WARM_UP_ROUNDS; round < (quick ? QUICK_ROUNDS : ROUNDS); round++) {
      const ours = run().computeMs * 1e6
      const theirs = isPeerReady ? Number(await peer!.ask('')) : Number.NaN
      if (round < 0) continue
      samples.lossd.push(ours / (rows * CLASSES))
      if (isPeerReady) samples.torch.push(theirs / (rows * CLASSES))
    }
    const row = { level: 'losses', case: name, unit: 'ns/element' }
    yield { ...row, provider: 'lossd', ...quantiles(samples.lossd) }
    if (isPeerReady) yield { ...row, provider: 'PyTorch eager', ...quantiles(samples.torch) }
  }

  function roomOf(bytes: number): Uint8Array {
    if (answer.length < bytes) answer = new Uint8Array(bytes)
    return answer.subarray(0, bytes)
  }

  function bodyOf(definition: LossDefinition, rows: number, smoothing: number): Uint8Array {
    const targets = takesIndices(definition)
      ? { targets: { dtype: 'I32', shape: [rows], data: batch.targets.subarray(0, rows) } }
      : { teacher_logits: { dtype: 'F32', shape: [rows, CLASSES], data: flipped(rows) } }
    const scores = { dtype: 'F32', shape: [rows, CLASSES], data: batch.logits.subarray(0, rows * CLASSES) }
    return writeContainer(
      { [definition.family.field]: scores, ...targets },
      {
        loss: definition.name,
        outputs: '["losses","gradients"]',
        ...(takesSmoothing(definition) ? { label_smoothing: String(smoothing) } : {}),
      },
    )
  }

  /** The first rows of the logits from the last to the first: what the peer takes for a teacher. */
  function flipped(rows: number): Float32Array {
    return teacher.subarray((ROWS - rows) * CLASSES)
  }

  async function startPeer(): Promise<Talker | undefined> {
    const directory = mkdtempSync(join(tmpdir(), 'lossd-bench-'))
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
    const [scores, labels] = [join(directory, 'scores'), join(directory, 'labels')]
    writeFileSync(scores, new Uint8Array(batch.logits.buffer))
    writeFileSync(labels, new Uint8Array(batch.targets.buffer))
    const script = fileURLToPath(new URL('peers/torch_losses.py', import.meta.url))
    try {
      const python = PYTHONS.find((path) => existsSync(path)) ?? 'python3'
      return await startTalker(python, [script, String(ROWS), String(CLASSES), scores, labels])
    } catch (error) {
      say(`PyTorch eager is skipped: ${(error as Error).message}; apt-get install python3-torch`)
      return undefined
    }
  }

  /** Whether PyTorch has prepared this loss and agrees on it; says why not. */
  async function prepare(definition: LossDefinition, rows: number, smoothing: number, total: number): Promise<boolean> {
    if (!peer) return false
    const form = takesIndices(definition) ? 'indices' : 'logits'
    const { name, oracle } = definition
    const absent = Object.fromEntries(Object.keys(definition.params).map((param) => [param, null]))
    const params = { ...absent, ...defaultsOf(definition.params) }
    const answer = await peer.ask(JSON.stringify({ oracle, params, form, label_smoothing: smoothing, rows }))
    if (answer.startsWith('failed')) {
      say(`PyTorch eager is skipped for ${name}: ${answer}`)
      return false
    }
    if (!(Math.abs(Number(answer) - total) <= TOLERANCE * Math.abs(total)))
      throw new Error(`${name}: PyTorch's losses sum to ${answer}, ours to ${total}`)
    return true
  }
}

function casesOf(definition: LossDefinition): Case[] {
  const { name, rowsTogether } = definition
  const together = rowsTogether?.(defaultsOf(definition.params) as never) ?? 1
  const rows = Math.floor(ROWS / together) * together
  const smoothings = takesSmoothing(definition) ? [0, SMOOTHING] : [0]
  return smoothings.map((smoothing) => ({
    definition,
    name: smoothing === 0 ? name : `${name}, smoothing ${smoothing}`,
    rows,
    smoothing,
  }))
}

function takesIndices({ targets }: LossDefinition): boolean {
  return targets.forms.includes('indices')
}

function takesSmoothing(definition: LossDefinition): boolean {
  return 'label_smoothing' in lossShape(definition)
}
