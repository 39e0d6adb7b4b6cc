/** Views of the memory that the plain kernels work on, made for every call: growing the memory detaches the ones made before. */

export type Numbers = Float32Array | Float64Array

/** What the kernels of one element type are written in terms of: [length] elements at a pointer. */
export type View = (pointer: number, length: number) => Numbers

export interface Views {
  readonly f32: View
  readonly f64: (pointer: number, length: number) => Float64Array<ArrayBuffer>
  readonly i32: (pointer: number, length: number) => Int32Array
}

export function viewsOf(memory: WebAssembly.Memory): Views {
  return {
    f32: (pointer, length) => new Float32Array(memory.buffer, pointer, length),
    f64: (pointer, length) => new Float64Array(memory.buffer, pointer, length),
    i32: (pointer, length) => new Int32Array(memory.buffer, pointer, length),
  }
}
