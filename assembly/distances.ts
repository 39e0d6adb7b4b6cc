/**
 * Distances of softmax from a dense target, sum |p - q| or sum (p - q)^2, and their gradients, row by row. With d = p - q and h its slope, sign(d)
 * or 2 d, the gradient is p (h - sum p h). At the maximum p - q is (1 - q) - (1 - p), and h - sum p h is
 * h (1 - p) - (sum of the others' p h), with 1 - p from what the others have: so a confident row keeps its digits.
 */
import { foldF32, sumF64 } from './lanes'
import { position } from './maximum'
import { factor, others, sumExponentials } from './sums'

/** sum of |d| or d^2, and of p h, over a stretch of a row. */
let distance: f64 = 0
let moment: f64 = 0

export function distancesF32(
  logits: usize, numRows: usize, numClasses: usize, targets: usize, isSquared: bool,
  rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return distances<f32>(logits, numRows, numClasses, targets, isSquared, rowScale, losses, gradients)
}

export function distancesF64(
  logits: usize, numRows: usize, numClasses: usize, targets: usize, isSquared: bool,
  rowScale: usize, losses: usize, gradients: usize,
): i32 {
  return distances<f64>(logits, numRows, numClasses, targets, isSquared, rowScale, losses, gradients)
}

function distances<T extends number>(
  logits: usize, numRows: usize, numClasses: usize, targets: usize, isSquared: bool,
  rowScale: usize, losses: usize, gradients: usize,
): i32 {
  const bytes = numClasses * sizeof<T>()
  for (let n: usize = 0; n < numRows; n++, logits += bytes, targets += bytes, gradients += bytes) {
    if (!sumExponentials<T>(logits, numClasses, gradients)) return <i32>n
    const at = position * sizeof<T>()
    const behind = at + sizeof<T>()
    const count = numClasses - position - 1
    const share = <T>(factor / (1 + others))
    distance = 0
    moment = 0
    sumStretch<T>(gradients, position, targets, share, isSquared)
    sumStretch<T>(gradients + behind, count, targets + behind, share, isSquared)
    const p = 1 / (1 + others)
    const rest = others / (1 + others)
    const d = 1 - <f64>load<T>(targets + at) - rest
    const h = slopeOf(d, isSquared)
    store<f64>(losses + n * 8, distance + (isSquared ? d * d : abs(d)))
    const scale = load<f64>(rowScale + n * 8)
    const total = moment + p * h
    storeStretch<T>(gradients, position, targets, share, isSquared, <T>total, <T>scale)
    storeStretch<T>(gradients + behind, count, targets + behind, share, isSquared, <T>total, <T>scale)
    store<T>(gradients + at, <T>(scale * p * (h * rest - moment)) + <T>0)
  }
  return -1
}

// @ts-ignore: decorator
@inline
function slopeOf(d: f64, isSquared: bool): f64 {
  return isSquared ? 2 * d : d > 0 ? 1 : d < 0 ? -1 : 0
}

/** h of a vector of d. */
// @ts-ignore: decorator
@inline
function slopesOf<T extends number>(d: v128, isSquared: bool): v128 {
  if (isSquared) return v128.add<T>(d, d)
  const zero = v128.splat<T>(<T>0)
  const one = v128.splat<T>(<T>1)
  return v128.sub<T>(v128.and(one, v128.gt<T>(d, zero)), v128.and(one, v128.lt<T>(d, zero)))
}

/** |d| or d^2 of a vector of d. */
// @ts-ignore: decorator
@inline
function sizeOf<T extends number>(d: v128, isSquared: bool): v128 {
  return isSquared ? v128.mul<T>(d, d) : v128.abs<T>(d)
}

// @ts-ignore: decorator
@inline
function sumOf4<T extends number>(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.add<T>(v128.add<T>(a, b), v128.add<T>(c, d))
}

/** Two sums of a vector: those of float32 are widened four by four. */
// @ts-ignore: decorator
@inline
function widened<T extends number>(x: v128): v128 {
  return sizeof<T>() == 4 ? foldF32(x) : x
}

function sumStretch<T extends number>(e: usize, count: usize, q: usize, share: T, isSquared: bool): void {
  const vector = v128.splat<T>(share)
  let distances = f64x2.splat(0)
  let moments = f64x2.splat(0)
  const end = e + count * sizeof<T>()
  // Sums leave float32 every four vectors: widening takes as long as the rest.
  for (; e + 64 <= end; e += 64, q += 64) {
    const p0 = v128.mul<T>(v128.load(e), vector)
    const p1 = v128.mul<T>(v128.load(e, 16), vector)
    const p2 = v128.mul<T>(v128.load(e, 32), vector)
    const p3 = v128.mul<T>(v128.load(e, 48), vector)
    const d0 = v128.sub<T>(p0, v128.load(q))
    const d1 = v128.sub<T>(p1, v128.load(q, 16))
    const d2 = v128.sub<T>(p2, v128.load(q, 32))
    const d3 = v128.sub<T>(p3, v128.load(q, 48))
    distances = f64x2.add(distances, widened<T>(sumOf4<T>(
      sizeOf<T>(d0, isSquared), sizeOf<T>(d1, isSquared), sizeOf<T>(d2, isSquared), sizeOf<T>(d3, isSquared),
    )))
    moments = f64x2.add(moments, widened<T>(sumOf4<T>(
      v128.mul<T>(p0, slopesOf<T>(d0, isSquared)), v128.mul<T>(p1, slopesOf<T>(d1, isSquared)),
      v128.mul<T>(p2, slopesOf<T>(d2, isSquared)), v128.mul<T>(p3, slopesOf<T>(d3, isSquared)),
    )))
  }
  for (; e + 16 <= end; e += 16, q += 16) {
    const p = v128.mul<T>(v128.load(e), vector)
    const d = v128.sub<T>(p, v128.load(q))
    distances = f64x2.add(distances, widened<T>(sizeOf<T>(d, isSquared)))
    moments = f64x2.add(moments, widened<T>(v128.mul<T>(p, slopesOf<T>(d, isSquared))))
  }
  distance += sumF64(distances)
  moment += sumF64(moments)
  for (; e < end; e += sizeof<T>(), q += sizeof<T>()) {
    const p = <f64>(load<T>(e) * share)
    const d = p - <f64>load<T>(q)
    distance += isSquared ? d * d : abs(d)
    moment += p * slopeOf(d, isSquared)
  }
}

function storeStretch<T extends number>(
  e: usize, count: usize, q: usize, share: T, isSquared: bool, total: T, scale: T,
): void {
  const shares = v128.splat<T>(share)
  const totals = v128.splat<T>(total)
  const scales = v128.splat<T>(scale)
  const zero = v128.splat<T>(<T>0)
  const end = e + count * sizeof<T>()
  for (; e + 16 <= end; e += 16, q += 16) {
    const p = v128.mul<T>(v128.load(e), shares)
    const h = slopesOf<T>(v128.sub<T>(p, v128.load(q)), isSquared)
    const g = v128.mul<T>(v128.mul<T>(p, scales), v128.sub<T>(h, totals))
    v128.store(e, v128.add<T>(g, zero))
  }
  for (; e < end; e += sizeof<T>(), q += sizeof<T>()) {
    const p = load<T>(e) * share
    const h = <T>slopeOf(<f64>p - <f64>load<T>(q), isSquared)
    store<T>(e, p * scale * (h - total) + <T>0)
  }
}
