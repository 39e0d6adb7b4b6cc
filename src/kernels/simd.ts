import type { Kernels } from './contract.ts'

/** The WebAssembly kernels, working in `memory`. Functions of the instance itself, but those that return a pointer. */
export function createSimdKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } })
  const kernels = exports as unknown as Omit<Kernels, 'name'>
  return {
    ...kernels,
    name: 'simd',
    heapBase: () => unsigned(kernels.heapBase()),
    printRowsF32: (values, rows, cols, out) => unsigned(kernels.printRowsF32(values, rows, cols, out)),
    printRowsF64: (values, rows, cols, out) => unsigned(kernels.printRowsF64(values, rows, cols, out)),
    printSparseRowsF32: (base, labels, values, entries, rows, cols, out) =>
      unsigned(kernels.printSparseRowsF32(base, labels, values, entries, rows, cols, out)),
    printSparseRowsF64: (base, labels, values, entries, rows, cols, out) =>
      unsigned(kernels.printSparseRowsF64(base, labels, values, entries, rows, cols, out)),
  }
}

/** WebAssembly hands every i32 over as signed; pointers reach 4 GiB. */
function unsigned(pointer: number): number {
  return pointer >>> 0
}

/** What a trap in AssemblyScript's own library calls. The kernels allocate nothing and assert nothing. */
function abort(_message: number, _file: number, line: number, column: number): never {
  throw new Error(`kernels aborted at ${line}:${column}. This is a bug.`)
}
