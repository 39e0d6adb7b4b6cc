import type { Region } from './tensor.ts'

/** From so many bytes on a tensor may stay outside of kernel memory: a copy of it would have left the processor's cache before it is used. */
export const MIN_OUTSIDE_BYTES = 2 ** 20

/** Bytes that are elsewhere already: their place is behind the first `at` bytes of what is written beside them. */
export interface Insertion {
  readonly at: number
  readonly bytes: Uint8Array
}

/**
 * How long the regions of kernel memory are behind `at` other bytes, those included, and where among them the one region belongs that is outside.
 * At most one may be.
 */
export function layOut(regions: Iterable<Region>, at: number): { length: number; insertion: Insertion | undefined } {
  let length = at
  let insertion: Insertion | undefined
  for (const { bytes, outside } of regions) {
    if (!outside) length += bytes
    else if (insertion) throw new Error('expected at most one output outside of kernel memory')
    else insertion = { at: length, bytes: outside }
  }
  return { length, insertion }
}
