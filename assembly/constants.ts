/**
 * Vectors of equal lanes as data: V8 builds a v128.const anew at each use, by three instructions, where a load takes one.
 */
const SPLATS: usize = memory.data<u64>([
  0x2e2e2e2e2e2e2e2e, 0x2e2e2e2e2e2e2e2e, 0x3030303030303030, 0x3030303030303030,
  0x0909090909090909, 0x0909090909090909, 0x0a010a010a010a01, 0x0a010a010a010a01,
  0x0001006400010064, 0x0001006400010064, 0x0001271000012710, 0x0001271000012710,
  0x4197d78400000000, 0x4197d78400000000, 0x4341c37937e08000, 0x4341c37937e08000,
  0x000000001fffffff, 0x000000001fffffff, 0x800000000ffffffc, 0x800000000ffffffc,
])

/** The point and the zero of ASCII, and 9, in each byte. */
// @ts-ignore: decorator
@inline
export function points(): v128 {
  return v128.load(SPLATS)
}

// @ts-ignore: decorator
@inline
export function zeros(): v128 {
  return v128.load(SPLATS, 16)
}

// @ts-ignore: decorator
@inline
export function nines(): v128 {
  return v128.load(SPLATS, 32)
}

/** 10 * 256 + 1 in each i16: a pair of digits (a, b) times it has 10 a + b in its high byte. */
// @ts-ignore: decorator
@inline
export function pairFactors(): v128 {
  return v128.load(SPLATS, 48)
}

/** i16 100, 1 and 10000, 1 in turn. */
// @ts-ignore: decorator
@inline
export function fourFactors(): v128 {
  return v128.load(SPLATS, 64)
}

// @ts-ignore: decorator
@inline
export function eightFactors(): v128 {
  return v128.load(SPLATS, 80)
}

/** 10^8 and 10^16 as f64. */
// @ts-ignore: decorator
@inline
export function tenTo8(): v128 {
  return v128.load(SPLATS, 96)
}

// @ts-ignore: decorator
@inline
export function tenTo16(): v128 {
  return v128.load(SPLATS, 112)
}

/** The bits of an f64 that a float32 has no room for. */
// @ts-ignore: decorator
@inline
export function lostBits(): v128 {
  return v128.load(SPLATS, 128)
}

/** Four below half a float32 unit in those bits; in the odd i32 lanes what keeps a 0 out of any small range. */
// @ts-ignore: decorator
@inline
export function nearHalf(): v128 {
  return v128.load(SPLATS, 144)
}
