/**
 * Binary cross entropy of each class times a power of how wrong it is, which is sigmoid focal loss and asymmetric loss: what
 * src/kernels/element-contract.ts says. In float64, on what `sigmoid` wrote.
 */
import { CUTOFF_F64, expF64 } from './exp'
import { storeSum, sumF64 } from './lanes'
import { log } from './logarithm'

/** What is the same for a whole row, set before it. */
let onGamma: f64 = 0
let offGamma: f64 = 0
let clip: f64 = 0
let onFactor: f64 = 0
let offFactor: f64 = 0

/** Of the pair at hand. */
let cost: v128 = f64x2.splat(0)
let slope: v128 = f64x2.splat(0)

export function focusF32(
  on: usize, off: usize, logOn: usize, logOff: usize, labels: usize, weights: usize, numClasses: usize,
  gammaOn: f64, gammaOff: f64, shift: f64, alphaOn: f64, alphaOff: f64, scale: f64, gradients: usize,
): f64 {
  set(gammaOn, gammaOff, shift, alphaOn, alphaOff)
  return focus<f32>(on, off, logOn, logOff, labels, weights, numClasses, scale, gradients)
}

export function focusF64(
  on: usize, off: usize, logOn: usize, logOff: usize, labels: usize, weights: usize, numClasses: usize,
  gammaOn: f64, gammaOff: f64, shift: f64, alphaOn: f64, alphaOff: f64, scale: f64, gradients: usize,
): f64 {
  set(gammaOn, gammaOff, shift, alphaOn, alphaOff)
  return focus<f64>(on, off, logOn, logOff, labels, weights, numClasses, scale, gradients)
}

function set(gammaOn: f64, gammaOff: f64, shift: f64, alphaOn: f64, alphaOff: f64): void {
  onGamma = gammaOn
  offGamma = gammaOff
  clip = shift
  onFactor = alphaOn
  offFactor = alphaOff
}

function focus<T extends number>(
  on: usize, off: usize, logOn: usize, logOff: usize, labels: usize, weights: usize, numClasses: usize,
  scale: f64, gradients: usize,
): f64 {
  const vScale = f64x2.splat(scale)
  const isWhole = isMultiplied(onGamma) && isMultiplied(offGamma)
  let sum = f64x2.splat(0)
  let at: usize = 0
  for (const end = (numClasses & ~1) * 8; at < end; at += 16) {
    pair(
      v128.load(on + at), v128.load(off + at), v128.load(logOn + at), v128.load(logOff + at), v128.load(labels + at),
      v128.load(weights + at), isWhole,
    )
    sum = f64x2.add(sum, cost)
    if (gradients) {
      storeSum<T>(gradients, f64x2.mul(vScale, slope))
      gradients += 2 * sizeof<T>()
    }
  }
  let total = sumF64(sum)
  if (numClasses & 1) {
    pair(
      v128.load_splat<u64>(on + at), v128.load_splat<u64>(off + at), v128.load_splat<u64>(logOn + at),
      v128.load_splat<u64>(logOff + at), v128.load_splat<u64>(labels + at), v128.load_splat<u64>(weights + at), isWhole,
    )
    total += f64x2.extract_lane(cost, 0)
    if (gradients) store<T>(gradients, <T>(scale * f64x2.extract_lane(slope, 0)) + <T>0)
  }
  return total
}

// @ts-ignore: decorator
@inline
function isMultiplied(gamma: f64): bool {
  return gamma == 0 || gamma == 1 || gamma == 2 || gamma == 4
}

// @ts-ignore: decorator
@inline
function multiplied(x: v128, gamma: f64): v128 {
  if (gamma == 0) return f64x2.splat(1)
  if (gamma == 1) return x
  const square = f64x2.mul(x, x)
  return gamma == 2 ? square : f64x2.mul(square, square)
}

// @ts-ignore: decorator
@inline
function pair(p: v128, n: v128, logP: v128, logN: v128, q: v128, weight: v128, isWhole: bool): void {
  const zero = i64x2.splat(0)
  const one = f64x2.splat(1)
  const opposite = f64x2.sub(one, q)
  const isOn = f64x2.gt(q, zero)
  let shifted = p
  let costOff = logN
  let passing = opposite
  if (clip > 0) {
    const vClip = f64x2.splat(clip)
    shifted = f64x2.pmax(zero, f64x2.sub(p, vClip))
    costOff = log(f64x2.pmin(one, f64x2.add(n, vClip)))
    passing = v128.and(opposite, f64x2.ge(p, vClip))
  }
  const rest = f64x2.add(f64x2.mul(q, n), f64x2.mul(opposite, shifted))
  const gamma = f64x2.add(f64x2.mul(f64x2.splat(onGamma), q), f64x2.mul(f64x2.splat(offGamma), opposite))
  let power: v128
  if (isWhole && (onGamma == offGamma || v128.all_true<i64>(v128.or(f64x2.eq(q, zero), f64x2.eq(q, one))))) {
    power = v128.bitselect(multiplied(rest, onGamma), multiplied(rest, offGamma), isOn)
  } else {
    power = expF64(f64x2.pmax(f64x2.mul(gamma, log(rest)), f64x2.splat(CUTOFF_F64)))
  }
  const alpha = f64x2.add(f64x2.mul(f64x2.splat(onFactor), q), f64x2.mul(f64x2.splat(offFactor), opposite))
  const share = f64x2.mul(f64x2.mul(weight, alpha), power)
  const counts = f64x2.gt(share, zero)
  // A label that is off costs nothing at -Infinity.
  const entropy = f64x2.neg(f64x2.add(v128.and(f64x2.mul(q, logP), isOn), f64x2.mul(opposite, costOff)))
  cost = v128.and(f64x2.mul(share, entropy), counts)

  const variance = f64x2.mul(p, n)
  // 1 - p_m is 1 - p where nothing is taken off.
  let direct = f64x2.mul(opposite, p)
  if (clip > 0) direct = f64x2.div(f64x2.mul(passing, variance), f64x2.sub(one, shifted))
  // At p = 0 an infinite entropy has no share in the slope, p log p being 0; nor has one of 0 where rest is 0 too.
  const turns = v128.and(f64x2.gt(variance, zero), f64x2.gt(rest, zero))
  const turn = f64x2.mul(
    f64x2.mul(f64x2.mul(gamma, entropy), f64x2.sub(passing, q)),
    f64x2.div(variance, rest),
  )
  const total = f64x2.add(f64x2.sub(direct, f64x2.mul(q, n)), v128.and(turn, turns))
  slope = v128.and(f64x2.mul(share, total), counts)
}
