/** Index of the largest value of each row, the lowest on a tie; the first NaN if the row has one. */
import { findMaximum, position } from './maximum'

export function argmaxF32(values: usize, numRows: u32, numClasses: u32, indices: usize): void {
  argmax<f32>(values, numRows, numClasses, indices)
}

export function argmaxF64(values: usize, numRows: u32, numClasses: u32, indices: usize): void {
  argmax<f64>(values, numRows, numClasses, indices)
}

// @ts-ignore: decorator
@inline
function argmax<T extends number>(values: usize, numRows: usize, numClasses: usize, indices: usize): void {
  const bytes = numClasses * sizeof<T>()
  for (let n: usize = 0; n < numRows; n++, values += bytes) {
    const nan = firstNaN<T>(values, numClasses)
    if (nan == numClasses) findMaximum<T>(values, numClasses)
    store<u32>(indices + n * 4, <u32>(nan == numClasses ? position : nan))
  }
}

/** Index of the first NaN, or `count`. */
// @ts-ignore: decorator
@inline
function firstNaN<T extends number>(row: usize, count: usize): usize {
  const lanes: usize = 16 / sizeof<T>()
  let k: usize = 0
  for (; k + 4 * lanes <= count; k += 4 * lanes) {
    const from = row + k * sizeof<T>()
    // A sum of four is no NaN test (Infinity - Infinity), four comparisons are.
    const z0 = v128.load(from)
    const z1 = v128.load(from, 16)
    const z2 = v128.load(from, 32)
    const z3 = v128.load(from, 48)
    const nan01 = v128.or(v128.ne<T>(z0, z0), v128.ne<T>(z1, z1))
    const nan23 = v128.or(v128.ne<T>(z2, z2), v128.ne<T>(z3, z3))
    if (v128.any_true(v128.or(nan01, nan23))) break
  }
  for (; k < count; k++) {
    const z = load<T>(row + k * sizeof<T>())
    if (z != z) return k
  }
  return count
}
