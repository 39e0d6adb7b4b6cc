/** Softmaxes at a temperature, their logarithms, and how far one is from another: what src/kernels/element-contract.ts says. */
import { loadPair, storePair, storeSum, sumF64 } from './lanes'
import { findMaximum, maximum } from './maximum'

export function logSoftmaxF32(shifted: usize, numRows: usize, numClasses: usize, rowMax: usize, logSum: usize, out: usize): void {
  logSoftmax<f32>(shifted, numRows, numClasses, rowMax, logSum, out)
}

export function logSoftmaxF64(shifted: usize, numRows: usize, numClasses: usize, rowMax: usize, logSum: usize, out: usize): void {
  logSoftmax<f64>(shifted, numRows, numClasses, rowMax, logSum, out)
}

export function divergenceF32(
  p: usize, logP: usize, shifted: usize, numRows: usize, numClasses: usize,
  rowMax: usize, logSum: usize, factors: usize, losses: usize, q: usize,
): void {
  divergence<f32>(p, logP, shifted, numRows, numClasses, rowMax, logSum, factors, losses, q)
}

export function divergenceF64(
  p: usize, logP: usize, shifted: usize, numRows: usize, numClasses: usize,
  rowMax: usize, logSum: usize, factors: usize, losses: usize, q: usize,
): void {
  divergence<f64>(p, logP, shifted, numRows, numClasses, rowMax, logSum, factors, losses, q)
}

function logSoftmax<T extends number>(shifted: usize, numRows: usize, numClasses: usize, rowMax: usize, logSum: usize, out: usize): void {
  const pair: usize = 2 * sizeof<T>()
  for (let n: usize = 0; n < numRows; n++) {
    const max = load<f64>(rowMax + n * 8)
    const rest = load<f64>(logSum + n * 8)
    const vMax = f64x2.splat(max)
    const vRest = f64x2.splat(rest)
    for (const end = shifted + (numClasses & ~1) * sizeof<T>(); shifted < end; shifted += pair, out += pair) {
      storePair<T>(out, f64x2.sub(f64x2.sub(loadPair<T>(shifted), vMax), vRest))
    }
    if (numClasses & 1) {
      store<T>(out, <T>(<f64>load<T>(shifted) - max - rest))
      shifted += sizeof<T>()
      out += sizeof<T>()
    }
  }
}

function divergence<T extends number>(
  p: usize, logP: usize, shifted: usize, numRows: usize, numClasses: usize,
  rowMax: usize, logSum: usize, factors: usize, losses: usize, q: usize,
): void {
  const pair: usize = 2 * sizeof<T>()
  const zero = i64x2.splat(0)
  for (let n: usize = 0; n < numRows; n++) {
    const max = load<f64>(rowMax + n * 8)
    const rest = load<f64>(logSum + n * 8)
    const factor = load<f64>(factors + n * 8)
    const vMax = f64x2.splat(max)
    const vRest = f64x2.splat(rest)
    const vFactor = f64x2.splat(factor)
    let sum = zero
    for (const end = p + (numClasses & ~1) * sizeof<T>(); p < end; p += pair, logP += pair, shifted += pair, q += pair) {
      const share = loadPair<T>(p)
      const logQ = f64x2.sub(f64x2.sub(loadPair<T>(shifted), vMax), vRest)
      const cost = f64x2.mul(share, f64x2.sub(loadPair<T>(logP), logQ))
      // Nothing costs nothing, whatever the other gives it.
      sum = f64x2.add(sum, v128.andnot(cost, f64x2.eq(share, zero)))
      storeSum<T>(q, f64x2.mul(vFactor, f64x2.sub(loadPair<T>(q), share)))
    }
    let total = sumF64(sum)
    if (numClasses & 1) {
      const share = <f64>load<T>(p)
      if (share > 0) total += share * (<f64>load<T>(logP) - (<f64>load<T>(shifted) - max - rest))
      store<T>(q, <T>(factor * (<f64>load<T>(q) - share)) + <T>0)
      p += sizeof<T>()
      logP += sizeof<T>()
      shifted += sizeof<T>()
      q += sizeof<T>()
    }
    store<f64>(losses + n * 8, total)
  }
}

export function temperF32(logits: usize, numRows: usize, numClasses: usize, temperature: f64, out: usize): void {
  temper<f32>(logits, numRows, numClasses, temperature, out)
}

export function temperF64(logits: usize, numRows: usize, numClasses: usize, temperature: f64, out: usize): void {
  temper<f64>(logits, numRows, numClasses, temperature, out)
}

function temper<T extends number>(logits: usize, numRows: usize, numClasses: usize, temperature: f64, out: usize): void {
  const pair: usize = 2 * sizeof<T>()
  const divisor = f64x2.splat(temperature)
  for (let n: usize = 0; n < numRows; n++) {
    findMaximum<T>(logits, numClasses)
    const max = f64x2.splat(maximum)
    for (const end = logits + (numClasses & ~1) * sizeof<T>(); logits < end; logits += pair, out += pair) {
      storePair<T>(out, f64x2.div(f64x2.sub(loadPair<T>(logits), max), divisor))
    }
    if (numClasses & 1) {
      store<T>(out, <T>((<f64>load<T>(logits) - maximum) / temperature))
      logits += sizeof<T>()
      out += sizeof<T>()
    }
  }
}

export function addScaledF32(values: usize, count: usize, factor: f64, to: usize): void {
  addScaled<f32>(values, count, factor, to)
}

export function addScaledF64(values: usize, count: usize, factor: f64, to: usize): void {
  addScaled<f64>(values, count, factor, to)
}

function addScaled<T extends number>(values: usize, count: usize, factor: f64, to: usize): void {
  const pair: usize = 2 * sizeof<T>()
  const by = f64x2.splat(factor)
  for (const end = values + (count & ~1) * sizeof<T>(); values < end; values += pair, to += 16) {
    v128.store(to, f64x2.add(v128.load(to), f64x2.mul(by, loadPair<T>(values))))
  }
  if (count & 1) store<f64>(to, load<f64>(to) + factor * <f64>load<T>(values))
}

export function towardsF32(
  logits: usize, numClasses: usize, rowMax: f64, logSum: f64,
  logTarget: usize, weight: f64, factor: f64, q: usize,
): f64 {
  return towards<f32>(logits, numClasses, rowMax, logSum, logTarget, weight, factor, q)
}

export function towardsF64(
  logits: usize, numClasses: usize, rowMax: f64, logSum: f64,
  logTarget: usize, weight: f64, factor: f64, q: usize,
): f64 {
  return towards<f64>(logits, numClasses, rowMax, logSum, logTarget, weight, factor, q)
}

/** log q - log target of two classes. */
// @ts-ignore: decorator
@inline
function logRatio<T extends number>(logits: usize, max: v128, rest: v128, logTarget: usize): v128 {
  return f64x2.sub(f64x2.sub(f64x2.sub(loadPair<T>(logits), max), rest), v128.load(logTarget))
}

/** What is infinite, or of a class without probability, has no slope. */
// @ts-ignore: decorator
@inline
function slopeOf(ratio: v128, weight: v128, share: v128): v128 {
  const counts = v128.and(f64x2.lt(ratio, f64x2.splat(Infinity)), f64x2.gt(share, i64x2.splat(0)))
  return v128.and(f64x2.mul(weight, ratio), counts)
}

function towards<T extends number>(
  logits: usize, numClasses: usize, rowMax: f64, logSum: f64,
  logTarget: usize, weight: f64, factor: f64, q: usize,
): f64 {
  const pair: usize = 2 * sizeof<T>()
  const zero = i64x2.splat(0)
  const max = f64x2.splat(rowMax)
  const rest = f64x2.splat(logSum)
  const vWeight = f64x2.splat(weight)
  const even = numClasses & ~1
  const odd = even * sizeof<T>()
  let sum = zero
  let mean = zero
  for (let k: usize = 0; k < even; k += 2) {
    const at = k * sizeof<T>()
    const share = loadPair<T>(q + at)
    const ratio = logRatio<T>(logits + at, max, rest, logTarget + k * 8)
    sum = f64x2.add(sum, v128.and(f64x2.mul(share, ratio), f64x2.gt(share, zero)))
    mean = f64x2.add(mean, f64x2.mul(share, slopeOf(ratio, vWeight, share)))
  }
  let divergence = sumF64(sum)
  let drift = sumF64(mean)
  let lastShare: f64 = 0
  let lastSlope: f64 = 0
  if (numClasses & 1) {
    lastShare = <f64>load<T>(q + odd)
    const ratio = <f64>load<T>(logits + odd) - rowMax - logSum - load<f64>(logTarget + even * 8)
    if (lastShare > 0) {
      divergence += lastShare * ratio
      if (ratio < Infinity) lastSlope = weight * ratio
    }
    drift += lastShare * lastSlope
  }
  const vDrift = f64x2.splat(drift)
  const vFactor = f64x2.splat(factor)
  for (let k: usize = 0; k < even; k += 2) {
    const at = k * sizeof<T>()
    const share = loadPair<T>(q + at)
    const slope = slopeOf(logRatio<T>(logits + at, max, rest, logTarget + k * 8), vWeight, share)
    storeSum<T>(q + at, f64x2.mul(vFactor, f64x2.mul(share, f64x2.sub(slope, vDrift))))
  }
  if (numClasses & 1) store<T>(q + odd, <T>(factor * (lastShare * (lastSlope - drift))) + <T>0)
  return divergence
}

export function awayF32(p: usize, logP: usize, count: usize, logTarget: usize): f64 {
  return away<f32>(p, logP, count, logTarget)
}

export function awayF64(p: usize, logP: usize, count: usize, logTarget: usize): f64 {
  return away<f64>(p, logP, count, logTarget)
}

function away<T extends number>(p: usize, logP: usize, count: usize, logTarget: usize): f64 {
  const pair: usize = 2 * sizeof<T>()
  const zero = i64x2.splat(0)
  let sum = zero
  for (const end = p + (count & ~1) * sizeof<T>(); p < end; p += pair, logP += pair, logTarget += 16) {
    const share = loadPair<T>(p)
    const cost = f64x2.mul(share, f64x2.sub(loadPair<T>(logP), v128.load(logTarget)))
    sum = f64x2.add(sum, v128.and(cost, f64x2.gt(share, zero)))
  }
  let total = sumF64(sum)
  if (count & 1) {
    const share = <f64>load<T>(p)
    if (share > 0) total += share * (<f64>load<T>(logP) - load<f64>(logTarget))
  }
  return total
}
