/**
 * Finds where numbers begin and end without reading them: 64 bytes give a mask of the bytes numbers are made of, and the mask's edges
 * are starts and ends in turn. The bytes a number needs are then known before the number in front of it has been read, so a processor
 * works on several at once. After G. Langdale, D. Lemire, Parsing Gigabytes of JSON per Second, 2019, https://arxiv.org/abs/1902.08318
 *
 *   text   [ - 1 . 5 , 2 e 3 ]
 *   mask   0 1 1 1 1 0 1 1 1 0
 *   edges  0 1 0 0 0 1 1 0 0 1     start 1, end 5, start 6, end 9
 *
 * What lies between the edges is not looked at here: inside a string they mean nothing, and a run of these bytes need not be a number.
 */

const BLOCK: usize = 64
/** Blocks indexed at a time: far enough for the reader's loop to be long, near enough for index and text to stay in the first cache. */
const BLOCKS: u32 = 64
/** Edges of all blocks and a partial one, two carried over, and what the unrolled store writes too much. */
const EDGES: usize = memory.data((65 * 64 + 16) << 2, 16)
/** The last, partial block, filled up with spaces. */
const TAIL: usize = memory.data(64, 16)

@unmanaged
class Index {
  /** Where the next block begins. */
  next: usize
  /** Whether the byte before it belongs to a number. */
  inNumber: u64
  /** The edge to go on with, and behind the last edge. */
  edge: usize
  edgesEnd: usize
  /** All of the text has been indexed. */
  complete: bool
}

export const index: Index = changetype<Index>(memory.data(32, 16))

/** Starts over at `at`, outside any number. */
export function resetIndex(at: usize): void {
  index.next = at
  index.inNumber = 0
  index.edge = EDGES
  index.edgesEnd = EDGES
  index.complete = false
}

/** Moves the edges from `kept` on to the front and adds those of the next blocks; gives the pointer of the first. */
export function extendIndex(kept: usize, end: usize): usize {
  let edges = EDGES
  for (; kept < index.edgesEnd; kept += 4, edges += 4) store<u32>(edges, load<u32>(kept))
  let at = index.next
  let inNumber = index.inNumber
  for (let block: u32 = 0; block < BLOCKS && end - at >= BLOCK; block++, at += BLOCK) {
    const mask = numberBytes(at)
    edges = storeEdges(edges, at, mask ^ ((mask << 1) | inNumber))
    inNumber = mask >> 63
  }
  if (end - at < BLOCK) {
    const mask = numberBytes(padded(at, end - at))
    edges = storeEdges(edges, at, mask ^ ((mask << 1) | inNumber))
    at = end
    index.complete = true
  }
  index.next = at
  index.inNumber = inNumber
  index.edgesEnd = edges
  return EDGES
}

// @ts-ignore: decorator
@inline
function storeEdges(edges: usize, at: usize, bits: u64): usize {
  const edgesEnd = edges + (<usize>popcnt(bits) << 2)
  // Eight at a time whether there are as many or not: a count that varies would be mispredicted.
  while (bits) {
    for (let i = 0; i < 8; i++) {
      store<u32>(edges, <u32>at + <u32>ctz(bits))
      bits &= bits - 1
      edges += 4
    }
  }
  return edgesEnd
}

// @ts-ignore: decorator
@inline
function numberBytes(at: usize): u64 {
  return (
    numberLanes(v128.load(at)) |
    (numberLanes(v128.load(at, 16)) << 16) |
    (numberLanes(v128.load(at, 32)) << 32) |
    (numberLanes(v128.load(at, 48)) << 48)
  )
}

/** Digits, `-`, `.`, `+`, `e`, `E`, and `/`, which no number has but which lies between `.` and `0`. */
// @ts-ignore: decorator
@inline
function numberLanes(bytes: v128): u64 {
  const plain = i8x16.le_u(i8x16.sub(bytes, i8x16.splat(0x2d)), i8x16.splat(0x39 - 0x2d))
  const exponent = i8x16.eq(v128.or(bytes, i8x16.splat(0x20)), i8x16.splat(0x65))
  const plus = i8x16.eq(bytes, i8x16.splat(0x2b))
  return <u64>i8x16.bitmask(v128.or(plain, v128.or(exponent, plus)))
}

function padded(at: usize, length: usize): usize {
  memory.fill(TAIL, 0x20, BLOCK)
  memory.copy(TAIL, at, length)
  return TAIL
}
