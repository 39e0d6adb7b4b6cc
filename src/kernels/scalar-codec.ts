import type { NumberCodec } from './contract.ts'
import { formatF32, formatF64, printRows, printSparseRows } from './scalar-printer.ts'
import { readArray, skipWholeValue } from './scalar-reader.ts'

/**
 * The plain TypeScript number codec: the meaning of `NumberCodec` in the fewest words, on the engine's own number conversions.
 * It stands in where WebAssembly SIMD is missing and is the measure the fast codec is tested against.
 *
 * Views are made for every call, because growing the memory detaches the ones made before.
 */
export function createScalarCodec(memory: WebAssembly.Memory): NumberCodec {
  const u8 = () => new Uint8Array(memory.buffer)
  const i32 = (pointer: number) => new Int32Array(memory.buffer, pointer, (memory.buffer.byteLength - pointer) >>> 2)
  const f32 = (pointer: number) => new Float32Array(memory.buffer, pointer, (memory.buffer.byteLength - pointer) >>> 2)
  const f64 = (pointer: number) => new Float64Array(memory.buffer, pointer, (memory.buffer.byteLength - pointer) >>> 3)
  return {
    readArrayF32: (text, end, values, report) =>
      readArray({ bytes: u8(), at: text, end }, f32(values), Math.fround, i32(report)),
    readArrayF64: (text, end, values, report) =>
      readArray({ bytes: u8(), at: text, end }, f64(values), (value) => value, i32(report)),
    skipValue: (text, end, report) => skipWholeValue({ bytes: u8(), at: text, end }, i32(report)),
    printRowsF32: (values, rows, cols, out) => printRows(formatF32, f32(values), rows, cols, u8(), out),
    printRowsF64: (values, rows, cols, out) => printRows(formatF64, f64(values), rows, cols, u8(), out),
    printSparseRowsF32: (base, labels, values, entries, rows, cols, out) =>
      printSparseRows(formatF32, f32(base), i32(labels), f32(values), entries, rows, cols, u8(), out),
    printSparseRowsF64: (base, labels, values, entries, rows, cols, out) =>
      printSparseRows(formatF64, f64(base), i32(labels), f64(values), entries, rows, cols, u8(), out),
  }
}
