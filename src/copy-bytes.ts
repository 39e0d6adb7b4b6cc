/** From here on a native call is worth its price. */
const MIN_NATIVE_BYTES = 4096

/**
 * Writes `source` to `target`, from its byte `at` on. To and from shared memory V8 copies words, one by one, and single bytes where the two
 * are not aligned alike: a tenth of the speed of memory. The two must not overlap. Filled with as many bytes as it holds, a buffer is copied to by Node, natively.
 */
export function copyBytes(source: Uint8Array, target: Uint8Array, at = 0): void {
  if (at + source.length > target.length) throw new RangeError('expected room for all of the source')
  if (source.length < MIN_NATIVE_BYTES) target.set(source, at)
  else Buffer.from(target.buffer, target.byteOffset + at, source.length).fill(source)
}
