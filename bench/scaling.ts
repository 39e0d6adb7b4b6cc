import { checkOutputs, LABEL_SMOOTHING, makeBatch } from './batch.ts'
import { importBuilt } from './built.ts'
import { type LevelOptions, type Measurement, quantiles } from './measurement.ts'

const CLASSES = 1000
const ELEMENTS = [1e4, 1e5, 1e6, 1e7, 1e8] as const
/** A request of 1e8 elements takes 800 MB; quick means on any machine. */
const QUICK_MAX_ELEMENTS = 1e6
/** Of each turn of a size: turns go round, so that what disturbs the machine disturbs every size. */
const TURN_MS = 150
const TURNS = 12
const QUICK_TURNS = 1
const WARM_UP_RUNS = 3

interface Size {
  readonly elements: number
  readonly parties: readonly Party[]
}

interface Party {
  readonly provider: string
  readonly run: () => unknown
  readonly samples: number[]
}

/**
 * Nanoseconds an element of the float32 kernel with gradients, over four orders of magnitude. Beside it the logits are copied to where the
 * gradients are: the same memory traffic and no arithmetic. What that takes more at a size, the memory of the machine takes.
 */
export async function* scalingLevel({ quick, say }: LevelOptions): AsyncGenerator<Measurement> {
  const { createEngine } = await importBuilt<typeof import('../src/kernels/engine.ts')>('kernels/engine')
  const { loadKernelModule } = await importBuilt<typeof import('../src/kernels/load.ts')>('kernels/load')
  const sizes = ELEMENTS.filter((elements) => !quick || elements <= QUICK_MAX_ELEMENTS).map(prepare)
  for (let turn = 1; turn <= (quick ? QUICK_TURNS : TURNS); turn++) {
    say(`scaling, turn ${turn}`)
    for (const { elements, parties } of sizes) for (const party of parties) takeTurn(elements, party)
  }
  for (const { elements, parties } of sizes) {
    for (const { provider, samples } of parties) {
      yield { level: 'scaling', case: elements.toExponential(), provider, unit: 'ns/element', ...quantiles(samples) }
    }
  }

  /** The kernel over so many elements, in a memory of their own, checked and warm. */
  function prepare(elements: number): Size {
    const pattern = makeBatch(ELEMENTS[0] / CLASSES, CLASSES)
    const rows = elements / CLASSES
    const { kernels, memory } = createEngine(loadKernelModule())
    const logits = memory.allocate(elements * 4)
    const labels = memory.allocate(rows * 4)
    const coefficients = memory.allocate(rows * 8)
    const rowScale = memory.allocate(rows * 8)
    const losses = memory.allocate(rows * 8)
    const gradients = memory.allocate(elements * 4)
    for (let row = 0; row < rows; row += pattern.rows) {
      memory.f32(logits + row * CLASSES * 4, pattern.logits.length).set(pattern.logits)
      memory.i32(labels + row * 4, pattern.rows).set(pattern.targets)
    }
    memory.f64(coefficients, rows).fill(1 - LABEL_SMOOTHING)
    memory.f64(rowScale, rows).fill(1 / rows)
    const run = () =>
      kernels.crossEntropySparseF32(
        logits,
        rows,
        CLASSES,
        labels,
        coefficients,
        1,
        0,
        LABEL_SMOOTHING / CLASSES,
        LABEL_SMOOTHING,
        rowScale,
        losses,
        gradients,
      )

    const faulty = run()
    if (faulty >= 0) throw new Error(`the kernel refuses row ${faulty}`)
    for (const row of [0, rows - pattern.rows]) {
      const share = memory.f32(gradients + row * CLASSES * 4, pattern.logits.length)
      checkOutputs(`kernel, rows from ${row}`, pattern, {
        losses: memory.f64(losses + row * 8, pattern.rows),
        gradients: Float64Array.from(share, (gradient) => gradient * (rows / pattern.rows)),
      })
    }
    const [source, target] = [memory.f32(logits, elements), memory.f32(gradients, elements)]
    const parties = [
      { provider: 'lossd', run, samples: [] },
      { provider: 'a copy of as much memory', run: () => target.set(source), samples: [] },
    ]
    for (const party of parties) for (let i = 0; i < WARM_UP_RUNS; i++) party.run()
    return { elements, parties }
  }
}

/** Samples for as long as a turn is, at least one. One sample takes long enough for the clock, however small the batch. */
function takeTurn(elements: number, { run, samples }: Party): void {
  const runs = Math.max(1, Math.round(ELEMENTS[2] / elements))
  const deadline = performance.now() + TURN_MS
  do {
    const start = performance.now()
    for (let i = 0; i < runs; i++) run()
    samples.push(((performance.now() - start) * 1e6) / (elements * runs))
  } while (performance.now() < deadline)
}
