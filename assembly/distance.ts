/** Sums over a row against a target distribution that is stored, in float64 whatever the element type. */
import { loadPair, sumF64 } from './lanes'
import { PARTIAL } from './partial'

/** sum of targets * weights */
export let mass: f64 = 0
/** sum of targets * weights * (m - z), where a target of 0 costs 0 even at z = -Infinity */
export let distance: f64 = 0

/** @param weights [count]; 0 = 1 for every class */
export function sumAgainst<T extends number>(row: usize, count: usize, m: f64, targets: usize, weights: usize): void {
  mass = 0
  distance = 0
  for (let from: usize = 0; from < count; from += PARTIAL) addPart<T>(row, from, min(from + PARTIAL, count), m, targets, weights)
}

// @ts-ignore: decorator
@inline
function addPart<T extends number>(row: usize, k: usize, end: usize, m: f64, targets: usize, weights: usize): void {
  const vm = f64x2.splat(m)
  const zero = f64x2.splat(0)
  let masses = zero
  let distances = zero
  for (; k + 2 <= end; k += 2) {
    let target = loadPair<T>(targets + k * sizeof<T>())
    if (weights) target = f64x2.mul(target, loadPair<T>(weights + k * sizeof<T>()))
    const cost = f64x2.mul(target, f64x2.sub(vm, loadPair<T>(row + k * sizeof<T>())))
    masses = f64x2.add(masses, target)
    distances = f64x2.add(distances, v128.and(cost, f64x2.ne(target, zero)))
  }
  mass += sumF64(masses)
  distance += sumF64(distances)
  if (k < end) {
    let target: f64 = load<T>(targets + k * sizeof<T>())
    if (weights) target *= load<T>(weights + k * sizeof<T>())
    mass += target
    if (target != 0) distance += target * (m - <f64>load<T>(row + k * sizeof<T>()))
  }
}
