import {
  MAX_RANK,
  type NumberCodec,
  PRINT_BYTES_F32,
  PRINT_BYTES_F64,
  REPORT_WORDS,
  Report,
} from '../../src/kernels/contract.ts'

/**
 * A number codec with memory around it: lays texts and tensors out, calls, and gives back what came out with pointers made relative to
 * the text. Every region is fenced; a write beyond one throws.
 */

export type ElementType = 'F32' | 'F64'

export interface Reading {
  readonly status: number
  readonly position: number
  readonly shape: readonly number[]
  readonly values: readonly number[]
  readonly path: readonly number[]
  readonly expected: number
  readonly got: number
  /** Byte range of the element at fault, relative to the text; [0, 0] where there is none. */
  readonly token: readonly [number, number]
}

export interface Desk {
  readonly codec: NumberCodec
  /** `around` is the byte that fills the memory before and behind the text, `offset` shifts the text from its even address. */
  read(type: ElementType, text: string | Uint8Array, around?: number, offset?: number): Reading
  skip(text: string | Uint8Array, around?: number, offset?: number): { status: number; position: number }
  print(type: ElementType, values: readonly number[], rows: number, cols: number): string
  printBits(type: ElementType, bits: Uint32Array): string
  printSparse(type: ElementType, sparse: SparseRows): string
}

export interface SparseRows {
  readonly base: readonly number[]
  readonly labels: readonly number[]
  readonly values: readonly number[]
  readonly entries: number
  readonly cols: number
}

/** Above the static data of any codec. */
const BASE = 1 << 20
const PAGE = 1 << 16
const FENCE = 64
const FENCE_BYTE = 0xa5
const BYTES = { F32: 4, F64: 8 }
const PRINT_BYTES = { F32: PRINT_BYTES_F32, F64: PRINT_BYTES_F64 }
const ARRAYS = { F32: Float32Array, F64: Float64Array }

export function createDesk(create: (memory: WebAssembly.Memory) => NumberCodec): Desk {
  const memory = new WebAssembly.Memory({ initial: 64 })
  const codec = create(memory)

  /** Pointers of consecutive regions with these sizes, each fenced on both sides. */
  function layOut(...sizes: number[]): number[] {
    let top = BASE
    const pointers = sizes.map((size) => {
      const pointer = top + FENCE
      top = Math.ceil((pointer + size + FENCE) / 64) * 64
      return pointer
    })
    if (top > memory.buffer.byteLength) memory.grow(Math.ceil((top - memory.buffer.byteLength) / PAGE))
    const bytes = new Uint8Array(memory.buffer)
    pointers.forEach((pointer, region) => {
      bytes.fill(FENCE_BYTE, pointer - FENCE, pointer)
      bytes.fill(FENCE_BYTE, pointer + sizes[region]!, pointer + sizes[region]! + FENCE)
    })
    return pointers
  }

  function checkFences(pointers: number[], ...sizes: number[]): void {
    const bytes = new Uint8Array(memory.buffer)
    pointers.forEach((pointer, region) => {
      const fences = [pointer - FENCE, pointer + sizes[region]!]
      for (const fence of fences) {
        for (let at = fence; at < fence + FENCE; at++) {
          if (bytes[at] !== FENCE_BYTE)
            throw new Error(`wrote ${at - pointer} of region ${region} of ${sizes[region]} bytes`)
        }
      }
    })
  }

  function place(bytes: Uint8Array, pointer: number, around: number, offset: number): number {
    const u8 = new Uint8Array(memory.buffer)
    u8.fill(around, pointer, pointer + bytes.length + 2 * FENCE)
    u8.set(bytes, pointer + FENCE + offset)
    return pointer + FENCE + offset
  }

  function read(type: ElementType, text: string | Uint8Array, around = 0x39, offset = 0): Reading {
    const bytes = bytesOf(text)
    const room = Math.floor(bytes.length / 2 + 1) * BYTES[type]
    const sizes = [4 * REPORT_WORDS, bytes.length + 2 * FENCE, room]
    const pointers = layOut(...sizes)
    const [report, textRegion, values] = pointers as [number, number, number]
    const start = place(bytes, textRegion, around, offset)
    codec[`readArray${type}`](start, start + bytes.length, values, report)
    checkFences([report, values], sizes[0]!, sizes[2]!)
    const words = new Int32Array(memory.buffer, report, REPORT_WORDS)
    const relative = (word: number) => (words[word] ? words[word]! - start : 0)
    return {
      status: words[Report.status]!,
      position: words[Report.position]! - start,
      shape: [...words.subarray(Report.shape, Report.shape + Math.min(words[Report.rank]!, MAX_RANK))],
      values: [...new ARRAYS[type](memory.buffer, values, words[Report.count]!)],
      path: [...words.subarray(Report.path, Report.path + words[Report.pathLength]!)],
      expected: words[Report.expected]!,
      got: words[Report.got]!,
      token: [relative(Report.token), relative(Report.tokenEnd)],
    }
  }

  function skip(text: string | Uint8Array, around = 0x39, offset = 0): { status: number; position: number } {
    const bytes = bytesOf(text)
    const [report, textRegion] = layOut(4 * REPORT_WORDS, bytes.length + 2 * FENCE) as [number, number]
    const start = place(bytes, textRegion, around, offset)
    codec.skipValue(start, start + bytes.length, report)
    const words = new Int32Array(memory.buffer, report, REPORT_WORDS)
    return { status: words[Report.status]!, position: words[Report.position]! - start }
  }

  function printed(out: number, end: number): string {
    return Buffer.from(memory.buffer, out, end - out).toString('latin1')
  }

  function printPlaced(type: ElementType, bytes: Uint8Array, rows: number, cols: number): string {
    const sizes = [bytes.length, rows * cols * PRINT_BYTES[type] + 3 * rows]
    const pointers = layOut(...sizes)
    const [values, out] = pointers as [number, number]
    new Uint8Array(memory.buffer).set(bytes, values)
    const text = printed(out, codec[`printRows${type}`](values, rows, cols, out))
    checkFences(pointers, ...sizes)
    return text
  }

  return {
    codec,
    read,
    skip,
    print: (type, values, rows, cols) =>
      printPlaced(type, new Uint8Array(ARRAYS[type].from(values).buffer), rows, cols),
    printBits: (type, bits) =>
      printPlaced(
        type,
        new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength),
        1,
        bits.byteLength / BYTES[type],
      ),
    printSparse(type, { base, labels, values, entries, cols }) {
      const rows = base.length
      const width = BYTES[type]
      const sizes = [width * rows, 4 * labels.length, width * values.length, rows * (cols * PRINT_BYTES[type] + 3)]
      const pointers = layOut(...sizes)
      const [basePointer, labelsPointer, valuesPointer, out] = pointers as [number, number, number, number]
      new ARRAYS[type](memory.buffer, basePointer, rows).set(base)
      new Int32Array(memory.buffer, labelsPointer, labels.length).set(labels)
      new ARRAYS[type](memory.buffer, valuesPointer, values.length).set(values)
      const end = codec[`printSparseRows${type}`](basePointer, labelsPointer, valuesPointer, entries, rows, cols, out)
      checkFences(pointers, ...sizes)
      return printed(out, end)
    },
  }
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? new TextEncoder().encode(text) : text
}
