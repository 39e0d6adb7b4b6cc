/** High 64 bits of a 128-bit product, which WebAssembly has no instruction for. */
// @ts-ignore: decorator
@inline
export function multiplyHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff
  const aHigh = a >> 32
  const bLow = b & 0xffffffff
  const bHigh = b >> 32
  const cross = aHigh * bLow + ((aLow * bLow) >> 32)
  return aHigh * bHigh + (cross >> 32) + (((cross & 0xffffffff) + aLow * bHigh) >> 32)
}

/** floor(log2(10^q)) for |q| <= 1233. */
// @ts-ignore: decorator
@inline
export function floorLog2OfPower(q: i32): i32 {
  return (q * 1741647) >> 19
}
