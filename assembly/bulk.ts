import { collect, convert, PENDING } from './pending'
import { Byte } from './bytes'
import { readOne } from './json-reader'
import { extendIndex, index, resetIndex } from './number-index'
import { get, INDICES, LENGTHS, place, set, STARTS } from './place'

/**
 * Runs of plain numbers, the rows they fill included: between two of them a comma, or a bracket closed, a comma and a bracket opened, with
 * at most one space behind the comma. What is between numbers otherwise is left to the caller, a number of another form to readOne.
 *
 * The work is cut into loops of few steps (find the edges of numbers, collect digits, convert), with everything a loop gives in memory for
 * the next, so that a processor has several numbers under way in each: a number by itself is one long chain of dependent steps.
 */

/** `],[` and `], [` as little-endian words. */
const CLOSE_COMMA: u32 = 0x2c5d
const COMMA_OPEN: u32 = 0x5b2c
const COMMA_SPACE: u32 = 0x202c
const SPACE_OPEN: u32 = 0x5b20

/** Forgets what was indexed of another text. */
export function startIndex(): void {
  resetIndex(0)
}

/**
 * Reads the number at `at` and those that follow it. Gives the pointer behind the last one read, or 0 when the report is written.
 */
export function readNumbers<T extends number>(at: usize): usize {
  if (place.rank == 0) return readOne<T>(at)
  let edge = seekEdge(at)
  let firstEdge = edge
  let pending = PENDING
  while (true) {
    for (const last = index.edgesEnd - 8; edge < last; edge += 8) {
      const start = <usize>load<u32>(edge)
      const end = <usize>load<u32>(edge, 4)
      const next = <usize>load<u32>(edge, 8)
      if (collect<T>(pending, start, end)) {
        pending += 16
      } else {
        convert<T>(pending, firstEdge)
        const behind = readOne<T>(start)
        if (behind != end) return leave(edge, behind)
        pending = PENDING
        firstEdge = edge + 8
      }
      const between = next - end
      if (between == 1 ? load<u8>(end) == Byte.Comma : between == 2 && <u32>load<u16>(end) == COMMA_SPACE) continue
      if (isNextRow(end, between) && enterRow<T>(next, pending)) continue
      convert<T>(pending, firstEdge)
      return leave(edge, end)
    }
    convert<T>(pending, firstEdge)
    if (index.complete) return leave(edge, readOne<T>(<usize>load<u32>(edge)))
    edge = extendIndex(edge, place.end)
    firstEdge = edge
    pending = PENDING
  }
}

// @ts-ignore: decorator
@inline
function isNextRow(at: usize, length: usize): bool {
  if (length == 3) return <u32>load<u16>(at) == CLOSE_COMMA && <u32>load<u16>(at, 1) == COMMA_OPEN
  return length == 4 && <u32>load<u16>(at) == CLOSE_COMMA && <u32>load<u16>(at, 2) == SPACE_OPEN
}

/** Closes the row that ends with the numbers pending and opens the next one, whose first number is at `next`; or does nothing. */
// @ts-ignore: decorator
@inline
function enterRow<T extends number>(next: usize, pending: usize): bool {
  const depth = place.depth
  const out = place.out + ((pending - PENDING) >> 4) * sizeof<T>()
  if (depth < 2 || <u32>((out - place.row) / sizeof<T>()) != get(LENGTHS, depth - 1)) return false
  place.row = out
  set(INDICES, depth - 2, get(INDICES, depth - 2) + 1)
  set(STARTS, depth - 1, <u32>(next - 1))
  return true
}

/** The edge where the number at `at` starts. */
function seekEdge(at: usize): usize {
  let edge = index.edge
  while (edge < index.edgesEnd && <usize>load<u32>(edge) < at) edge += 8
  if (edge < index.edgesEnd && <usize>load<u32>(edge) == at) return edge
  resetIndex(at)
  return extendIndex(index.edgesEnd, place.end)
}

// @ts-ignore: decorator
@inline
function leave(edge: usize, at: usize): usize {
  index.edge = edge
  return at
}
