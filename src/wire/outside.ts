import type { Region } from './tensor.ts'

/** From so many bytes on a tensor may stay outside of kernel memory: a copy of it would have left the processor's cache before it is used. */
export const MIN_OUTSIDE_BYTES = 2 ** 20

/** Bytes that are elsewhere already: their place is behind the first `at` bytes of what is written beside them. */
export interface Insertion {
  readonly at: number
  readonly bytes: Uint8Array
}

/** The region that is not in kernel memory, if there is one. @param at bytes written in front of all regions */
export function insertionOf(regions: readonly Region[], at: number): Insertion | undefined {
  for (const { bytes, outside } of regions) {
    if (outside) return { at, bytes: outside }
    at += bytes
  }
  return undefined
}
