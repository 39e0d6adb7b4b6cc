/** Numbers in [0, 1) that are the same for the same seed: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `count` different integers in [0, total), rising; all of them where there are no more. */
export function sampleOf(total: number, count: number, random: () => number): number[] {
  if (count >= total) return Array.from({ length: total }, (_, i) => i)
  const chosen = new Set<number>()
  for (let last = total - count; last < total; last++) {
    const drawn = Math.floor(random() * (last + 1))
    chosen.add(chosen.has(drawn) ? last : drawn)
  }
  return [...chosen].sort((a, b) => a - b)
}
