/**
 * Jensen-Shannon divergence of the rows of a group, and the cross entropy of its first: what src/kernels/consistency-contract.ts says.
 * All float64 but what is stored.
 */
import { loadPair, storeSum, sumF64 } from './lanes'
import { log } from './logarithm'

/** sum of target * (m - z) and of target, and of q r and q pull, over a row. */
let distance: f64 = 0
let mass: f64 = 0
let divergence: f64 = 0
let drag: f64 = 0

export function consistencyF32(
  logits: usize, splits: usize, numClasses: usize, rowMax: usize, logSum: usize,
  target: usize, rowScale: usize, factor: f64, scratch: usize, losses: usize, q: usize,
): void {
  consistency<f32>(logits, splits, numClasses, rowMax, logSum, target, rowScale, factor, scratch, losses, q)
}

export function consistencyF64(
  logits: usize, splits: usize, numClasses: usize, rowMax: usize, logSum: usize,
  target: usize, rowScale: usize, factor: f64, scratch: usize, losses: usize, q: usize,
): void {
  consistency<f64>(logits, splits, numClasses, rowMax, logSum, target, rowScale, factor, scratch, losses, q)
}

function consistency<T extends number>(
  logits: usize, splits: usize, numClasses: usize, rowMax: usize, logSum: usize,
  target: usize, rowScale: usize, factor: f64, scratch: usize, losses: usize, q: usize,
): void {
  const bytes = numClasses * sizeof<T>()
  const logMean = scratch
  const ratios = scratch + numClasses * 8
  let pull: usize = scratch + numClasses * 16
  // What moving the mean costs the others cancels in a gradient where the rows weigh the same.
  if (isEven(rowScale, splits)) pull = 0
  addUp<T>(q, splits, numClasses, rowScale, logMean, pull)
  for (let m: usize = 0; m < splits; m++, logits += bytes, q += bytes) {
    const max = load<f64>(rowMax + m * 8)
    const rest = load<f64>(logSum + m * 8)
    const s = load<f64>(rowScale + m * 8)
    compare<T>(logits, numClasses, max, rest, logMean, pull, q, ratios)
    let loss = factor * divergence
    let slope = -factor * (s * divergence - drag)
    if (m == 0) {
      cross<T>(logits, numClasses, max, target)
      loss += distance + mass * rest
      slope += s * mass
    }
    store<f64>(losses + m * 8, loss + 0)
    storeGradient<T>(q, numClasses, ratios, factor * s, slope, pull, factor, m == 0 ? target : 0, s)
  }
}

function isEven(rowScale: usize, splits: usize): bool {
  for (let m: usize = 1; m < splits; m++) if (load<f64>(rowScale + m * 8) != load<f64>(rowScale)) return false
  return true
}

/** Logarithm of the mean of the rows; pull: the mean of scale * q over that mean, 0 where that is. */
function addUp<T extends number>(q: usize, splits: usize, numClasses: usize, rowScale: usize, logMean: usize, pull: usize): void {
  const bytes = numClasses * sizeof<T>()
  const zero = f64x2.splat(0)
  const share = f64x2.splat(1 / <f64>splits)
  // An odd last class is read with the one before it, and written twice.
  const last = numClasses - 2
  for (let k: usize = 0; k < numClasses; k += 2) {
    if (numClasses > 1) k = min(k, last)
    let sum = zero
    let weighed = zero
    for (let m: usize = 0, from = q + k * sizeof<T>(); m < splits; m++, from += bytes) {
      const row = numClasses > 1 ? loadPair<T>(from) : f64x2.splat(<f64>load<T>(from))
      sum = f64x2.add(sum, row)
      if (pull) weighed = f64x2.add(weighed, f64x2.mul(v128.load_splat<u64>(rowScale + m * 8), row))
    }
    const logs = log(f64x2.mul(sum, share))
    const pulls = v128.and(f64x2.div(weighed, sum), f64x2.gt(sum, zero))
    if (numClasses > 1) {
      v128.store(logMean + k * 8, logs)
      if (pull) v128.store(pull + k * 8, pulls)
    } else {
      v128.store_lane<u64>(logMean, logs, 0)
      if (pull) v128.store_lane<u64>(pull, pulls, 0)
    }
  }
}

/** ratios: log q - logMean, 0 where q is. */
function compare<T extends number>(
  logits: usize, numClasses: usize, rowMax: f64, logSum: f64, logMean: usize, pull: usize, q: usize, ratios: usize,
): void {
  const pair: usize = 2 * sizeof<T>()
  const zero = f64x2.splat(0)
  const max = f64x2.splat(rowMax)
  const rest = f64x2.splat(logSum)
  let sum = zero
  let drags = zero
  for (const end = q + (numClasses & ~1) * sizeof<T>(); q < end; q += pair, logits += pair, logMean += 16, ratios += 16) {
    const share = loadPair<T>(q)
    const distances = f64x2.sub(f64x2.sub(f64x2.sub(loadPair<T>(logits), max), rest), v128.load(logMean))
    const ratio = v128.and(distances, f64x2.gt(share, zero))
    v128.store(ratios, ratio)
    sum = f64x2.add(sum, f64x2.mul(share, ratio))
    if (pull) {
      drags = f64x2.add(drags, f64x2.mul(share, v128.load(pull)))
      pull += 16
    }
  }
  divergence = sumF64(sum)
  drag = sumF64(drags)
  if (numClasses & 1) {
    const share = <f64>load<T>(q)
    const ratio = share > 0 ? <f64>load<T>(logits) - rowMax - logSum - load<f64>(logMean) : 0
    store<f64>(ratios, ratio)
    divergence += share * ratio
    if (pull) drag += share * load<f64>(pull)
  }
}

/** A target of 0 costs nothing, whatever its class has. */
function cross<T extends number>(logits: usize, numClasses: usize, rowMax: f64, target: usize): void {
  const pair: usize = 2 * sizeof<T>()
  const zero = f64x2.splat(0)
  const max = f64x2.splat(rowMax)
  let distances = zero
  let masses = zero
  for (const end = target + (numClasses & ~1) * 8; target < end; target += 16, logits += pair) {
    const share = v128.load(target)
    const cost = f64x2.mul(share, f64x2.sub(max, loadPair<T>(logits)))
    masses = f64x2.add(masses, share)
    distances = f64x2.add(distances, v128.and(cost, f64x2.ne(share, zero)))
  }
  distance = sumF64(distances)
  mass = sumF64(masses)
  if (numClasses & 1) {
    const share = load<f64>(target)
    mass += share
    if (share != 0) distance += share * (rowMax - <f64>load<T>(logits))
  }
}

/** q = q (a ratio + b - factor pull) - s target */
function storeGradient<T extends number>(
  q: usize, numClasses: usize, ratios: usize, a: f64, b: f64, pull: usize, factor: f64, target: usize, s: f64,
): void {
  const pair: usize = 2 * sizeof<T>()
  const va = f64x2.splat(a)
  const vb = f64x2.splat(b)
  const vFactor = f64x2.splat(factor)
  const vs = f64x2.splat(s)
  for (const end = q + (numClasses & ~1) * sizeof<T>(); q < end; q += pair, ratios += 16) {
    let slope = f64x2.add(f64x2.mul(va, v128.load(ratios)), vb)
    if (pull) {
      slope = f64x2.sub(slope, f64x2.mul(vFactor, v128.load(pull)))
      pull += 16
    }
    let gradient = f64x2.mul(loadPair<T>(q), slope)
    if (target) {
      gradient = f64x2.sub(gradient, f64x2.mul(vs, v128.load(target)))
      target += 16
    }
    storeSum<T>(q, gradient)
  }
  if (numClasses & 1) {
    let slope = a * load<f64>(ratios) + b
    if (pull) slope -= factor * load<f64>(pull)
    let gradient = <f64>load<T>(q) * slope
    if (target) gradient -= s * load<f64>(target)
    store<T>(q, <T>gradient + <T>0)
  }
}
