/**
 * The float32 whose shortest decimals are the hardest to tell: a rounding or an end of their interval is closest to a decimal.
 *
 * With v = c * 2^q / 10^k as in assembly/shortest.ts, the digits change where v is halfway between two integers, and where an end of the
 * interval, (2 c +- 1) * 2^(q-1) / 10^k, is a multiple of ten. So these are the c for which a linear expression modulo something is next
 * to zero, and they are found as such, not by trying all.
 */

/** Parts of a unit of the last digit that count as close. Arithmetic in float64 is off by less than a sixteenth of that. */
const CLOSE_TO = 1n << 21n
/** Where borders are hit exactly, half of all float32 may be. */
const MOST = 60
const LEAST_C = 1n << 23n
const MAX_BIASED = 254

/** Bits of positive normal float32. */
export function borderlineF32(): number[] {
  const found: number[] = []
  for (let biased = 1; biased <= MAX_BIASED; biased++) {
    const q = biased - 150
    const k = Math.floor(q * Math.log10(2))
    const numerator = 2n ** BigInt(Math.max(q, 0)) * 10n ** BigInt(Math.max(-k, 0))
    const denominator = 2n ** BigInt(Math.max(-q, 0)) * 10n ** BigInt(Math.max(k, 0))
    const borders = [
      { offset: -denominator, modulus: 2n * denominator },
      { offset: numerator, modulus: 20n * denominator },
      { offset: -numerator, modulus: 20n * denominator },
    ]
    for (const { offset, modulus } of borders) {
      const reach = (2n * denominator) / CLOSE_TO
      for (const c of closeToZero(2n * numerator, offset, modulus, reach)) {
        found.push((biased << 23) | Number(c - LEAST_C))
      }
    }
  }
  return found
}

/** The first c in [2^23, 2^24) for which factor * c + offset is within `reach` of a multiple of `modulus`. */
function closeToZero(factor: bigint, offset: bigint, modulus: bigint, reach: bigint): bigint[] {
  const found: bigint[] = []
  for (let c = LEAST_C; found.length < MOST; c++) {
    const low = positive(-reach - factor * c - offset, modulus)
    const high = low + 2n * reach
    // An interval that goes over the end holds 0.
    const step = high >= modulus ? 0n : firstIn(factor % modulus, modulus, low, high)
    if (step === undefined) break
    c += step
    if (c >= 2n * LEAST_C) break
    found.push(c)
  }
  return found
}

/** The least x >= 0 with low <= factor * x mod modulus <= high, as Euclid's algorithm finds it; 0 <= factor, low, high < modulus. */
function firstIn(factor: bigint, modulus: bigint, low: bigint, high: bigint): bigint | undefined {
  if (low === 0n) return 0n
  if (factor === 0n) return undefined
  const direct = (low + factor - 1n) / factor
  if (direct * factor <= high) return direct
  const turns = firstIn(modulus % factor, factor, positive(-high, factor), positive(-low, factor))
  return turns === undefined ? undefined : (low + modulus * turns + factor - 1n) / factor
}

function positive(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus
  return rest < 0n ? rest + modulus : rest
}
