/** ASCII as JSON uses it. */
export namespace Byte {
  export const Tab: u32 = 0x09
  export const LineFeed: u32 = 0x0a
  export const Return: u32 = 0x0d
  export const Space: u32 = 0x20
  export const Quote: u32 = 0x22
  export const Plus: u32 = 0x2b
  export const Comma: u32 = 0x2c
  export const Minus: u32 = 0x2d
  export const Point: u32 = 0x2e
  export const Slash: u32 = 0x2f
  export const Zero: u32 = 0x30
  export const Colon: u32 = 0x3a
  export const OpenArray: u32 = 0x5b
  export const Backslash: u32 = 0x5c
  export const CloseArray: u32 = 0x5d
  export const E: u32 = 0x65
  export const U: u32 = 0x75
  export const OpenObject: u32 = 0x7b
  export const CloseObject: u32 = 0x7d
}

// @ts-ignore: decorator
@inline
export function isDigit(byte: u32): bool {
  return byte - Byte.Zero < 10
}

// @ts-ignore: decorator
@inline
export function isSpace(byte: u32): bool {
  return byte <= Byte.Space && (byte == Byte.Space || byte == Byte.LineFeed || byte == Byte.Return || byte == Byte.Tab)
}

/** The byte at `at`, or 0, which JSON allows nowhere, at the end of the text. */
// @ts-ignore: decorator
@inline
export function peek(at: usize, end: usize): u32 {
  return at < end ? load<u8>(at) : 0
}

// @ts-ignore: decorator
@inline
export function skipSpace(at: usize, end: usize): usize {
  while (at < end && isSpace(load<u8>(at))) at++
  return at
}
