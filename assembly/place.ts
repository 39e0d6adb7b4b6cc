/**
 * Where a reader is in the tensor. The outermost value has depth 0; an array at depth d holds elements of depth d + 1. There is one
 * place, in fixed memory: a module instance reads one value at a time.
 */

export const MAX_RANK: u32 = 8
/** A rank or a length that nothing has fixed yet. */
export const UNKNOWN: u32 = -1

@unmanaged
export class Place {
  /** The bytes that may be read are [text, end). */
  text: usize
  end: usize
  report: usize
  /** Where the next number is stored. */
  out: usize
  /** Where the numbers of the value, and those of the open innermost array, begin. */
  values: usize
  row: usize
  elementBytes: usize
  depth: u32
  /** Depth of the numbers, fixed by the first number or empty array. */
  rank: u32
}

export const place: Place = changetype<Place>(memory.data(64, 16))

/** By depth, u32 each: length of the arrays, fixed when the first one is closed; elements so far of the open one; its position. */
export const LENGTHS: usize = memory.data(MAX_RANK << 2, 4)
export const INDICES: usize = memory.data(MAX_RANK << 2, 4)
export const STARTS: usize = memory.data(MAX_RANK << 2, 4)

export function resetPlace(text: usize, end: usize, values: usize, elementBytes: usize, report: usize): void {
  place.text = text
  place.end = end
  place.report = report
  place.out = values
  place.values = values
  place.row = values
  place.elementBytes = elementBytes
  place.depth = 0
  place.rank = UNKNOWN
  memory.fill(LENGTHS, 0xff, MAX_RANK << 2)
}

// @ts-ignore: decorator
@inline
export function get(table: usize, depth: u32): u32 {
  return load<u32>(table + (<usize>depth << 2))
}

// @ts-ignore: decorator
@inline
export function set(table: usize, depth: u32, value: u32): void {
  store<u32>(table + (<usize>depth << 2), value)
}
