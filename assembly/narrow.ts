/** The one hot loop: exponentials and distances of a float32 row, in float32. See sums.ts for what that may lose. */
import { constantF32, expF32, expF64, F32Constant, LN2, LOG2_E, ROUND_F32 } from './exp'
import { foldF32, loadPart, storePart, sumF64 } from './lanes'

/**
 * There are two ways. The careful one is `expF32`, for any row. The swift one leaves out the second step of the reduction: ln2 = HIGH + LOW
 * with 15 bits of HIGH, so n HIGH is exact for |n| < 512, and exp(z) = exp(z - n HIGH) exp(n HIGH), where exp(n HIGH) is 2^n (1 - n LOW) but for
 * 2^-26. An integer multiplication by 2^23 makes 2^n, one by 2^23 - 17 takes 17 units from its mantissa for every n, and that is n LOW for a
 * mantissa of 1.41855. SWIFT_ROUND is where the product has just this one, which all exponentials are then multiples of.
 * The polynomial is such a multiple, too: minimax with the factor of r exact, error 7.7e-8. Together within 1.9 * 2^-23.
 * Nothing is clamped here, so n is -127 or more.
 */
const SWIFT_ROUND: f32 = 13116548.0
const SWIFT_LN2: f64 = 0.693145751953125 // 0x1.62e4p-1
/** The mantissa and its exponent, 2^5 * (1 + 3511100 / 2^23), times that of the polynomial. */
const SWIFT_SCALE: f64 = 45.39378356933594 * 1.000000283991478
/** Largest |m| of the swift way: |n| < 512 for it and for what is 88 below. */
const SWIFT_MAXIMUM: f32 = 256

const SWIFT: usize = memory.data<f32>([
  1.4426950216293335, 1.4426950216293335, 1.4426950216293335, 1.4426950216293335, // 0x1.715476p+0
  0.693145751953125, 0.693145751953125, 0.693145751953125, 0.693145751953125, // 0x1.62e4p-1, 15 bits
  0.49998903274536133, 0.49998903274536133, 0.49998903274536133, 0.49998903274536133,
  0.1666753739118576, 0.1666753739118576, 0.1666753739118576, 0.1666753739118576,
  0.04191601276397705, 0.04191601276397705, 0.04191601276397705, 0.04191601276397705,
  0.008299648761749268, 0.008299648761749268, 0.008299648761749268, 0.008299648761749268,
  1.0000003576278687, 1.0000003576278687, 1.0000003576278687, 1.0000003576278687, // 1 + 3 * 2^-23
], 16)
const enum Swift { LOG2_E, LN2_HIGH, C2, C3, C4, C5, C0 }

/** 2^23 and 2^23 - 17. */
const STEPS: usize = memory.data<i32>([8388608, 8388608, 8388608, 8388608, 8388591, 8388591, 8388591, 8388591], 16)

/** sum of exp(z - m) over all but one maximum m; NaN if a z is NaN */
export let narrowSum: f64 = 0
/** A stored exponential times this is exp(z - m). */
export let narrowFactor: f64 = 1
/** sum of (m - z) over the row; Infinity if it was not measured */
export let narrowDistance: f64 = 0

const GROUP: usize = 16
/** Longest row whose n add up in 32 bits. */
const LONGEST: usize = 1 << 24
/** Exponentials of the group that holds the maximum. */
const HELD: usize = memory.data(64, 16)
/** A mask of all elements of a group but i is at word 15 - i, of all at word 16. */
const ALL_BUT: usize = memory.data<i32>([
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
], 16)
/** A mask of the first i of four is at word 4 - i. */
const FIRST: usize = memory.data<i32>([-1, -1, -1, -1, 0, 0, 0, 0], 16)

/**
 * Sets `narrowSum`, `narrowFactor` and `narrowDistance`. Groups lie at the same places wherever the maximum is: two stretches around it, each
 * with an end of its own, are slower than a group that is held back.
 *
 * @param to         [count], written: multiples of exp(z)
 * @param step       64 = `to` advances with `row`; 0 = every group goes to the same place, which nobody reads
 * @param position   index of m
 * @param outermost  the largest bits of a z, as an unsigned number: negative numbers have the larger bits the lower they are, -Infinity and NaN
 *                   with a sign the largest of all
 * @param isMeasured whether `narrowDistance` is wanted
 */
export function sumNarrow(
  row: usize, count: usize, to: usize, step: usize, m: f32, position: usize, outermost: u32, isMeasured: bool,
): void {
  const n = <f32>nearest(<f64>m * LOG2_E)
  const low = lowest(n)
  const full = count & ~(GROUP - 1)
  const special = row + (position & ~(GROUP - 1)) * 4
  const end = row + full * 4
  const isSwift = full > 0 && low < 0 && abs(m) < SWIFT_MAXIMUM && outermost <= reinterpret<u32>(low)
  let sum: f64 = 0
  narrowDistance = Infinity
  if (isSwift) {
    if (isMeasured && count <= LONGEST) {
      sum = sumGroups(row, end, to, step, special, n, true, true)
      narrowDistance = <f64>full * (<f64>m - <f64>n * SWIFT_LN2) - narrowDistance
      for (let i = full; i < count; i++) narrowDistance += <f64>m - <f64>load<f32>(row + i * 4)
    } else {
      sum = sumGroups(row, end, to, step, special, n, true, false)
    }
  } else if (full) {
    sum = sumGroups(row, end, to, step, special, n, false, false)
  }
  if (full < count) {
    const behind = step ? to + full * 4 : to
    const mask = ALL_BUT + (position < full ? 16 : 15 - (position - full)) * 4
    sum += isSwift ? sumTail(end, count - full, behind, mask, n, true) : sumTail(end, count - full, behind, mask, n, false)
  }
  if (position < full) sum += sumHeld(ALL_BUT + (15 - (position & (GROUP - 1))) * 4)
  const factor = f64x2.extract_lane(expF64(f64x2.splat(<f64>n * (isSwift ? SWIFT_LN2 : LN2) - <f64>m)), 0)
  narrowFactor = isSwift ? factor / SWIFT_SCALE : factor
  narrowSum = sum * narrowFactor
}

/** The argument whose n is -127 below that of the maximum: its factor is 0, and below it factors are no powers of two. */
// @ts-ignore: decorator
@inline
function lowest(n: f32): f32 {
  return (n - <f32>127.2) * <f32>0.69314718
}

// @ts-ignore: decorator
@inline
function constant(isSwift: bool, swift: usize, careful: usize): v128 {
  return isSwift ? v128.load(SWIFT + swift * 16) : constantF32(careful)
}

// @ts-ignore: decorator
@inline
function roundOf(isSwift: bool, exponent: f32): v128 {
  return f32x4.splat((isSwift ? SWIFT_ROUND : ROUND_F32) - exponent)
}

/**
 * The distances are measured by what the swift reduction makes of z, which is exactly n HIGH + h: n are added as whole numbers, on ports that
 * have nothing to do, h in float32. So each is off by 2^-26 at most, which is little beside the log(sum exp) of its row, if not beside itself.
 *
 * @returns the sum of all groups but the one at `special`; measured, `narrowDistance` is the sum of z - exponent HIGH
 */
// @ts-ignore: decorator
@inline
function sumGroups(
  from: usize, end: usize, to: usize, step: usize, special: usize, exponent: f32,
  isSwift: bool, isMeasured: bool,
): f64 {
  const round = roundOf(isSwift, exponent)
  const low = f32x4.splat(lowest(exponent))
  const groups = <i32>((end - from) >> 6)
  let sums = f64x2.splat(0)
  let rests = sums
  let powers = i32x4.splat(0)
  // Four vectors in lockstep: the steps of one depend on each other, and the machine looks ahead about one group. Two, three, six and eight
  // vectors are slower, and so is reducing arguments one group ahead.
  for (; from < end; from += 64, to += step) {
    let z0 = v128.load(from)
    let z1 = v128.load(from, 16)
    let z2 = v128.load(from, 32)
    let z3 = v128.load(from, 48)
    if (!isSwift) {
      // pmax with z first lets NaN through.
      z0 = f32x4.pmax(z0, low)
      z1 = f32x4.pmax(z1, low)
      z2 = f32x4.pmax(z2, low)
      z3 = f32x4.pmax(z3, low)
    }
    const log2e = constant(isSwift, Swift.LOG2_E, F32Constant.LOG2_E)
    const w0 = f32x4.add(f32x4.mul(z0, log2e), round)
    const w1 = f32x4.add(f32x4.mul(z1, log2e), round)
    const w2 = f32x4.add(f32x4.mul(z2, log2e), round)
    const w3 = f32x4.add(f32x4.mul(z3, log2e), round)
    const n0 = f32x4.sub(w0, round)
    const n1 = f32x4.sub(w1, round)
    const n2 = f32x4.sub(w2, round)
    const n3 = f32x4.sub(w3, round)
    const high = constant(isSwift, Swift.LN2_HIGH, F32Constant.LN2_HIGH)
    const h0 = f32x4.sub(z0, f32x4.mul(n0, high))
    const h1 = f32x4.sub(z1, f32x4.mul(n1, high))
    const h2 = f32x4.sub(z2, f32x4.mul(n2, high))
    const h3 = f32x4.sub(z3, f32x4.mul(n3, high))
    if (isMeasured) {
      powers = i32x4.add(powers, i32x4.add(i32x4.add(w0, w1), i32x4.add(w2, w3)))
      rests = f64x2.add(rests, foldF32(f32x4.add(f32x4.add(h0, h1), f32x4.add(h2, h3))))
    }
    let r0 = h0
    let r1 = h1
    let r2 = h2
    let r3 = h3
    if (!isSwift) {
      const last = constantF32(F32Constant.LN2_LOW)
      r0 = f32x4.sub(h0, f32x4.mul(n0, last))
      r1 = f32x4.sub(h1, f32x4.mul(n1, last))
      r2 = f32x4.sub(h2, f32x4.mul(n2, last))
      r3 = f32x4.sub(h3, f32x4.mul(n3, last))
    }
    const s0 = f32x4.mul(r0, r0)
    const s1 = f32x4.mul(r1, r1)
    const s2 = f32x4.mul(r2, r2)
    const s3 = f32x4.mul(r3, r3)
    const c5 = constant(isSwift, Swift.C5, F32Constant.C5)
    const c4 = constant(isSwift, Swift.C4, F32Constant.C4)
    const b0 = f32x4.add(f32x4.mul(r0, c5), c4)
    const b1 = f32x4.add(f32x4.mul(r1, c5), c4)
    const b2 = f32x4.add(f32x4.mul(r2, c5), c4)
    const b3 = f32x4.add(f32x4.mul(r3, c5), c4)
    const c3 = constant(isSwift, Swift.C3, F32Constant.C3)
    const c2 = constant(isSwift, Swift.C2, F32Constant.C2)
    const a0 = f32x4.add(f32x4.mul(r0, c3), c2)
    const a1 = f32x4.add(f32x4.mul(r1, c3), c2)
    const a2 = f32x4.add(f32x4.mul(r2, c3), c2)
    const a3 = f32x4.add(f32x4.mul(r3, c3), c2)
    const q0 = f32x4.add(f32x4.mul(s0, b0), a0)
    const q1 = f32x4.add(f32x4.mul(s1, b1), a1)
    const q2 = f32x4.add(f32x4.mul(s2, b2), a2)
    const q3 = f32x4.add(f32x4.mul(s3, b3), a3)
    const t0 = f32x4.mul(s0, q0)
    const t1 = f32x4.mul(s1, q1)
    const t2 = f32x4.mul(s2, q2)
    const t3 = f32x4.mul(s3, q3)
    const c0 = constant(isSwift, Swift.C0, F32Constant.ONE)
    // Swift: the two that need not wait first, which is a step less to wait for.
    const p0 = isSwift ? f32x4.add(t0, f32x4.add(r0, c0)) : f32x4.add(f32x4.add(t0, r0), c0)
    const p1 = isSwift ? f32x4.add(t1, f32x4.add(r1, c0)) : f32x4.add(f32x4.add(t1, r1), c0)
    const p2 = isSwift ? f32x4.add(t2, f32x4.add(r2, c0)) : f32x4.add(f32x4.add(t2, r2), c0)
    const p3 = isSwift ? f32x4.add(t3, f32x4.add(r3, c0)) : f32x4.add(f32x4.add(t3, r3), c0)
    // A multiplication also where a shift would do: multipliers have less to do here than adders, which shift.
    const multiplier = v128.load(STEPS + (isSwift ? 16 : 0))
    const e0 = f32x4.mul(p0, i32x4.mul(w0, multiplier))
    const e1 = f32x4.mul(p1, i32x4.mul(w1, multiplier))
    const e2 = f32x4.mul(p2, i32x4.mul(w2, multiplier))
    const e3 = f32x4.mul(p3, i32x4.mul(w3, multiplier))
    v128.store(to, e0)
    v128.store(to, e1, 16)
    v128.store(to, e2, 32)
    v128.store(to, e3, 48)
    if (from == special) {
      v128.store(HELD, e0)
      v128.store(HELD, e1, 16)
      v128.store(HELD, e2, 32)
      v128.store(HELD, e3, 48)
      continue
    }
    sums = f64x2.add(sums, foldF32(f32x4.add(f32x4.add(e0, e1), f32x4.add(e2, e3))))
  }
  if (isMeasured) {
    // A w is the bits of the rounding constant and n - exponent.
    const bits = groups * 4 * <i32>reinterpret<u32>(SWIFT_ROUND)
    const n01 = <f64>(i32x4.extract_lane(powers, 0) - bits) + <f64>(i32x4.extract_lane(powers, 1) - bits)
    const n23 = <f64>(i32x4.extract_lane(powers, 2) - bits) + <f64>(i32x4.extract_lane(powers, 3) - bits)
    narrowDistance = (n01 + n23) * SWIFT_LN2 + sumF64(rests)
  }
  return sumF64(sums)
}

/** Up to 15 elements behind the groups, of which `mask` counts. */
// @ts-ignore: decorator
@inline
function sumTail(from: usize, count: usize, to: usize, mask: usize, exponent: f32, isSwift: bool): f64 {
  const round = roundOf(isSwift, exponent)
  const low = f32x4.splat(lowest(exponent))
  let sum = f32x4.splat(0)
  for (const end = from + (count & 12) * 4; from < end; from += 16, to += 16, mask += 16) {
    const e = exponentials(v128.load(from), low, round, isSwift)
    v128.store(to, e)
    sum = f32x4.add(sum, v128.and(e, v128.load(mask)))
  }
  const rest = count & 3
  if (rest) {
    const e = exponentials(loadPart(from, rest, 0), low, round, isSwift)
    storePart(to, rest, e)
    sum = f32x4.add(sum, v128.and(v128.and(e, v128.load(mask)), v128.load(FIRST + (4 - rest) * 4)))
  }
  return sumF64(foldF32(sum))
}

// @ts-ignore: decorator
@inline
function exponentials(z: v128, low: v128, round: v128, isSwift: bool): v128 {
  if (!isSwift) return expF32(f32x4.pmax(z, low), round)
  const w = f32x4.add(f32x4.mul(z, v128.load(SWIFT + Swift.LOG2_E * 16)), round)
  const r = f32x4.sub(z, f32x4.mul(f32x4.sub(w, round), v128.load(SWIFT + Swift.LN2_HIGH * 16)))
  const s = f32x4.mul(r, r)
  const b = f32x4.add(f32x4.mul(r, v128.load(SWIFT + Swift.C5 * 16)), v128.load(SWIFT + Swift.C4 * 16))
  const a = f32x4.add(f32x4.mul(r, v128.load(SWIFT + Swift.C3 * 16)), v128.load(SWIFT + Swift.C2 * 16))
  const t = f32x4.mul(s, f32x4.add(f32x4.mul(s, b), a))
  return f32x4.mul(f32x4.add(t, f32x4.add(r, v128.load(SWIFT + Swift.C0 * 16))), i32x4.mul(w, v128.load(STEPS + 16)))
}

// @ts-ignore: decorator
@inline
function sumHeld(mask: usize): f64 {
  const e0 = v128.and(v128.load(HELD), v128.load(mask))
  const e1 = v128.and(v128.load(HELD, 16), v128.load(mask, 16))
  const e2 = v128.and(v128.load(HELD, 32), v128.load(mask, 32))
  const e3 = v128.and(v128.load(HELD, 48), v128.load(mask, 48))
  return sumF64(foldF32(f32x4.add(f32x4.add(e0, e1), f32x4.add(e2, e3))))
}
