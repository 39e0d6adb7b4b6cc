import { readArray } from './json-reader'

export { skipValue } from './json-reader'
export { printRowsF32, printRowsF64, printSparseRowsF32, printSparseRowsF64 } from './printer'

export function readArrayF32(text: usize, end: usize, values: usize, report: usize): void {
  readArray<f32>(text, end, values, report)
}

export function readArrayF64(text: usize, end: usize, values: usize, report: usize): void {
  readArray<f64>(text, end, values, report)
}
