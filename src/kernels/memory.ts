import { Refusal } from '../problems.ts'

const PAGE_BYTES = 65_536
const MAX_PAGES = 65_536
/** v128 loads are fastest when they do not straddle a cache line. */
const ALIGNMENT = 16

/**
 * The one owner of a worker's linear memory: a bump arena that is emptied between requests. Tensors live here from the first
 * byte read to the last byte printed, but for large binary ones, of which blocks pass through. A pointer is the stable name of a region, and a view is
 * made when it is needed: growing the memory detaches every view made before.
 */
export class KernelMemory {
  readonly memory: WebAssembly.Memory
  readonly #base: number
  #top: number
  #all: Uint8Array<ArrayBuffer>
  #epoch = 0

  constructor(memory: WebAssembly.Memory, heapBase: number) {
    this.memory = memory
    this.#base = align(heapBase)
    this.#top = this.#base
    this.#all = new Uint8Array(memory.buffer)
  }

  /** Every byte, by pointer; valid until the memory grows. Kept, because asking the memory for its buffer takes as long as making a view of it. */
  get all(): Uint8Array<ArrayBuffer> {
    if (this.#all.length === 0) this.#all = new Uint8Array(this.memory.buffer)
    return this.#all
  }

  /**
   * Reserves `bytes` and gives their pointer. Fresh pages are not resident until they are written, so a generous reservation that is
   * trimmed afterwards costs address space only. Refuses (413) what 4 GiB cannot hold.
   */
  allocate(bytes: number): number {
    const pointer = this.#top
    const top = align(pointer + bytes)
    const missing = top - this.all.length
    if (missing > 0) {
      const pages = Math.ceil(missing / PAGE_BYTES)
      if (this.all.length / PAGE_BYTES + pages > MAX_PAGES) throw tooLarge()
      try {
        this.memory.grow(pages)
      } catch {
        throw tooLarge()
      }
    }
    this.#top = top
    return pointer
  }

  /** Where the next region will begin. */
  get top(): number {
    return this.#top
  }

  /** Gives back what lies behind `end`, a pointer into the region allocated last. */
  trim(end: number): void {
    this.#top = align(end)
  }

  /** Runs `task` and gives back all that it allocated; its result must hold no pointer into that. */
  scratch<T>(task: () => T): T {
    const top = this.#top
    try {
      return task()
    } finally {
      this.#top = top
    }
  }

  /** Empties the arena. */
  reset(): void {
    this.#top = this.#base
    this.#epoch++
  }

  /** Another one after each `reset`: as long as it is the same, so is the request. */
  get epoch(): number {
    return this.#epoch
  }

  get byteLength(): number {
    return this.all.length
  }

  u8(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.all.buffer, pointer, length)
  }

  i32(pointer: number, length: number): Int32Array {
    return new Int32Array(this.all.buffer, pointer, length)
  }

  f32(pointer: number, length: number): Float32Array {
    return new Float32Array(this.all.buffer, pointer, length)
  }

  f64(pointer: number, length: number): Float64Array {
    return new Float64Array(this.all.buffer, pointer, length)
  }
}

function align(pointer: number): number {
  return Math.ceil(pointer / ALIGNMENT) * ALIGNMENT
}

function tooLarge(): Refusal {
  return new Refusal('body_too_large', 'the request and its answer need more than the 4 GiB of memory a worker has')
}
