/**
 * Losses that are sums over classes of what `widenSoftmax` wrote, and their slopes: what src/kernels/terms-contract.ts says. Where one class has
 * more than half of the probability its 1 - p is taken from its logarithm; no second class has so much, so that a row pays for it once.
 */
import { CUTOFF_F64, expF64 } from './exp'
import { sumF64 } from './lanes'
import { log } from './logarithm'

/** Most factors a power is multiplied of: an exponential of a logarithm takes as long as some ten. */
const MOST_FACTORS: f64 = 8

export function focalTerms(
  logP: usize, p: usize, shares: usize, numRows: usize, numClasses: usize, gamma: f64, losses: usize, slopes: usize,
): void {
  const bytes = numClasses * 8
  for (let n: usize = 0; n < numRows; n++, logP += bytes, p += bytes, shares += bytes, slopes += bytes) {
    store<f64>(losses + n * 8, (gamma == 2 ? squareRow(logP, p, shares, bytes, slopes) : focalRow(logP, p, shares, bytes, gamma, slopes)) + 0)
  }
}

/** The default, without a division, and in a function of its own for the sake of its registers. */
function squareRow(logP: usize, p: usize, shares: usize, bytes: usize, slopes: usize): f64 {
  const half = f64x2.splat(0.5)
  const one = f64x2.splat(1)
  const zero = f64x2.splat(0)
  const quads = bytes & ~31
  let hasTop = zero
  let sum = zero
  let i: usize = 0
  for (; i < quads; i += 32) {
    const p0 = v128.load(p + i)
    const p1 = v128.load(p + i, 16)
    const isTop0 = f64x2.gt(p0, half)
    const isTop1 = f64x2.gt(p1, half)
    hasTop = v128.or(hasTop, v128.or(isTop0, isTop1))
    const weight0 = v128.andnot(v128.load(shares + i), isTop0)
    const weight1 = v128.andnot(v128.load(shares + i, 16), isTop1)
    const logs0 = v128.load(logP + i)
    const logs1 = v128.load(logP + i, 16)
    const rest0 = f64x2.sub(one, p0)
    const rest1 = f64x2.sub(one, p1)
    const once0 = f64x2.mul(weight0, rest0)
    const once1 = f64x2.mul(weight1, rest1)
    const cost0 = v128.and(f64x2.mul(f64x2.mul(once0, rest0), logs0), f64x2.ne(weight0, zero))
    const cost1 = v128.and(f64x2.mul(f64x2.mul(once1, rest1), logs1), f64x2.ne(weight1, zero))
    sum = f64x2.sub(sum, f64x2.add(cost0, cost1))
    // p log p, 0 where p is.
    const entropy0 = v128.and(f64x2.mul(f64x2.add(p0, p0), logs0), f64x2.ne(p0, zero))
    const entropy1 = v128.and(f64x2.mul(f64x2.add(p1, p1), logs1), f64x2.ne(p1, zero))
    v128.store(slopes + i, f64x2.mul(once0, f64x2.sub(entropy0, rest0)))
    v128.store(slopes + i, f64x2.mul(once1, f64x2.sub(entropy1, rest1)), 16)
  }
  let total = sumF64(sum)
  for (; i < bytes; i += 8) total += focalClass(logP + i, p + i, shares + i, 2, slopes + i)
  if (v128.any_true(hasTop)) {
    const top = topOf(p)
    total += focalClass(logP + top, p + top, shares + top, 2, slopes + top)
  }
  return total
}

function focalRow(logP: usize, p: usize, shares: usize, bytes: usize, gamma: f64, slopes: usize): f64 {
  const pairs = bytes & ~15
  const half = f64x2.splat(0.5)
  const one = f64x2.splat(1)
  const zero = f64x2.splat(0)
  const vGamma = f64x2.splat(gamma)
  let hasTop = zero
  let sum = zero
  for (let i: usize = 0; i < pairs; i += 16) {
    const share = v128.load(p + i)
    const isTop = f64x2.gt(share, half)
    hasTop = v128.or(hasTop, isTop)
    const weight = v128.andnot(v128.load(shares + i), isTop)
    const logs = v128.load(logP + i)
    const rest = f64x2.sub(one, share)
    // p log p, 0 where p is.
    const entropy = v128.and(f64x2.mul(share, logs), f64x2.gt(share, zero))
    const cost = f64x2.mul(weight, powers(rest, gamma))
    sum = f64x2.sub(sum, v128.and(f64x2.mul(cost, logs), f64x2.ne(weight, zero)))
    v128.store(slopes + i, f64x2.mul(cost, f64x2.sub(f64x2.div(f64x2.mul(vGamma, entropy), rest), one)))
  }
  let total = sumF64(sum)
  if (pairs < bytes) total += focalClass(logP + pairs, p + pairs, shares + pairs, gamma, slopes + pairs)
  if (v128.any_true(hasTop)) {
    const top = topOf(p)
    total += focalClass(logP + top, p + top, shares + top, gamma, slopes + top)
  }
  return total
}

/** Where the class with more than half of the probability is, in bytes: there is one. */
function topOf(p: usize): usize {
  let at: usize = 0
  while (!(load<f64>(p + at) > 0.5)) at += 8
  return at
}

/** x^gamma of two numbers in [1/2, 1]. */
// @ts-ignore: decorator
@inline
function powers(x: v128, gamma: f64): v128 {
  const whole = Math.floor(gamma)
  const rest = gamma - whole
  if ((rest != 0 && rest != 0.5) || whole > MOST_FACTORS) {
    return expF64(f64x2.pmax(f64x2.mul(f64x2.splat(gamma), log(x)), f64x2.splat(CUTOFF_F64)))
  }
  let power = rest == 0 ? f64x2.splat(1) : f64x2.sqrt(x)
  for (let left = whole; left > 0; left--) power = f64x2.mul(power, x)
  return power
}

/** One class, to all its digits next to 1 too. Gives its cost and writes its slope. */
function focalClass(logP: usize, p: usize, share: usize, gamma: f64, slope: usize): f64 {
  const weight = load<f64>(share)
  store<f64>(slope, 0)
  if (weight == 0) return 0
  const logs = load<f64>(logP)
  const probability = load<f64>(p)
  const rest = probability > 0.5 ? -Math.expm1(logs) : 1 - probability
  const factor = weight * (gamma == 2 ? rest * rest : Math.pow(rest, gamma))
  // -p log p / (1 - p), which is 1 at p = 1 and 0 at p = 0: with it no power of 1 - p below gamma is taken.
  const ratio = probability == 0 ? 0 : rest == 0 ? 1 : (-probability * logs) / rest
  store<f64>(slope, -factor * (1 + gamma * ratio))
  return factor == 0 ? 0 : -factor * logs
}

export function powerTerms(
  logP: usize, p: usize, shares: usize, numRows: usize, numClasses: usize, power: f64, losses: usize, slopes: usize,
): void {
  const bytes = numClasses * 8
  for (let n: usize = 0; n < numRows; n++, logP += bytes, p += bytes, shares += bytes, slopes += bytes) {
    store<f64>(losses + n * 8, powerRow(logP, p, shares, bytes, power, slopes) / power)
  }
}

/** Two pairs at a time: the steps of an exponential depend on each other. */
function powerRow(logP: usize, p: usize, shares: usize, bytes: usize, power: f64, slopes: usize): f64 {
  const quads = bytes & ~31
  const half = f64x2.splat(0.5)
  const one = f64x2.splat(1)
  const by = f64x2.splat(power)
  const cut = f64x2.splat(CUTOFF_F64)
  let hasTop = f64x2.splat(0)
  let sum = f64x2.splat(0)
  let i: usize = 0
  for (; i < quads; i += 32) {
    const isTop0 = f64x2.gt(v128.load(p + i), half)
    const isTop1 = f64x2.gt(v128.load(p + i, 16), half)
    hasTop = v128.or(hasTop, v128.or(isTop0, isTop1))
    const e0 = expF64(f64x2.pmax(f64x2.mul(v128.load(logP + i), by), cut))
    const e1 = expF64(f64x2.pmax(f64x2.mul(v128.load(logP + i, 16), by), cut))
    const w0 = v128.andnot(v128.load(shares + i), isTop0)
    const w1 = v128.andnot(v128.load(shares + i, 16), isTop1)
    sum = f64x2.add(sum, f64x2.add(f64x2.mul(w0, f64x2.sub(one, e0)), f64x2.mul(w1, f64x2.sub(one, e1))))
    v128.store(slopes + i, f64x2.neg(f64x2.mul(w0, e0)))
    v128.store(slopes + i, f64x2.neg(f64x2.mul(w1, e1)), 16)
  }
  let total = sumF64(sum)
  for (; i < bytes; i += 8) total += powerClass(logP + i, shares + i, power, slopes + i)
  if (v128.any_true(hasTop)) {
    const top = topOf(p)
    total += powerClass(logP + top, shares + top, power, slopes + top)
  }
  return total
}

function powerClass(logP: usize, share: usize, power: f64, slope: usize): f64 {
  const weight = load<f64>(share)
  const missing = -Math.expm1(power * load<f64>(logP))
  store<f64>(slope, -weight * (1 - missing))
  return weight * missing
}
