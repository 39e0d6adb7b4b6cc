import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { MemPool } from '@thi.ng/malloc'

/** Blocks of memory that two threads see: one lends them, either gives them back. */
export interface Arena {
  /** Uninitialised bytes; undefined where so few bytes are cheaper to transfer, or where there is no room now. */
  lend(bytes: number): Uint8Array<SharedArrayBuffer> | undefined
}

/** Below this a buffer of its own that is transferred costs no more, and is nobody's to give back. */
export const MIN_LENT_BYTES = 16_384
/** In front of each block: int32, the number of the lease. The rest keeps the bytes aligned. */
const HEADER_BYTES = 16
const RETURNED = 0
const MAX_LEASE = 2 ** 31 - 1

/**
 * Large bodies and answers that went through ordinary buffers would have V8 collect all of its heap, for tens of milliseconds, whenever
 * 64 MiB of them have come into being. Shared memory it does not count; so this is one block of it that is never dropped.
 *
 * @param capacity bytes; reserved, and resident as far as they have ever been lent at the same time
 */
export function createArena(capacity: number): Arena {
  let ground: { buffer: SharedArrayBuffer; blocks: MemPool } | undefined
  let lent: { readonly address: number; readonly state: Int32Array }[] = []
  let lastLease = 0
  return {
    lend(bytes) {
      if (bytes < MIN_LENT_BYTES) return undefined
      ground ??= reserve(capacity)
      const { buffer, blocks } = ground
      lent = lent.filter(({ address, state }) => {
        if (Atomics.load(state, 0) !== RETURNED) return true
        blocks.free(address)
        return false
      })
      const address = blocks.malloc(HEADER_BYTES + bytes)
      if (address === 0) return undefined
      const state = new Int32Array(buffer, address, 1)
      lastLease = (lastLease % MAX_LEASE) + 1
      Atomics.store(state, 0, lastLease)
      lent.push({ address, state })
      return new Uint8Array(buffer, address + HEADER_BYTES, bytes)
    },
  }
}

function reserve(capacity: number): { buffer: SharedArrayBuffer; blocks: MemPool } {
  const buffer = new SharedArrayBuffer(capacity)
  return { buffer, blocks: new MemPool({ buf: buffer, align: HEADER_BYTES }) }
}

const { port1: drain, port2: nobody } = new MessageChannel()
nobody.close()
drain.unref()
// A port is closed in a turn of the event loop, of which a worker that waits for tasks has none: until then it would keep what it is sent.
await once(nobody, 'close')

/**
 * Gives a body or an answer back, whichever thread it was made in: nobody may look at the bytes afterwards.
 *
 * @param lease for bytes that somebody else may have given back already, and that may be lent to another by now
 */
export function giveBack(bytes: Uint8Array, lease?: number): void {
  if (isLent(bytes)) Atomics.compareExchange(stateOf(bytes), 0, lease ?? leaseOf(bytes), RETURNED)
  else if (bytes.byteLength >= MIN_LENT_BYTES) drop(bytes)
}

/** Four pieces of a body: a message costs as much as copying one, and of more of them the next to be written has left the cache. */
const DROPPED_TOGETHER_BYTES = 262_144
let dropped: ArrayBuffer[] = []
let droppedBytes = 0

/**
 * Frees the memory of these bytes and of all else in their buffer: transferred to where nobody listens, some at a time, it is gone without waiting
 * for the garbage collector. Freeing what another thread has allocated leaves the two with page faults.
 */
export function drop({ buffer }: Uint8Array): void {
  dropped.push(buffer as ArrayBuffer)
  droppedBytes += buffer.byteLength
  if (droppedBytes < DROPPED_TOGETHER_BYTES) return
  drain.postMessage(undefined, dropped)
  dropped = []
  droppedBytes = 0
}

/** The number of the lease that the bytes are under. */
export function leaseOf(bytes: Uint8Array<SharedArrayBuffer>): number {
  return Atomics.load(stateOf(bytes), 0)
}

function stateOf(bytes: Uint8Array<SharedArrayBuffer>): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset - HEADER_BYTES, 1)
}

/** Whether the bytes are of an arena, so that other threads see them as they are. */
export function isLent(bytes: Uint8Array): bytes is Uint8Array<SharedArrayBuffer> {
  return bytes.buffer instanceof SharedArrayBuffer
}
