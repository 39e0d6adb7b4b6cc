import { copyBytes } from '../copy-bytes.ts'
import type { KernelMemory } from '../kernels/memory.ts'
import type { Body, Loaded } from './format.ts'

/** A body that says when its bytes are needed no more where they came in: as soon as all of them are in kernel memory, else when it is closed. */
export class OpenedBody implements Body {
  readonly bytes: Uint8Array
  readonly #memory: KernelMemory
  readonly #whenRead: (bytes: Uint8Array) => void
  #isRead = false

  constructor(memory: KernelMemory, bytes: Uint8Array, whenRead: (bytes: Uint8Array) => void) {
    this.#memory = memory
    this.bytes = bytes
    this.#whenRead = whenRead
  }

  load(length = this.bytes.length): Loaded {
    const pointer = this.#memory.allocate(length)
    copyBytes(this.bytes.subarray(0, length), this.#memory.u8(pointer, length))
    if (length === this.bytes.length) this.close()
    return { pointer, length }
  }

  close(): void {
    if (this.#isRead) return
    this.#isRead = true
    this.#whenRead(this.bytes)
  }
}
