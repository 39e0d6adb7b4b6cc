/**
 * Chunks of a job that several threads share: the one whose job it is takes them from the front, others from the back, until they meet. A
 * claim is one exchange, so nobody waits for a thread that does not come.
 *
 * int32 [1 + chunks * words], shared: claims, then what is to be said of each chunk. Of one job alone, so that whoever comes when it is over finds
 * nothing left.
 */
export type Controls = Int32Array<SharedArrayBuffer>

const CLAIMS = 0
const WORDS = 1
/** From the front in the low half, from the back in the high half, so that one exchange claims. */
const BACK_ONE = 1 << 16
const FRONT_MASK = BACK_ONE - 1
export const MAX_CHUNKS = FRONT_MASK

export function createControls(words: number): Controls {
  return new Int32Array(new SharedArrayBuffer((WORDS + words) * Int32Array.BYTES_PER_ELEMENT))
}

/** The next chunk from the front, or -1. */
export function claimFront(controls: Controls, chunks: number): number {
  for (let seen = Atomics.load(controls, CLAIMS); isLeft(seen, chunks); seen = Atomics.load(controls, CLAIMS)) {
    if (Atomics.compareExchange(controls, CLAIMS, seen, seen + 1) === seen) return seen & FRONT_MASK
  }
  return -1
}

/** The next chunk from the back, or -1. */
export function claimBack(controls: Controls, chunks: number): number {
  for (let seen = Atomics.load(controls, CLAIMS); isLeft(seen, chunks); seen = Atomics.load(controls, CLAIMS)) {
    if (Atomics.compareExchange(controls, CLAIMS, seen, seen + BACK_ONE) === seen) return chunks - 1 - (seen >>> 16)
  }
  return -1
}

/** Leaves nothing to claim; gives the first of the chunks that have been claimed from the back. */
export function endClaims(controls: Controls, chunks: number): number {
  return chunks - (Atomics.exchange(controls, CLAIMS, chunks) >>> 16)
}

/** Says a word of a chunk, not 0, to who waits for it: the last of its words. */
export function say(controls: Controls, word: number, value: number): void {
  Atomics.store(controls, WORDS + word, value)
  Atomics.notify(controls, WORDS + word)
}

/** The word, as soon as it has been said; 0 when patience is over. */
export function hear(controls: Controls, word: number, patienceMs: number): number {
  Atomics.wait(controls, WORDS + word, 0, patienceMs)
  return Atomics.load(controls, WORDS + word)
}

function isLeft(claims: number, chunks: number): boolean {
  return (claims & FRONT_MASK) + (claims >>> 16) < chunks
}
