/** Logarithms of many float64, two at a time, in place: what src/kernels/element-contract.ts says. */
import { log } from './logarithm'

export function logarithms(values: usize, count: usize): void {
  for (const end = values + (count & ~1) * 8; values < end; values += 16) v128.store(values, log(v128.load(values)))
  if (count & 1) store<f64>(values, f64x2.extract_lane(log(v128.load_splat<u64>(values)), 0))
}
