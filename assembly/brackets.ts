import { Byte } from './bytes'

/**
 * The open brackets of a text, any number of them, in fixed memory: one bit a level (1 = object) for the topmost 1 to 2 spans of
 * levels. Levels below are not kept, because the text still has them: when the depth falls to one, its span is read back from the
 * text, backwards from the opener above it. Each rereading is paid for by the 2^21 bytes at least that it takes to push a span and
 * pop it again.
 *
 *   level   0 .. span-1 | span .. 2 span-1 | 2 span .. depth
 *           dropped     | bits, even half  | bits, odd half       (a span's half is the parity of its number)
 */

const SPAN: u32 = 1 << 20
const BITS: usize = memory.data(1 << 18, 16)
/** Text position of the first opener of the span in each half. */
const MARKS: usize = memory.data(16, 8)
/** Lowest level kept, a multiple of SPAN. */
const FLOOR: usize = memory.data(4, 4)

export function clearBrackets(): void {
  store<u32>(FLOOR, 0)
}

/** Opens `level`, the number of brackets open before; `at` is the opener's position. */
// @ts-ignore: decorator
@inline
export function pushBracket(level: u32, object: bool, at: usize): void {
  if ((level & (SPAN - 1)) == 0) enterSpan(level, at)
  writeBit(level, object)
}

/** Closes `level`, the number of brackets still open. */
// @ts-ignore: decorator
@inline
export function popBracket(level: u32): void {
  if (level == load<u32>(FLOOR) && level > 0) readBack(level)
}

// @ts-ignore: decorator
@inline
export function inObject(level: u32): bool {
  return ((load<u8>(BITS + ((level & (2 * SPAN - 1)) >> 3)) >> (level & 7)) & 1) as bool
}

// @ts-ignore: decorator
@inline
function writeBit(level: u32, object: bool): void {
  const byte = BITS + ((level & (2 * SPAN - 1)) >> 3)
  const bit = level & 7
  store<u8>(byte, <u8>((<u32>load<u8>(byte) & ~(<u32>1 << bit)) | (u32(object) << bit)))
}

function enterSpan(level: u32, at: usize): void {
  store<usize>(markOf(level), at)
  if (level > SPAN) store<u32>(FLOOR, max(load<u32>(FLOOR), level - SPAN))
}

/** Restores the span below `floor` from the text before the opener of level `floor`. */
function readBack(floor: u32): void {
  let at = load<usize>(markOf(floor))
  let closed: u32 = 0
  let level = floor
  while (level > floor - SPAN) {
    const byte: u32 = load<u8>(--at)
    if (byte == Byte.Quote) at = openingQuote(at)
    else if (byte == Byte.CloseArray || byte == Byte.CloseObject) closed++
    else if (byte == Byte.OpenArray || byte == Byte.OpenObject) {
      if (closed > 0) closed--
      else writeBit(--level, byte == Byte.OpenObject)
    }
  }
  store<usize>(markOf(level), at)
  store<u32>(FLOOR, level)
}

/** No backslash is outside a string and a quote inside has one before it, so the opening quote is the first without. */
function openingQuote(at: usize): usize {
  do at--
  while (load<u8>(at) != Byte.Quote || load<u8>(at - 1) == Byte.Backslash)
  return at
}

// @ts-ignore: decorator
@inline
function markOf(level: u32): usize {
  return MARKS + (((level / SPAN) & 1) << 3)
}
