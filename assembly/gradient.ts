/** The last pass of each kernel, in place: turns the stored exponentials of a row into its gradient. */

/** out = out * a - b */
export function scale<T extends number>(out: usize, count: usize, a: T, b: T): void {
  const lanes: usize = 16 / sizeof<T>()
  const va = v128.splat<T>(a)
  const vb = v128.splat<T>(b)
  const end = out + count * sizeof<T>()
  for (const last = out + (count & ~(4 * lanes - 1)) * sizeof<T>(); out < last; out += 64) {
    v128.store(out, v128.sub<T>(v128.mul<T>(v128.load(out), va), vb))
    v128.store(out, v128.sub<T>(v128.mul<T>(v128.load(out, 16), va), vb), 16)
    v128.store(out, v128.sub<T>(v128.mul<T>(v128.load(out, 32), va), vb), 32)
    v128.store(out, v128.sub<T>(v128.mul<T>(v128.load(out, 48), va), vb), 48)
  }
  for (; out + 16 <= end; out += 16) v128.store(out, v128.sub<T>(v128.mul<T>(v128.load(out), va), vb))
  for (; out < end; out += sizeof<T>()) store<T>(out, load<T>(out) * a - b)
}

/** out = out * a - targets * b */
export function scaleMinus<T extends number>(out: usize, count: usize, a: T, targets: usize, b: T): void {
  const lanes: usize = 16 / sizeof<T>()
  const va = v128.splat<T>(a)
  const vb = v128.splat<T>(b)
  const end = out + count * sizeof<T>()
  for (const last = out + (count & ~(lanes - 1)) * sizeof<T>(); out < last; out += 16, targets += 16) {
    v128.store(out, v128.sub<T>(v128.mul<T>(v128.load(out), va), v128.mul<T>(v128.load(targets), vb)))
  }
  for (; out < end; out += sizeof<T>(), targets += sizeof<T>()) {
    store<T>(out, load<T>(out) * a - load<T>(targets) * b)
  }
}

/** out = out * a - targets * weights * b */
export function scaleMinusWeighted<T extends number>(
  out: usize,
  count: usize,
  a: T,
  targets: usize,
  weights: usize,
  b: T,
): void {
  const lanes: usize = 16 / sizeof<T>()
  const va = v128.splat<T>(a)
  const vb = v128.splat<T>(b)
  const end = out + count * sizeof<T>()
  for (const last = out + (count & ~(lanes - 1)) * sizeof<T>(); out < last; out += 16, targets += 16, weights += 16) {
    const target = v128.mul<T>(v128.load(targets), v128.load(weights))
    v128.store(out, v128.sub<T>(v128.mul<T>(v128.load(out), va), v128.mul<T>(target, vb)))
  }
  for (; out < end; out += sizeof<T>(), targets += sizeof<T>(), weights += sizeof<T>()) {
    store<T>(out, load<T>(out) * a - load<T>(targets) * load<T>(weights) * b)
  }
}
