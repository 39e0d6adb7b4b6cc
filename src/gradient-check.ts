import type { Batch, Evaluated } from './batch.ts'
import type { Engine } from './kernels/engine.ts'
import type { LossDefinition } from './losses/definition.ts'
import { randomFrom, sampleOf } from './random.ts'
import { labelShares, movedDense, type SparseRows, type TargetRows, writeSmoothed } from './target-rows.ts'
import { ELEMENT_BYTES, viewOf } from './wire/tensor.ts'

/** What errors are relative to: the gradient itself and, where that is smaller, the factor that the reduction multiplies it by. */
export const GRADIENT_TOLERANCE = { F32: 5e-5, F64: 1e-6 } as const
/** In steps: nearer to a kink no difference is taken. */
const KINK_STEPS = 10
/** In roundings of a loss: what a difference of two of them may be off by. */
const NOISE = 4 * Number.EPSILON

export interface GradientCheck {
  readonly checked: number
  /** Coordinates at -Infinity, of a row whose loss is infinite or so large that its rounding hides the difference, or next to a kink. */
  readonly skipped: number
  readonly maxAbsError: number
  readonly maxRelError: number
  /** The coordinate of the largest relative error. */
  readonly worst:
    | { readonly row: number; readonly label: number; readonly analytic: number; readonly numeric: number }
    | undefined
}

export interface CheckOptions {
  /** How many coordinates of rows that count; all of them where there are no more. */
  readonly samples: number
  readonly step: number
  readonly seed: number
}

/**
 * Central differences of the reduced loss against the gradients of `evaluated`, at sampled coordinates. The differences are taken in float64 on the
 * numbers the batch holds, of the rows that a coordinate touches alone: its own, or its group.
 */
export function checkGradients(
  batch: Batch,
  definition: LossDefinition,
  { reduction, params, gradients }: Evaluated,
  { samples, step, seed }: CheckOptions,
): GradientCheck {
  const { engine, layout, dtype, targets, groups, classWeights } = batch
  const { memory } = engine
  const { numRows, numClasses } = layout
  const size = groups?.size ?? 1
  const counted = Array.from(targets.counted.keys()).filter((row) => targets.counted[row])
  const scales = memory.f64(reduction.gradientScale, numRows).slice()
  const heaviest = classWeights ? classWeights.reduce((a, b) => Math.max(a, b)) : 1
  let [checked, skipped, maxAbsError, maxRelError] = [0, 0, 0, 0]
  let worst: GradientCheck['worst']
  for (const i of sampleOf(counted.length * numClasses, samples, randomFrom(seed))) {
    const row = counted[Math.floor(i / numClasses)]!
    const label = i % numClasses
    const numeric = memory.scratch(() => differenceAt(row, label))
    if (numeric === undefined) {
      skipped++
      continue
    }
    checked++
    const analytic = viewOf(memory, dtype, gradients, numRows * numClasses)[row * numClasses + label]!
    const error = Math.abs(analytic - numeric)
    const unit = heaviest * Math.max(...membersOf(row).map((member) => scales[member]!))
    const relative = error === 0 ? 0 : error / Math.max(Math.abs(analytic), Math.abs(numeric), unit)
    maxAbsError = Math.max(maxAbsError, error)
    if (worst === undefined || relative > maxRelError) worst = { row, label, analytic, numeric }
    maxRelError = Math.max(maxRelError, relative)
  }
  return { checked, skipped, maxAbsError, maxRelError, worst }

  /** The rows of the group of a row, in the client's order. */
  function membersOf(row: number): number[] {
    const groupCount = numRows / size
    return Array.from({ length: size }, (_, view) => (row % groupCount) + view * groupCount)
  }

  /** undefined: there is none to be taken there. */
  function differenceAt(row: number, label: number): number | undefined {
    const members = membersOf(row)
    // The group twice: with the coordinate a step up, and a step down.
    const rows = copyRows(engine, batch, [...members, ...members])
    const losses = memory.allocate(2 * size * ELEMENT_BYTES.F64)
    const ones = memory.allocate(2 * size * ELEMENT_BYTES.F64)
    if (isAtKink(rows, members)) return undefined
    const z = memory.f64(rows.scores, 2 * size * numClasses)
    const place = members.indexOf(row) * numClasses + label
    const [up, down] = [place, place + size * numClasses]
    if (z[up] === Number.NEGATIVE_INFINITY) return undefined
    z[up]! += step
    z[down]! -= step
    const width = z[up]! - z[down]!
    memory.f64(ones, 2 * size).fill(1)
    const faulty = definition.evaluate(
      {
        engine,
        dtype: 'F64',
        numRows: 2 * size,
        numClasses,
        scores: rows.scores,
        targets: rows.targets,
        classWeights,
        gradientScale: ones,
        unweighted: reduction.unweighted,
        losses,
        gradients: 0,
      },
      params as never,
    )
    const values = memory.f64(losses, 2 * size)
    const isHidden = values.some((loss) => !(NOISE * Math.abs(loss) <= GRADIENT_TOLERANCE.F64 * width))
    if (faulty !== -1 || width === 0 || isHidden) return undefined
    return members.reduce((sum, member, i) => sum + (scales[member]! * (values[i]! - values[i + size]!)) / width, 0)
  }

  function isAtKink(rows: CopiedRows, members: readonly number[]): boolean {
    if (!definition.distanceToKink) return false
    const group = members.map((_, i) =>
      Array.from(memory.f64(rows.scores + i * numClasses * ELEMENT_BYTES.F64, numClasses)),
    )
    const smoothed = memory.allocate(members.length * numClasses * ELEMENT_BYTES.F64)
    const shares = labelShares(memory, 'F64', rows.targets, members.length, numClasses)
    writeSmoothed(memory, 'F64', rows.targets, members.length, numClasses, smoothed)
    const { keep, mass, offValue, prior } = rows.targets.smoothing
    const towards = prior
      ? Array.from(prior)
      : new Array<number>(numClasses).fill(mass > 0 ? offValue / mass : 1 / numClasses)
    return members.some((_, member) => {
      const hardTarget = new Array<number>(numClasses).fill(0)
      for (let i = member * shares.stride; i < (member + 1) * shares.stride; i++)
        hardTarget[shares.classOf(i)]! += shares.shareOf(i)
      const at = smoothed + member * numClasses * ELEMENT_BYTES.F64
      const distance = definition.distanceToKink!(
        {
          scores: group[member]!,
          hardTarget,
          target: Array.from(memory.f64(at, numClasses)),
          prior: towards,
          classWeights: classWeights ? Array.from(classWeights) : new Array<number>(numClasses).fill(1),
          keep,
          mass,
          unweighted: reduction.unweighted,
          group,
          member,
        },
        params as never,
      )
      return distance < KINK_STEPS * step
    })
  }
}

interface CopiedRows {
  /** float64 [rows, numClasses] */
  readonly scores: number
  readonly targets: TargetRows
}

/** Some rows of a batch next to each other, in float64. */
function copyRows(engine: Engine, { layout, dtype, scores, targets }: Batch, rows: readonly number[]): CopiedRows {
  const { memory } = engine
  const { numRows, numClasses } = layout
  const wide = (source: number) => {
    const pointer = memory.allocate(rows.length * numClasses * ELEMENT_BYTES.F64)
    const from = viewOf(memory, dtype, source, numRows * numClasses)
    const to = memory.f64(pointer, rows.length * numClasses)
    rows.forEach((row, i) => {
      to.set(from.subarray(row * numClasses, (row + 1) * numClasses), i * numClasses)
    })
    return pointer
  }
  const given = targets.rows
  return {
    scores: wide(scores),
    targets: given.kind === 'dense' ? movedDense(given, wide) : copyLabels(given),
  }

  function copyLabels(given: SparseRows): SparseRows {
    const { entries } = given
    const labels = memory.allocate(rows.length * entries * ELEMENT_BYTES.I32)
    const shares = memory.allocate(rows.length * entries * ELEMENT_BYTES.F64)
    const copy = (from: Int32Array | Float64Array, to: Int32Array | Float64Array) => {
      rows.forEach((row, i) => {
        to.set(from.subarray(row * entries, (row + 1) * entries), i * entries)
      })
    }
    copy(memory.i32(given.labels, numRows * entries), memory.i32(labels, rows.length * entries))
    copy(memory.f64(given.shares, numRows * entries), memory.f64(shares, rows.length * entries))
    return { ...given, labels, shares }
  }
}
