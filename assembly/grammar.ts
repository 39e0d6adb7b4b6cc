import { Byte, isDigit, peek, skipSpace } from './bytes'
import { clearBrackets, inObject, popBracket, pushBracket } from './brackets'

/**
 * The grammar of RFC 8259 over the bytes [at, end). Every function gives the pointer behind what it accepts, or 0 after it has
 * noted in `faultPosition` the first byte that no JSON text could have there (`end`, if the text breaks off).
 */

const FAULT: usize = memory.data(8, 8)

export function faultPosition(): usize {
  return load<usize>(FAULT)
}

export function fault(at: usize): usize {
  store<usize>(FAULT, at)
  return 0
}

/** One value of any kind, white space in front of it allowed. */
export function skipAny(at: usize, end: usize): usize {
  at = skipSpace(at, end)
  const byte = peek(at, end)
  if (byte == Byte.OpenArray || byte == Byte.OpenObject) return skipNested(at, end, 0, false)
  return skipPrimitive(at, end)
}

/**
 * The rest of a value inside `openArrays` arrays up to the last one's closing bracket, from an element on or, with
 * `behindElement`, from behind one. Open brackets are kept outside the call stack (see brackets.ts), so no depth is too deep.
 */
export function skipNested(at: usize, end: usize, openArrays: u32, behindElement: bool): usize {
  clearBrackets()
  for (let i: u32 = 0; i < openArrays; i++) pushBracket(i, false, 0)
  let depth = openArrays
  let behind = behindElement
  do {
    if (!behind) {
      at = skipSpace(at, end)
      const opener = peek(at, end)
      if (opener == Byte.OpenArray || opener == Byte.OpenObject) {
        const object = opener == Byte.OpenObject
        pushBracket(depth++, object, at)
        at = skipSpace(at + 1, end)
        if (peek(at, end) == (object ? Byte.CloseObject : Byte.CloseArray)) {
          behind = true
        } else {
          if (object) {
            at = skipKey(at, end)
            if (!at) return 0
          }
          continue
        }
      } else {
        at = skipPrimitive(at, end)
        if (!at) return 0
      }
    }
    behind = false
    while (depth > 0) {
      at = skipSpace(at, end)
      const object = inObject(depth - 1)
      const byte = peek(at, end)
      if (byte == (object ? Byte.CloseObject : Byte.CloseArray)) {
        at++
        popBracket(--depth)
      } else {
        if (byte != Byte.Comma) return fault(at)
        at++
        if (object) {
          at = skipKey(at, end)
          if (!at) return 0
        }
        break
      }
    }
  } while (depth > 0)
  return at
}

export function skipNumber(at: usize, end: usize): usize {
  if (peek(at, end) == Byte.Minus) at++
  if (peek(at, end) == Byte.Zero) at++
  else {
    at = skipDigits(at, end)
    if (!at) return 0
  }
  if (peek(at, end) == Byte.Point) {
    at = skipDigits(at + 1, end)
    if (!at) return 0
  }
  if ((peek(at, end) | 0x20) != Byte.E) return at
  at++
  const sign = peek(at, end)
  if (sign == Byte.Minus || sign == Byte.Plus) at++
  return skipDigits(at, end)
}

function skipPrimitive(at: usize, end: usize): usize {
  const byte = peek(at, end)
  if (byte == Byte.Quote) return skipString(at, end)
  if (byte == Byte.Minus || isDigit(byte)) return skipNumber(at, end)
  // The letters behind the first one, little-endian.
  if (byte == 0x74) return skipLetters(at + 1, end, 0x657572, 3)
  if (byte == 0x66) return skipLetters(at + 1, end, 0x65736c61, 4)
  if (byte == 0x6e) return skipLetters(at + 1, end, 0x6c6c75, 3)
  return fault(at)
}

/** Bytes of 0x80 and above are taken as they are: whether they are UTF-8 is the decoder's question, not the grammar's. */
function skipString(at: usize, end: usize): usize {
  at++
  while (true) {
    at = skipPlain(at, end)
    if (at == end) return fault(at)
    const byte: u32 = load<u8>(at)
    if (byte == Byte.Quote) return at + 1
    if (byte != Byte.Backslash) return fault(at)
    at = skipEscape(at + 1, end)
    if (!at) return 0
  }
}

/** Up to the first quote, backslash or control character. */
function skipPlain(at: usize, end: usize): usize {
  while (end - at >= 16) {
    const bytes = v128.load(at)
    const special = v128.or(
      v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
      i8x16.lt_u(bytes, i8x16.splat(0x20)),
    )
    const mask = i8x16.bitmask(special)
    if (mask) return at + ctz(mask)
    at += 16
  }
  while (at < end) {
    const byte: u32 = load<u8>(at)
    if (byte == Byte.Quote || byte == Byte.Backslash || byte < 0x20) return at
    at++
  }
  return at
}

function skipEscape(at: usize, end: usize): usize {
  const byte = peek(at, end)
  if (byte == Byte.U) {
    for (let last = at + 4; at < last; ) {
      const digit = peek(++at, end)
      if (!isDigit(digit) && (digit | 0x20) - 0x61 > 5) return fault(at)
    }
    return at + 1
  }
  if (byte == Byte.Quote || byte == Byte.Backslash || byte == Byte.Slash) return at + 1
  if (byte == 0x62 || byte == 0x66 || byte == 0x6e || byte == 0x72 || byte == 0x74) return at + 1
  return fault(at)
}

function skipKey(at: usize, end: usize): usize {
  at = skipSpace(at, end)
  if (peek(at, end) != Byte.Quote) return fault(at)
  at = skipString(at, end)
  if (!at) return 0
  at = skipSpace(at, end)
  return peek(at, end) == Byte.Colon ? at + 1 : fault(at)
}

function skipLetters(at: usize, end: usize, letters: u32, count: u32): usize {
  for (let i: u32 = 0; i < count; i++) {
    if (peek(at, end) != (letters & 0xff)) return fault(at)
    letters >>= 8
    at++
  }
  return at
}

function skipDigits(at: usize, end: usize): usize {
  if (!isDigit(peek(at, end))) return fault(at)
  do at++
  while (isDigit(peek(at, end)))
  return at
}
