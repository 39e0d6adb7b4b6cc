/** The one hot loop: exponentials and distances of a stretch of a float32 row, in float32. See sums.ts for what that may lose. */
import { constantF32, expF32, F32Constant, ROUND_F32 } from './exp'
import { foldF32, loadPart, storePart, sumF64 } from './lanes'

/** sum of exp(z) / 2^exponent */
export let segmentSum: f64 = 0
/** sum of (m - z); not finite if a z is -Infinity or the sum leaves float32 */
export let segmentDistance: f64 = 0

/**
 * @param to   written: exp(z) / 2^exponent
 * @param step 64 = `to` advances with `from`; 0 = every block goes to the same place, which nobody reads
 */
export function narrowSegment(from: usize, count: usize, to: usize, step: usize, m: f32, exponent: f32): void {
  const round = f32x4.splat(ROUND_F32 - exponent)
  // n - exponent = -127, whose factor is 0.
  const low = f32x4.splat((exponent - <f32>127.2) * <f32>0.69314718)
  const max = f32x4.splat(m)
  let sum = f64x2.splat(0)
  let left = f64x2.splat(0)
  // expF32 for four vectors in lockstep: the steps of one depend on each other, and the machine looks ahead less than one vector.
  // pmax with z first lets NaN through.
  for (const end = from + (count & ~15) * 4; from < end; from += 64, to += step) {
    const z0 = v128.load(from)
    const z1 = v128.load(from, 16)
    const z2 = v128.load(from, 32)
    const z3 = v128.load(from, 48)
    const k0 = f32x4.pmax(z0, low)
    const k1 = f32x4.pmax(z1, low)
    const k2 = f32x4.pmax(z2, low)
    const k3 = f32x4.pmax(z3, low)
    const log2e = constantF32(F32Constant.LOG2_E)
    const w0 = f32x4.add(f32x4.mul(k0, log2e), round)
    const w1 = f32x4.add(f32x4.mul(k1, log2e), round)
    const w2 = f32x4.add(f32x4.mul(k2, log2e), round)
    const w3 = f32x4.add(f32x4.mul(k3, log2e), round)
    const n0 = f32x4.sub(w0, round)
    const n1 = f32x4.sub(w1, round)
    const n2 = f32x4.sub(w2, round)
    const n3 = f32x4.sub(w3, round)
    const high = constantF32(F32Constant.LN2_HIGH)
    const h0 = f32x4.sub(k0, f32x4.mul(n0, high))
    const h1 = f32x4.sub(k1, f32x4.mul(n1, high))
    const h2 = f32x4.sub(k2, f32x4.mul(n2, high))
    const h3 = f32x4.sub(k3, f32x4.mul(n3, high))
    const lowest = constantF32(F32Constant.LN2_LOW)
    const r0 = f32x4.sub(h0, f32x4.mul(n0, lowest))
    const r1 = f32x4.sub(h1, f32x4.mul(n1, lowest))
    const r2 = f32x4.sub(h2, f32x4.mul(n2, lowest))
    const r3 = f32x4.sub(h3, f32x4.mul(n3, lowest))
    const s0 = f32x4.mul(r0, r0)
    const s1 = f32x4.mul(r1, r1)
    const s2 = f32x4.mul(r2, r2)
    const s3 = f32x4.mul(r3, r3)
    const c5 = constantF32(F32Constant.C5)
    const c4 = constantF32(F32Constant.C4)
    const b0 = f32x4.add(f32x4.mul(r0, c5), c4)
    const b1 = f32x4.add(f32x4.mul(r1, c5), c4)
    const b2 = f32x4.add(f32x4.mul(r2, c5), c4)
    const b3 = f32x4.add(f32x4.mul(r3, c5), c4)
    const c3 = constantF32(F32Constant.C3)
    const c2 = constantF32(F32Constant.C2)
    const a0 = f32x4.add(f32x4.mul(r0, c3), c2)
    const a1 = f32x4.add(f32x4.mul(r1, c3), c2)
    const a2 = f32x4.add(f32x4.mul(r2, c3), c2)
    const a3 = f32x4.add(f32x4.mul(r3, c3), c2)
    const q0 = f32x4.add(f32x4.mul(s0, b0), a0)
    const q1 = f32x4.add(f32x4.mul(s1, b1), a1)
    const q2 = f32x4.add(f32x4.mul(s2, b2), a2)
    const q3 = f32x4.add(f32x4.mul(s3, b3), a3)
    const p0 = f32x4.add(f32x4.mul(s0, q0), r0)
    const p1 = f32x4.add(f32x4.mul(s1, q1), r1)
    const p2 = f32x4.add(f32x4.mul(s2, q2), r2)
    const p3 = f32x4.add(f32x4.mul(s3, q3), r3)
    const one = constantF32(F32Constant.ONE)
    const e0 = f32x4.mul(f32x4.add(p0, one), i32x4.shl(w0, 23))
    const e1 = f32x4.mul(f32x4.add(p1, one), i32x4.shl(w1, 23))
    const e2 = f32x4.mul(f32x4.add(p2, one), i32x4.shl(w2, 23))
    const e3 = f32x4.mul(f32x4.add(p3, one), i32x4.shl(w3, 23))
    v128.store(to, e0)
    v128.store(to, e1, 16)
    v128.store(to, e2, 32)
    v128.store(to, e3, 48)
    sum = f64x2.add(sum, foldF32(f32x4.add(f32x4.add(e0, e1), f32x4.add(e2, e3))))
    const x01 = f32x4.add(f32x4.sub(max, z0), f32x4.sub(max, z1))
    const x23 = f32x4.add(f32x4.sub(max, z2), f32x4.sub(max, z3))
    left = f64x2.add(left, foldF32(f32x4.add(x01, x23)))
  }
  const vectorStep = step >> 2
  for (const end = from + (count & 12) * 4; from < end; from += 16, to += vectorStep) {
    const z = v128.load(from)
    const e = expF32(f32x4.pmax(z, low), round)
    v128.store(to, e)
    sum = f64x2.add(sum, foldF32(e))
    left = f64x2.add(left, foldF32(f32x4.sub(max, z)))
  }
  const rest = count & 3
  if (rest) {
    const e = expF32(f32x4.pmax(loadPart(from, rest, -Infinity), low), round)
    storePart(to, rest, e)
    sum = f64x2.add(sum, foldF32(e))
    left = f64x2.add(left, foldF32(f32x4.sub(max, loadPart(from, rest, m))))
  }
  segmentSum = sumF64(sum)
  segmentDistance = sumF64(left)
}
