import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as fields from '../schemas/fields.ts'
import { lossBranches } from '../schemas/loss.ts'
import { TargetsBody } from '../schemas/targets.ts'
import type { LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import { engines, numbers, post } from './helpers/evaluate.ts'
import { gradientFormula } from './helpers/model.ts'

/** See scripts/goldens.py, which writes them from PyTorch and the libraries that its header names. */
interface GoldenFile {
  readonly header: Readonly<Record<string, unknown>> & {
    /** Versions by distribution. */
    readonly libraries: Readonly<Record<string, string>>
  }
  readonly cases: readonly GoldenCase[]
}

interface GoldenCase {
  readonly name: string
  readonly operation: 'loss' | 'targets'
  readonly source: 'torch' | 'contract'
  readonly agrees_with?: readonly string[]
  readonly request: GoldenRequest
  readonly expected: Readonly<Record<string, unknown>>
}

interface GoldenRequest extends Readonly<Record<string, unknown>> {
  readonly loss?: string
  readonly class_weights?: unknown
  readonly sample_weights?: unknown
}

type Dtype = 'float32' | 'float64'

const HEADER_FIELDS = ['command', 'date', 'dtype', 'generator', 'libraries', 'numpy', 'python', 'seed', 'torch']

/** What the libraries have no word for: held against plain loops in tests of their own. */
const OWN_OUTPUTS = ['per_class', 'hardest_rows']
const OWN_FIELDS = ['hardest', 'preset']

/** Packages whose calls the definitions give, and how they begin there. */
const PACKAGES = ['timm', 'torchvision', 'fairseq', 'kornia', 'liger_kernel', 'optax', 'keras']
/** Of a call that no golden can have: Liger's cross entropy is a kernel for a GPU. */
const NOT_HERE = /liger_kernel\.transformers\./

/** Ten digits of small numbers, but for the rounding that is left where a gradient cancels; twelve of those above 1/100. */
const FLOAT64: Tolerance = { relative: 1e-10, absolute: 1e-14 }
const FLOAT64_LARGE = 1e-12

interface Tolerance {
  readonly relative: number
  /** Before weights. */
  readonly absolute: number
}

/** The kernels' promise: losses within 2 ulp, what comes of probabilities within 1e-7. */
const CROSS_ENTROPY_FLOAT32: Tolerance = { relative: 2 * 2 ** -23, absolute: 1e-7 }
/** Of losses that are made of rounded probabilities. */
const FLOAT32: Tolerance = { relative: 2e-5, absolute: 2e-6 }

const crossEntropies = new Set(losses.filter((loss) => gradientFormula(loss)).map(({ name }) => name))

const folder = new URL('goldens/', import.meta.url)
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, ...(JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as GoldenFile) }))
const cases = files.flatMap((file) => file.cases)

for (const file of files) {
  describe(file.name, () => {
    test('says where it comes from', () => {
      expect(Object.keys(file.header).sort()).toEqual(HEADER_FIELDS)
      for (const value of Object.values(file.header)) expect(String(value)).not.toBe('')
      expect(file.header).toMatchObject({ generator: 'scripts/goldens.py', dtype: 'float64' })
    })

    test('names each case once', () => {
      expect(new Set(file.cases.map(({ name }) => name)).size).toBe(file.cases.length)
    })

    for (const engine of engines) {
      for (const golden of file.cases) {
        for (const dtype of ['float64', 'float32'] as const) {
          test(`${golden.name} in ${dtype} on ${engine.kernels.name} kernels`, () => {
            const { status, answer } = post(golden.operation, { ...golden.request, dtype }, engine)
            expect(status, JSON.stringify(answer)).toBe(200)
            compareAnswer(golden, dtype, decodeTensors(answer) as Record<string, unknown>)
          })
        }
      }
    }
  })
}

test('every field of every request that has goldens is in one of them', () => {
  const names = [...new Set(cases.map(({ request }) => request.loss ?? 'cross_entropy'))]
  const lossFields = names.flatMap((name) => Object.keys(lossBranches.get(name)?.shape ?? {}))
  expect(
    [...new Set(lossFields)].filter((field) => !OWN_FIELDS.includes(field) && !isExercised('loss', field)),
  ).toEqual([])
  expect(Object.keys(TargetsBody.shape).filter((field) => !isExercised('targets', field))).toEqual([])
})

test('every value of a field that is a choice is in a golden', () => {
  const values = (field: string) => new Set(cases.flatMap(({ request }) => request[field] ?? []))
  const pairings = new Set(cases.flatMap(({ request }) => (request.mixup as { pairing?: unknown })?.pairing ?? []))
  expect(values('reduction')).toEqual(new Set(fields.REDUCTIONS))
  expect(values('smoothing')).toEqual(new Set(fields.LABEL_SMOOTHINGS))
  expect(values('outputs')).toEqual(new Set(fields.OUTPUTS.filter((name) => !OWN_OUTPUTS.includes(name))))
  expect(values('encoding')).toEqual(new Set(['array', 'base64']))
  expect(values('class_axis')).toEqual(new Set([-1, 1]))
  expect([...fields.PAIRINGS].filter((pairing) => !pairings.has(pairing))).toEqual([])
})

test.each(losses.map((loss) => ({ loss, packages: packagesOf(loss) })).filter(({ packages }) => packages.length > 0))(
  'every library whose call $loss.name gives agrees with one of its goldens at least',
  ({ loss: { name }, packages }) => {
    const agreeing = cases
      .filter(({ request }) => (request.loss ?? 'cross_entropy') === name)
      .flatMap(({ agrees_with = [] }) => agrees_with)
    const silent = packages.filter((library) => !agreeing.some((route) => route.startsWith(`${library}.`)))
    expect(silent, `give scripts/goldens/libraries a route for "${name}"`).toEqual([])
  },
)

test('every library that agrees with a golden has its version in the header', () => {
  for (const { name, header, cases } of files) {
    const agreeing = new Set(cases.flatMap(({ agrees_with = [] }) => agrees_with).map((route) => route.split('.')[0]!))
    const known = Object.keys(header.libraries).map((distribution) => distribution.replaceAll('-', '_'))
    expect(
      [...agreeing].filter((library) => PACKAGES.includes(library) && !known.includes(library)),
      name,
    ).toEqual([])
  }
})

function packagesOf({ torch, others = [] }: LossDefinition): string[] {
  const calls = [torch, ...others].filter((call) => !NOT_HERE.test(call))
  return PACKAGES.filter((library) => calls.some((call) => new RegExp(`\\b${library}\\.`).test(call)))
}

function isExercised(operation: GoldenCase['operation'], field: string): boolean {
  return cases.some((each) => each.operation === operation && field in each.request)
}

/** Throws the first difference beyond the tolerance, and for an answer that holds more or less than was expected. */
function compareAnswer(golden: GoldenCase, dtype: Dtype, { warnings: _, ...answer }: Record<string, unknown>): void {
  expect(Object.keys(answer).sort(), golden.name).toEqual(Object.keys(golden.expected).sort())
  for (const [field, expected] of Object.entries(golden.expected)) {
    compare(golden, dtype, [field], answer[field], numbers(expected))
  }
}

function compare(golden: GoldenCase, dtype: Dtype, path: readonly string[], actual: unknown, expected: unknown): void {
  if (typeof expected === 'number') {
    compareNumber(golden, dtype, path, actual, expected)
    return
  }
  expect(shapeOf(actual), `shape of ${path.join('.')} of ${golden.name}`).toEqual(shapeOf(expected))
  for (const [key, member] of Object.entries(expected as object)) {
    compare(golden, dtype, [...path, key], (actual as Record<string, unknown>)[key], member)
  }
}

function compareNumber(golden: GoldenCase, dtype: Dtype, path: readonly string[], actual: unknown, expected: number) {
  if (Object.is(actual, expected)) return
  const difference = Math.abs((actual as number) - expected)
  const tolerance = toleranceOf(golden.request, dtype, expected)
  if (difference <= tolerance) return
  const [field, ...index] = path
  throw new Error(
    `${golden.name} (${dtype}): ${field} at [${index.join(', ')}]: actual ${actual}, expected ${expected}, difference ${difference}, tolerance ${tolerance}`,
  )
}

function toleranceOf(request: GoldenRequest, dtype: Dtype, expected: number): number {
  const magnitude = Math.abs(expected)
  if (dtype === 'float64')
    return Math.min(FLOAT64_LARGE * Math.max(1, magnitude), FLOAT64.relative * magnitude + FLOAT64.absolute)
  const weight = Math.max(1, largest(request.class_weights)) * Math.max(1, largest(request.sample_weights))
  const { relative, absolute } = isCrossEntropy(request) ? CROSS_ENTROPY_FLOAT32 : FLOAT32
  return relative * magnitude + absolute * weight
}

function isCrossEntropy({ loss }: GoldenRequest): boolean {
  return loss === undefined || crossEntropies.has(loss)
}

function largest(weights: unknown): number {
  return Array.isArray(weights) ? Math.max(...weights.flat(Number.POSITIVE_INFINITY)) : 1
}

function shapeOf(value: unknown): readonly unknown[] {
  return Array.isArray(value)
    ? [value.length, ...shapeOf(value[0])]
    : typeof value === 'object'
      ? Object.keys(value!).sort()
      : []
}

/** The answer with its numbers as numbers and its base64 tensors as nested arrays. */
function decodeTensors(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return numbers(value)
  if ('data' in value && 'shape' in value && 'dtype' in value) return nested(value as Base64Tensor)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, decodeTensors(member)]))
}

interface Base64Tensor {
  readonly dtype: keyof typeof ELEMENTS
  readonly shape: readonly number[]
  readonly data: string
}

const ELEMENTS = {
  F32: (view: DataView, i: number) => view.getFloat32(4 * i, true),
  F64: (view: DataView, i: number) => view.getFloat64(8 * i, true),
  I32: (view: DataView, i: number) => view.getInt32(4 * i, true),
  I64: (view: DataView, i: number) => Number(view.getBigInt64(8 * i, true)),
} as const

function nested({ dtype, shape, data }: Base64Tensor): unknown {
  const bytes = Buffer.from(data, 'base64')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let next = 0
  const level = (axis: number): unknown =>
    axis === shape.length ? ELEMENTS[dtype](view, next++) : Array.from({ length: shape[axis]! }, () => level(axis + 1))
  return level(0)
}
