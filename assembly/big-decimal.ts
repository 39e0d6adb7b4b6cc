import { Byte } from './bytes'

/**
 * The last resort of decimal.ts: is a decimal below, on or above the point halfway between two neighbouring float64? Both sides are
 * scaled to integers and compared limb by limb.
 *
 *   digits * 10^scale  ?  (2 m + 1) * 2^(e - 1)        value below = m * 2^e
 *
 * Of the digits 770 are kept, one more than a halfway point can have (the longest belongs to the largest subnormal), and whether any
 * digit behind them is not 0: enough to decide. So an integer has at most log2(10^770) + 1075 bits or, on the other side,
 * 54 + log2(5^(343 + 770)) + 1, in either case less than the 4096 of the 128 limbs here.
 */

const MAX_DIGITS: i32 = 770
const LIMBS: u32 = 144
/** Limbs of 32 bits, the lowest first, with their number in front. */
const DECIMAL: usize = memory.data((LIMBS + 2) << 2, 8)
const HALFWAY: usize = memory.data((LIMBS + 2) << 2, 8)
/** 5^13, the largest power of 5 in a limb. */
const FIVE_13: u32 = 1220703125

/**
 * The value of the number in [start, end) rounded to nearest, ties to even, given the bits of a float64 at most a little above it and
 * less than 1.5 units below.
 *
 * @param scale power of ten of the first 19 significant digits taken as an integer
 */
export function roundByDigits(start: usize, end: usize, scale: i64, below: u64): f64 {
  const kept = collect(start, end)
  let power = <i32>scale - (kept - min(kept, 19))
  const exponent = <i32>(below >> 52)
  const fraction = below & 0xfffffffffffff
  setTo(HALFWAY, 2 * (exponent ? fraction | (1 << 52) : fraction) + 1)
  const twos = max(exponent, 1) - 1075 - 1
  if (power >= 0) multiplyByFives(DECIMAL, power)
  else multiplyByFives(HALFWAY, -power)
  const shift = power - twos
  if (shift >= 0) shiftLeft(DECIMAL, shift)
  else shiftLeft(HALFWAY, -shift)
  const order = compare(DECIMAL, HALFWAY)
  return reinterpret<f64>(below + (order > 0 || (order == 0 && (below & 1)) ? 1 : 0))
}

/** The significant digits up to MAX_DIGITS as an integer in DECIMAL; gives their number. */
function collect(at: usize, end: usize): i32 {
  setTo(DECIMAL, 0)
  let count = 0
  let group: u32 = 0
  let groupPower: u32 = 1
  let sticky = false
  for (; at < end; at++) {
    const digit = <u32>load<u8>(at) - Byte.Zero
    if (digit > 9) {
      if (digit != Byte.Point - Byte.Zero) break
      continue
    }
    if (count == 0 && digit == 0) continue
    if (count == MAX_DIGITS) {
      if (digit) sticky = true
      continue
    }
    count++
    group = group * 10 + digit
    groupPower *= 10
    if (groupPower == 1000000000) {
      multiplyAdd(DECIMAL, groupPower, group)
      group = 0
      groupPower = 1
    }
  }
  multiplyAdd(DECIMAL, groupPower, group)
  if (sticky) {
    multiplyAdd(DECIMAL, 10, 1)
    count++
  }
  return count
}

function setTo(big: usize, value: u64): void {
  store<u32>(big, value >> 32 ? 2 : value ? 1 : 0)
  store<u32>(big + 4, <u32>value)
  store<u32>(big + 8, <u32>(value >> 32))
}

function multiplyAdd(big: usize, factor: u32, addend: u32): void {
  let limbs = load<u32>(big)
  let carry: u64 = addend
  let at = big + 4
  for (const last = at + (limbs << 2); at < last; at += 4) {
    carry += <u64>load<u32>(at) * factor
    store<u32>(at, <u32>carry)
    carry >>= 32
  }
  if (carry) {
    store<u32>(at, <u32>carry)
    limbs++
  }
  store<u32>(big, limbs)
}

function multiplyByFives(big: usize, count: i32): void {
  for (; count >= 13; count -= 13) multiplyAdd(big, FIVE_13, 0)
  let rest: u32 = 1
  for (; count > 0; count--) rest *= 5
  multiplyAdd(big, rest, 0)
}

function shiftLeft(big: usize, count: i32): void {
  multiplyAdd(big, 1 << (count & 31), 0)
  const limbs = load<u32>(big)
  const moved = <u32>count >> 5
  memory.copy(big + 4 + (moved << 2), big + 4, limbs << 2)
  memory.fill(big + 4, 0, moved << 2)
  store<u32>(big, limbs + moved)
}

function compare(a: usize, b: usize): i32 {
  const limbs = load<u32>(a)
  if (limbs != load<u32>(b)) return limbs > load<u32>(b) ? 1 : -1
  for (let offset = limbs << 2; offset > 0; offset -= 4) {
    const left = load<u32>(a + offset)
    const right = load<u32>(b + offset)
    if (left != right) return left > right ? 1 : -1
  }
  return 0
}
