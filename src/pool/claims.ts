/** Work of one thread in chunks that others may do, from the back, while it does them from the front, until they meet. */
export interface SharedWork {
  readonly chunks: number
  /**
   * int32 [1 + words], shared: claims, then what is to be said of each chunk. Of this work alone, so that whoever comes when it is over finds
   * nothing left. A claim is one exchange, so nobody waits for a thread that does not come.
   */
  readonly controls: Int32Array<SharedArrayBuffer>
}

const CLAIMS = 0
const WORDS = 1
/** From the front in the low half, from the back in the high half, so that one exchange claims. */
const BACK_ONE = 1 << 16
const FRONT_MASK = BACK_ONE - 1
export const MAX_CHUNKS = FRONT_MASK

/** @param words what there is to say, of all chunks together */
export function createControls(words: number): SharedWork['controls'] {
  return new Int32Array(new SharedArrayBuffer((WORDS + words) * Int32Array.BYTES_PER_ELEMENT))
}

/** Chunks from the front, each claimed when it is asked for, until none is left. */
export function* claimFromFront(work: SharedWork): Generator<number> {
  for (let seen = claim(work, 1); seen !== -1; seen = claim(work, 1)) yield seen & FRONT_MASK
}

/** Chunks from the back, each claimed when it is asked for, until none is left or this thread has other things to do. */
export function* claimFromBack(work: SharedWork, mustStop: () => boolean): Generator<number> {
  for (let seen = claim(work, BACK_ONE); seen !== -1; seen = mustStop() ? -1 : claim(work, BACK_ONE))
    yield work.chunks - 1 - (seen >>> 16)
}

/** How many chunks nobody has claimed. */
export function chunksLeft({ chunks, controls }: SharedWork): number {
  return chunks - claimed(Atomics.load(controls, CLAIMS))
}

/** Leaves nothing to claim; gives the first of the chunks that have been claimed from the back. */
export function endClaims({ chunks, controls }: SharedWork): number {
  return chunks - (Atomics.exchange(controls, CLAIMS, chunks) >>> 16)
}

/** Says a word, not 0, to who waits for it. */
export function say({ controls }: SharedWork, word: number, value: number): void {
  Atomics.store(controls, WORDS + word, value)
  Atomics.notify(controls, WORDS + word)
}

/** The word, as soon as it has been said; 0 when patience is over. */
export function hear({ controls }: SharedWork, word: number, patienceMs: number): number {
  Atomics.wait(controls, WORDS + word, 0, patienceMs)
  return Atomics.load(controls, WORDS + word)
}

/** The claims before this one, or -1 where nothing is left. */
function claim({ chunks, controls }: SharedWork, one: number): number {
  for (let seen = Atomics.load(controls, CLAIMS); claimed(seen) < chunks; seen = Atomics.load(controls, CLAIMS)) {
    if (Atomics.compareExchange(controls, CLAIMS, seen, seen + one) === seen) return seen
  }
  return -1
}

function claimed(claims: number): number {
  return (claims & FRONT_MASK) + (claims >>> 16)
}
