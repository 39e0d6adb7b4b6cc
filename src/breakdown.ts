import type { AnswerObject, DenseOutput } from './answer.ts'
import type { Batch } from './batch.ts'
import type { Family } from './families/family.ts'
import { layoutAround, rowPath } from './layout.ts'
import { ELEMENT_BYTES, type ElementType, sizeOf, viewOf } from './wire/tensor.ts'

/** What the rows of a batch come to one by one: what their targets are, what is predicted, and how surely. */
interface Judgement {
  /** What a row has of each of these: 1, or one for every class. */
  readonly width: number
  readonly targets: Int32Array
  readonly predictions: Int32Array
  readonly confidences: Float64Array
}

function judge(batch: Batch, family: Family): Judgement {
  const { memory } = batch.engine
  const { numRows, numClasses } = batch.layout
  // In the order of rows, whatever the client's axes are.
  const rows = { ...batch, layout: layoutAround([numRows], numClasses, 1) }
  const width = family.predictsFor === 'row' ? 1 : numClasses
  return {
    width,
    targets: family.targetsOf(rows),
    predictions: memory.i32(family.predictions(rows).pointer, numRows * width).slice(),
    confidences: family.confidences(rows),
  }
}

/**
 * For each class the number of rows whose target it is (the class the target gives most; where every class is a question of its own, the rows
 * whose label it is), and the means over them, NaN where there are none.
 *
 * @param losses [numRows], weighted
 */
export function perClass(batch: Batch, family: Family, losses: Float64Array): AnswerObject {
  const { numRows, numClasses } = batch.layout
  const { width, targets, predictions, confidences } = judge(batch, family)
  const count = new Int32Array(numClasses)
  const sums = { loss: zeros(), accuracy: zeros(), confidence: zeros() }
  const isOfRows = family.predictsFor === 'row'
  for (let i = 0; i < numRows * width; i++) {
    const k = isOfRows ? targets[i]! : i % numClasses
    const row = isOfRows ? i : Math.floor(i / numClasses)
    if (!batch.targets.counted[row] || (isOfRows ? k < 0 : targets[i] === 0)) continue
    count[k]!++
    sums.loss[k]! += losses[row]!
    if (predictions[i] === targets[i]) sums.accuracy[k]!++
    sums.confidence[k]! += confidences[i]!
  }
  const mean = (sum: Float64Array) => output(batch, batch.dtype, [numClasses], sum.map(overCount))
  return {
    count: output(batch, 'I32', [numClasses], count),
    loss: mean(sums.loss),
    accuracy: mean(sums.accuracy),
    confidence: mean(sums.confidence),
  }

  function zeros(): Float64Array {
    return new Float64Array(numClasses)
  }

  function overCount(sum: number, k: number): number {
    return sum / count[k]!
  }
}

/** The `most` rows of the largest loss, the largest first and the first of equal ones first: where they are, and what was wanted and predicted. */
export function hardestRows(batch: Batch, family: Family, losses: Float64Array, most: number): AnswerObject {
  const { layout, dtype, targets: given } = batch
  const { width, targets, predictions } = judge(batch, family)
  const rows = largest(losses, given.counted, most)
  const shape = family.predictsFor === 'row' ? [rows.length] : [rows.length, width]
  const ofRows = (values: Int32Array) =>
    Int32Array.from(rows.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)]))
  return {
    index: output(
      batch,
      'I32',
      [rows.length, layout.rowsShape.length],
      Int32Array.from(rows.flatMap((row) => rowPath(layout, row))),
    ),
    loss: output(
      batch,
      dtype,
      [rows.length],
      Float64Array.from(rows, (row) => losses[row]!),
    ),
    target: output(batch, 'I32', shape, ofRows(targets)),
    prediction: output(batch, 'I32', shape, ofRows(predictions)),
  }
}

/** Rows that count by falling loss. Kept in order as they come: a row is seldom among the largest. */
function largest(losses: Float64Array, counted: Uint8Array, most: number): number[] {
  const rows: number[] = []
  for (let row = 0; row < losses.length; row++) {
    const loss = losses[row]!
    if (!counted[row] || (rows.length === most && loss <= losses[rows[most - 1]!]!)) continue
    let [low, high] = [0, rows.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (losses[rows[middle]!]! >= loss) low = middle + 1
      else high = middle
    }
    rows.splice(low, 0, row)
    if (rows.length > most) rows.pop()
  }
  return rows
}

function output(
  { engine: { memory } }: Batch,
  dtype: ElementType,
  shape: readonly number[],
  values: Int32Array | Float64Array,
): DenseOutput {
  const pointer = memory.allocate(sizeOf(shape) * ELEMENT_BYTES[dtype])
  viewOf(memory, dtype, pointer, values.length).set(values)
  return { kind: 'dense', dtype, shape, pointer }
}
