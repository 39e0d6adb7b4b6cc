import { copyBytes } from './copy-bytes.ts'
import type { KernelMemory } from './kernels/memory.ts'

/**
 * Rows that are outside of kernel memory and pass through a window in it, a block at a time: the window stays in the processor's cache, while a copy of
 * all of them would be written to memory and read from there again.
 */
abstract class StreamedRows {
  /** Pointer to the rows of the block at hand. */
  readonly window: number
  protected readonly memory: KernelMemory
  protected readonly outside: Uint8Array
  protected readonly rowBytes: number

  /**
   * @param outside   [rows, rowBytes]
   * @param blockRows the most rows of a block
   */
  constructor(memory: KernelMemory, outside: Uint8Array, rowBytes: number, blockRows: number) {
    this.memory = memory
    this.outside = outside
    this.rowBytes = rowBytes
    this.window = memory.allocate(blockRows * rowBytes)
  }

  /** The bytes of the rows [start, end). */
  protected rows(start: number, end: number): Uint8Array {
    return this.outside.subarray(start * this.rowBytes, end * this.rowBytes)
  }
}

export class RowsIn extends StreamedRows {
  /** Brings the rows [start, end) into the window and gives its pointer. */
  load(start: number, end: number): number {
    copyBytes(this.rows(start, end), this.memory.u8(this.window, (end - start) * this.rowBytes))
    return this.window
  }
}

export class RowsOut extends StreamedRows {
  /** Takes what the window holds for the rows [start, end). */
  save(start: number, end: number): void {
    copyBytes(this.memory.u8(this.window, (end - start) * this.rowBytes), this.rows(start, end))
  }

  clear(start: number, end: number): void {
    this.rows(start, end).fill(0)
  }
}
