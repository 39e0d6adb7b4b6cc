/**
 * A cursor over JSON text and the grammar of RFC 8259. Every function moves `at` behind what it accepts and returns true, or
 * returns false with `at` on the first byte that no JSON text could have there (`end`, if the text breaks off).
 */
export interface Scanner {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
export const COMMA = 0x2c
const COLON = 0x3a
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const ZERO = 0x30
const LOWER_E = 0x65
const LOWER_U = 0x75
export const OPEN_ARRAY = 0x5b
export const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const LITERALS = [[...'true'], [...'false'], [...'null']].map((word) => word.map((letter) => letter.charCodeAt(0)))
const SIMPLE_ESCAPES = [...'"\\/bfnrt'].map((letter) => letter.charCodeAt(0))

/** The byte at the cursor, or -1 at the end. */
export function peek(s: Scanner): number {
  return s.at < s.end ? s.bytes[s.at]! : -1
}

/** Takes `byte` if it is next. */
export function take(s: Scanner, byte: number): boolean {
  if (peek(s) !== byte) return false
  s.at++
  return true
}

export function skipSpace(s: Scanner): void {
  for (let byte = peek(s); byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = peek(s)) s.at++
}

export function isNumberStart(byte: number): boolean {
  return byte === MINUS || isDigit(byte)
}

function skipNumber(s: Scanner): boolean {
  take(s, MINUS)
  if (!take(s, ZERO) && !skipDigits(s)) return false
  if (take(s, POINT) && !skipDigits(s)) return false
  if ((peek(s) | 0x20) !== LOWER_E) return true
  s.at++
  if (!take(s, MINUS)) take(s, PLUS)
  return skipDigits(s)
}

/** Bytes of 0x80 and above are taken as they are: whether they are UTF-8 is the decoder's question, not the grammar's. */
function skipString(s: Scanner): boolean {
  if (!take(s, QUOTE)) return false
  while (s.at < s.end) {
    const byte = s.bytes[s.at]!
    if (byte < 0x20) return false
    s.at++
    if (byte === QUOTE) return true
    if (byte === BACKSLASH && !skipEscape(s)) return false
  }
  return false
}

/** One value of any kind. */
export function skipValue(s: Scanner): boolean {
  return skipNested(s, 0, false)
}

/**
 * The rest of a value inside `openArrays` arrays up to the last one's closing bracket, from an element on or, with
 * `behindElement`, from behind one. The open brackets are kept outside the call stack, so no depth is too deep.
 */
export function skipNested(s: Scanner, openArrays: number, behindElement: boolean): boolean {
  let inObject = new Uint8Array(64)
  let depth = openArrays
  let behind = behindElement
  for (;;) {
    if (!behind) {
      skipSpace(s)
      const opener = peek(s)
      if (opener === OPEN_ARRAY || opener === OPEN_OBJECT) {
        s.at++
        skipSpace(s)
        if (depth === inObject.length) inObject = doubled(inObject)
        inObject[depth++] = opener === OPEN_OBJECT ? 1 : 0
        if (peek(s) === closerOf(opener)) behind = true
        else if (opener === OPEN_OBJECT && !skipKey(s)) return false
        else continue
      } else if (!skipPrimitive(s)) return false
    }
    behind = false
    while (depth > 0) {
      skipSpace(s)
      const object = inObject[depth - 1] === 1
      if (take(s, object ? CLOSE_OBJECT : CLOSE_ARRAY)) depth--
      else if (!take(s, COMMA)) return false
      else if (object && !skipKey(s)) return false
      else break
    }
    if (depth === 0) return true
  }
}

function closerOf(opener: number): number {
  return opener === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY
}

function doubled(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * bytes.length)
  larger.set(bytes)
  return larger
}

function skipKey(s: Scanner): boolean {
  skipSpace(s)
  if (!skipString(s)) return false
  skipSpace(s)
  return take(s, COLON)
}

function skipPrimitive(s: Scanner): boolean {
  const byte = peek(s)
  if (byte === QUOTE) return skipString(s)
  if (isNumberStart(byte)) return skipNumber(s)
  const word = LITERALS.find((letters) => letters[0] === byte)
  return word?.every((letter) => take(s, letter)) ?? false
}

function skipEscape(s: Scanner): boolean {
  if (take(s, LOWER_U)) {
    for (let digit = 0; digit < 4; digit++) {
      if (!isHexDigit(peek(s))) return false
      s.at++
    }
    return true
  }
  if (!SIMPLE_ESCAPES.includes(peek(s))) return false
  s.at++
  return true
}

function skipDigits(s: Scanner): boolean {
  const start = s.at
  while (isDigit(peek(s))) s.at++
  return s.at > start
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9
}

function isHexDigit(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
}
