import type { Envelope } from './format.ts'
import { isTensor } from './tensor.ts'

/**
 * Puts a value that came under a flat name where the field belongs: `mixup.lam` is a field of `mixup`, any other name a field of the request.
 *
 * @param tensorFields dotted paths of the fields that may hold tensors
 * @returns false, and nothing is changed, where the field is there already
 */
export function placeField(
  envelope: Envelope,
  name: string,
  value: unknown,
  tensorFields: ReadonlySet<string>,
): boolean {
  const dot = tensorFields.has(name) ? name.indexOf('.') : -1
  const field = dot === -1 ? name : name.slice(0, dot)
  if (dot !== -1 && !Object.hasOwn(envelope, field)) envelope[field] = {}
  const owner = dot === -1 ? envelope : envelope[field]
  const key = name.slice(dot + 1)
  if (!isRecord(owner) || isTensor(owner) || Object.hasOwn(owner, key)) return false
  setField(owner, key, value)
  return true
}

/** Ordinary objects take fields several times as fast as those without a prototype, but for the one name that would change it. */
export function setField(owner: Envelope, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(owner, key, { value, enumerable: true, writable: true, configurable: true })
  else owner[key] = value
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
