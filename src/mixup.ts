import type { KernelMemory } from './kernels/memory.ts'
import type { Layout } from './layout.ts'
import { readVector } from './operands.ts'
import { refuseAt } from './problems.ts'
import type { Targets } from './target-rows.ts'
import { ELEMENT_BYTES, isTensor, type Tensor, viewOf } from './wire/tensor.ts'

export interface MixupFields {
  readonly lam: number | Tensor
  readonly pairing?: 'flip' | 'roll' | Tensor | undefined
}

export interface Mix {
  /** Share of the entry itself, [numSamples]. */
  readonly lam: Float64Array
  /** Partner of each entry, [numSamples]. */
  readonly partner: Int32Array
}

const PAIRINGS = {
  flip: (i: number, n: number) => n - 1 - i,
  roll: (i: number, n: number) => (i + n - 1) % n,
}

/** Shares and partners of a mixup; refuses what is out of range. */
export function mixOf(memory: KernelMemory, layout: Layout, { lam, pairing = 'flip' }: MixupFields): Mix {
  const n = layout.numSamples
  return {
    lam: isTensor(lam) ? lamsOf(memory, lam, n) : new Float64Array(n).fill(lam),
    partner: isTensor(pairing)
      ? partnersOf(memory, pairing, n)
      : Int32Array.from({ length: n }, (_, i) => PAIRINGS[pairing](i, n)),
  }
}

function lamsOf(memory: KernelMemory, tensor: Tensor, n: number): Float64Array {
  const lams = readVector(memory, tensor, ['mixup', 'lam'], [n], 'one lam for each entry of the first axis,')
  for (const [i, lam] of lams.entries()) {
    if (!(lam >= 0 && lam <= 1))
      throw refuseAt('validation_failed', ['mixup', 'lam', i], `expected a number in [0, 1], got ${lam}`)
  }
  return lams
}

function partnersOf(memory: KernelMemory, tensor: Tensor, n: number): Int32Array {
  const partners = readVector(
    memory,
    tensor,
    ['mixup', 'pairing'],
    [n],
    'one partner for each entry of the first axis,',
  )
  for (const [i, partner] of partners.entries()) {
    if (!(Number.isInteger(partner) && partner >= 0 && partner < n)) {
      throw refuseAt(
        'validation_failed',
        ['mixup', 'pairing', i],
        `expected the index of an entry in [0, ${n - 1}], got ${partner}`,
      )
    }
  }
  return Int32Array.from(partners)
}

/** The rows of t mixed with those of their partners, as rows of their own. */
export function mixDense(memory: KernelMemory, layout: Layout, dtype: 'F32' | 'F64', values: number, mix: Mix): number {
  const { numSamples, rowsPerSample, numClasses } = layout
  const sampleSize = rowsPerSample * numClasses
  const mixed = memory.allocate(numSamples * sampleSize * ELEMENT_BYTES[dtype])
  const from = viewOf(memory, dtype, values, numSamples * sampleSize)
  const to = viewOf(memory, dtype, mixed, numSamples * sampleSize)
  for (let sample = 0; sample < numSamples; sample++) {
    const lam = mix.lam[sample]!
    const own = sample * sampleSize
    const partner = mix.partner[sample]! * sampleSize
    for (let i = 0; i < sampleSize; i++) to[own + i] = lam * from[own + i]! + (1 - lam) * from[partner + i]!
  }
  return mixed
}

/**
 * The targets each row's partner has, as targets of their own. An ignored partner has none to give: where a row counts beside one, the
 * partner has no weight, and the row's own label stands in its place.
 */
export function partnerTargets(
  memory: KernelMemory,
  layout: Layout,
  dtype: 'F32' | 'F64',
  { rows, counted, isIndexRoute }: Targets,
  mix: Mix,
): Targets {
  const { numSamples, rowsPerSample, numClasses } = layout
  const partnerCounted = new Uint8Array(layout.numRows)
  const permute = <A extends Float32Array | Float64Array | Int32Array | Uint8Array>(
    from: A,
    to: A,
    rowSize: number,
  ) => {
    const length = rowsPerSample * rowSize
    for (let sample = 0; sample < numSamples; sample++) {
      const start = mix.partner[sample]! * length
      to.set(from.subarray(start, start + length) as never, sample * length)
    }
  }
  permute(counted, partnerCounted, 1)
  if (rows.kind === 'sparse') {
    const labels = memory.allocate(layout.numRows * ELEMENT_BYTES.I32)
    const own = memory.i32(rows.labels, layout.numRows)
    const partners = memory.i32(labels, layout.numRows)
    permute(own, partners, 1)
    partnerCounted.forEach((counts, row) => {
      if (!counts) partners[row] = own[row]!
    })
    return { rows: { ...rows, labels }, counted, isIndexRoute }
  }
  const size = layout.numRows * numClasses
  const values = memory.allocate(size * ELEMENT_BYTES[dtype])
  permute(viewOf(memory, dtype, rows.values, size), viewOf(memory, dtype, values, size), numClasses)
  return { rows: { ...rows, values }, counted, isIndexRoute }
}
