import { checkOutputs, LABEL_SMOOTHING, makeBatch } from './batch.ts'
import { importBuilt } from './built.ts'
import { type LevelOptions, type Measurement, quantiles } from './measurement.ts'
import { readContainer, writeContainer } from './safetensors.ts'

const SIZES = [
  { name: 'tiny', rows: 8, classes: 10 },
  { name: 'medium', rows: 64, classes: 100 },
  { name: 'large', rows: 1024, classes: 1000 },
] as const
const FORMATS = ['json', 'safetensors'] as const

const SECONDS = 1.5
const QUICK_SECONDS = 0.1
const MIN_SAMPLES = 5
/** V8 compiles a function for good after many calls; of a large request each call runs many loops. */
const WARM_UP_SHARE = 0.5

/** Milliseconds of `evaluate()`, bytes to bytes without HTTP, stage by stage. */
export async function* pipelineLevel({ quick, say }: LevelOptions): AsyncGenerator<Measurement> {
  const { evaluate } = await importBuilt<typeof import('../src/evaluate.ts')>('evaluate')
  const { createEngine } = await importBuilt<typeof import('../src/kernels/engine.ts')>('kernels/engine')
  const { loadKernelModule } = await importBuilt<typeof import('../src/kernels/load.ts')>('kernels/load')
  const seconds = quick ? QUICK_SECONDS : SECONDS

  for (const { name, rows, classes } of SIZES) {
    const batch = makeBatch(rows, classes)
    for (const format of FORMATS) {
      say(`pipeline ${format} ${name}`)
      const engine = createEngine(loadKernelModule())
      const body = format === 'json' ? batch.json() : container()
      const run = () => evaluate(engine, 'loss', body, { request: format, response: format })
      const { result } = run()
      if (!result.ok) throw new Error(`expected an answer, got ${JSON.stringify(result.problem)}`)
      checkOutputs('lossd', batch, format === 'json' ? fromJson(result.bytes) : fromContainer(result.bytes))

      const stages = { decode: [] as number[], compute: [] as number[], encode: [] as number[], total: [] as number[] }
      repeat(seconds * WARM_UP_SHARE, run)
      repeat(seconds, () => {
        const start = performance.now()
        const { decodeMs, computeMs, encodeMs } = run()
        stages.total.push(performance.now() - start)
        stages.decode.push(decodeMs)
        stages.compute.push(computeMs)
        stages.encode.push(encodeMs)
      })
      for (const [stage, samples] of Object.entries(stages)) {
        const label = `${format} ${rows}x${classes} ${stage}`
        yield { level: 'pipeline', case: label, provider: 'lossd', unit: 'ms', ...quantiles(samples) }
      }
    }

    function container(): Uint8Array {
      return writeContainer(
        {
          logits: { dtype: 'F32', shape: [rows, classes], data: batch.logits },
          targets: { dtype: 'I32', shape: [rows], data: batch.targets },
        },
        { label_smoothing: String(LABEL_SMOOTHING) },
      )
    }
  }
}

function fromJson(bytes: Uint8Array) {
  const { loss, losses, gradients, smoothed_targets } = JSON.parse(Buffer.from(bytes).toString())
  return { loss, losses, gradients: gradients.flat(), smoothedTargets: smoothed_targets.flat() }
}

function fromContainer(bytes: Uint8Array) {
  const { loss, losses, gradients, smoothed_targets } = readContainer(bytes)
  return { loss: loss![0]!, losses: losses!, gradients: gradients!, smoothedTargets: smoothed_targets! }
}

function repeat(seconds: number, task: () => unknown): void {
  const deadline = performance.now() + seconds * 1000
  for (let i = 0; i < MIN_SAMPLES || performance.now() < deadline; i++) task()
}
