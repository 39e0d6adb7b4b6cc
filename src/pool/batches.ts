/** Something that waits for a thread. */
export interface Waiting {
  /** How much work it is, in bytes of a body whose work they tell; without bound where they do not. */
  readonly weight: number
}

export interface Batches<T extends Waiting> {
  /** Waiting for a thread. */
  readonly size: number
  add(waiting: T): void
  /** Whether it was still waiting; it is not any more. */
  remove(waiting: T): boolean
  /** Hands over what waits, as far as threads are free. */
  pump(): void
}

/** A batch of this weight takes long enough that what its way to a thread and back costs is little. */
const BATCH_WEIGHT = 262_144

/**
 * What waits for a thread goes to the next free one, several at a time where they are small: handing over one costs as much as handing over
 * ten, and more than the evaluation of a small one. Nothing waits for company: a batch is what has come together while no thread was free.
 *
 * @param freeThreads how many could begin now
 */
export function createBatches<T extends Waiting>(
  threads: number,
  freeThreads: () => number,
  handOver: (batch: T[]) => void,
): Batches<T> {
  let waiting: T[] = []
  return {
    get size() {
      return waiting.length
    },
    add(one) {
      waiting.push(one)
      pump()
    },
    remove(one) {
      const at = waiting.indexOf(one)
      if (at !== -1) waiting.splice(at, 1)
      return at !== -1
    },
    pump,
  }

  function pump(): void {
    while (waiting.length > 0 && freeThreads() > 0) {
      // A fair share, so that no thread is idle while another has many.
      const most = Math.ceil(waiting.length / threads)
      let count = 1
      for (let weight = waiting[0]!.weight; count < most; count++) {
        weight += waiting[count]!.weight
        if (weight > BATCH_WEIGHT) break
      }
      const batch = waiting.slice(0, count)
      waiting = waiting.slice(count)
      handOver(batch)
    }
  }
}
