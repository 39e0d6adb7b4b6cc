import type { LossKernels } from './contract.ts'

type FloatArray = Float32Array | Float64Array

/** What the kernels of one element type are written in terms of: [length] elements at a pointer. */
type View = (pointer: number, length: number) => FloatArray

/**
 * The plain TypeScript loss kernels: the meaning of `LossKernels` in the fewest words. All arithmetic is float64; float32 is
 * rounded to when it is written. They stand in where WebAssembly SIMD is missing and are what the fast kernels are tested with.
 *
 * Views are made for every call, because growing the memory detaches the ones made before.
 */
export function createScalarLossKernels(memory: WebAssembly.Memory): LossKernels {
  const f32: View = (pointer, length) => new Float32Array(memory.buffer, pointer, length)
  const f64: View = (pointer, length) => new Float64Array(memory.buffer, pointer, length)
  const i32 = (pointer: number, length: number) => new Int32Array(memory.buffer, pointer, length)

  const softmaxOf =
    (view: View): LossKernels['softmaxF32'] =>
    (logits, numRows, numClasses, probabilities, rowMax, logSum) => {
      const z = view(logits, numRows * numClasses)
      const p = probabilities === 0 ? undefined : view(probabilities, numRows * numClasses)
      const maxima = f64(rowMax, numRows)
      const logSums = f64(logSum, numRows)
      for (let n = 0; n < numRows; n++) {
        const row = z.subarray(n * numClasses, (n + 1) * numClasses)
        const sums = sumsOf(row)
        if (sums === undefined) return n
        maxima[n] = sums.max
        logSums[n] = sums.logSum
        if (p) for (let k = 0; k < numClasses; k++) p[n * numClasses + k] = probability(row[k]!, sums)
      }
      return -1
    }

  const crossEntropySparseOf =
    (view: View): LossKernels['crossEntropySparseF32'] =>
    (
      logits,
      numRows,
      numClasses,
      labels,
      coefficients,
      entries,
      base,
      baseValue,
      baseSum,
      rowScale,
      losses,
      gradients,
    ) => {
      const label = i32(labels, numRows * entries)
      const coefficient = f64(coefficients, numRows * entries)
      const shared = base === 0 ? new Float64Array(numClasses).fill(baseValue) : view(base, numClasses)
      const target = new Float64Array(numClasses)
      return crossEntropy(view, logits, numRows, numClasses, rowScale, losses, gradients, (n) => {
        target.set(shared)
        let total = baseSum
        for (let j = n * entries; j < (n + 1) * entries; j++) {
          target[label[j]!]! += coefficient[j]!
          total += coefficient[j]!
        }
        return { target, total }
      })
    }

  const crossEntropyDenseOf =
    (view: View): LossKernels['crossEntropyDenseF32'] =>
    (logits, numRows, numClasses, targets, classWeights, rowScale, losses, gradients) => {
      const dense = view(targets, numRows * numClasses)
      const weights = classWeights === 0 ? undefined : view(classWeights, numClasses)
      const target = new Float64Array(numClasses)
      return crossEntropy(view, logits, numRows, numClasses, rowScale, losses, gradients, (n) => {
        for (let k = 0; k < numClasses; k++) target[k] = dense[n * numClasses + k]! * (weights?.[k] ?? 1)
        return { target, total: sum(numClasses, (k) => target[k]!) }
      })
    }

  function crossEntropy(
    view: View,
    logits: number,
    numRows: number,
    numClasses: number,
    rowScale: number,
    losses: number,
    gradients: number,
    targetOf: (n: number) => { target: Float64Array; total: number },
  ): number {
    const z = view(logits, numRows * numClasses)
    const loss = f64(losses, numRows)
    const scale = f64(rowScale, numRows)
    const gradient = gradients === 0 ? undefined : view(gradients, numRows * numClasses)
    for (let n = 0; n < numRows; n++) {
      const row = z.subarray(n * numClasses, (n + 1) * numClasses)
      const sums = sumsOf(row)
      if (sums === undefined) return n
      const { target, total } = targetOf(n)
      const distance = sum(numClasses, (k) => (target[k] === 0 ? 0 : target[k]! * (sums.max - row[k]!)))
      loss[n] = distance + total * sums.logSum + 0
      if (gradient === undefined) continue
      for (let k = 0; k < numClasses; k++) {
        // At the maximum p = 1 - others / (1 + others), so that a confident gradient does not cancel to 0.
        const difference =
          k === sums.argmax
            ? total - target[k]! - (total * sums.others) / (1 + sums.others)
            : total * probability(row[k]!, sums) - target[k]!
        gradient[n * numClasses + k] = scale[n]! * difference + 0
      }
    }
    return -1
  }

  const argmaxOf =
    (view: View): LossKernels['argmaxF32'] =>
    (values, numRows, numClasses, indices) => {
      const all = view(values, numRows * numClasses)
      const index = i32(indices, numRows)
      for (let n = 0; n < numRows; n++) {
        const row = all.subarray(n * numClasses, (n + 1) * numClasses)
        const nan = row.findIndex(Number.isNaN)
        index[n] = nan === -1 ? indexOfMax(row) : nan
      }
    }

  return {
    softmaxF32: softmaxOf(f32),
    softmaxF64: softmaxOf(f64),
    crossEntropySparseF32: crossEntropySparseOf(f32),
    crossEntropySparseF64: crossEntropySparseOf(f64),
    crossEntropyDenseF32: crossEntropyDenseOf(f32),
    crossEntropyDenseF64: crossEntropyDenseOf(f64),
    argmaxF32: argmaxOf(f32),
    argmaxF64: argmaxOf(f64),
  }
}

interface RowSums {
  readonly argmax: number
  readonly max: number
  /** Sum of exp(z - max) over all but one maximum. */
  readonly others: number
  readonly logSum: number
}

/** undefined: the row has no distribution. */
function sumsOf(row: FloatArray): RowSums | undefined {
  const argmax = indexOfMax(row)
  const max = row[argmax]!
  const others = sum(row.length, (k) => (k === argmax ? 0 : Math.exp(row[k]! - max)))
  // others is NaN if the row holds a NaN, and if max is infinite and not alone.
  return Number.isFinite(max) && !Number.isNaN(others) ? { argmax, max, others, logSum: Math.log1p(others) } : undefined
}

function probability(z: number, { max, others }: RowSums): number {
  return Math.exp(z - max) / (1 + others)
}

/** Lowest index of the largest element of a row without NaN; of a row with one, any index. */
function indexOfMax(row: FloatArray): number {
  let best = 0
  for (let k = 1; k < row.length; k++) if (row[k]! > row[best]!) best = k
  return best
}

/** Neumaier's sum: among 131072 equal terms a plain one loses five digits. */
function sum(length: number, term: (k: number) => number): number {
  let total = 0
  let lost = 0
  for (let k = 0; k < length; k++) {
    const next = term(k)
    const rounded = total + next
    lost += Math.abs(total) >= Math.abs(next) ? total - rounded + next : next - rounded + total
    total = rounded
  }
  return Number.isFinite(total) ? total + lost : total
}
