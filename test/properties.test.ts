import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OperationName } from '../src/evaluate.ts'
import { losses } from '../src/losses/index.ts'
import { distributions } from '../src/target-kinds.ts'
import {
  type Extra,
  isSmooth,
  orderOf,
  permuted,
  type Request,
  requestOf,
  requests,
  smoothingFactor,
  toleranceOf,
} from './helpers/arbitraries.ts'
import { attempts, expectAnswerOrProblem } from './helpers/attempts.ts'
import { capabilitiesOf } from './helpers/capabilities.ts'
import { ask, engines, evaluateBytes, type LossAnswer, post } from './helpers/evaluate.ts'
import { sum } from './helpers/model.ts'

fc.configureGlobal({ numRuns: 25 })

/** Shown by its name, so that a counterexample stays readable. */
const engine = fc.constantFrom(
  ...engines.map((each) => ({ ...each, [fc.toStringMethod]: () => `${each.kernels.name} kernels` })),
)

interface Targets {
  readonly smoothed_targets: number[][]
}

/** Both infinite alike, or apart by no more than the tolerance. */
function near(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length)
  actual.forEach((value, i) => {
    if (!Object.is(value, expected[i]) && !(Math.abs(value - expected[i]!) <= tolerance))
      expect.fail(`[${i}]: ${value}, expected ${expected[i]} within ${tolerance}`)
  })
}

for (const definition of losses) {
  const bodyOf = (request: Partial<Request>) => requestOf(definition, request)
  const { isSoftmax, groupSize, smooths, takesDense, forms, ignores } = capabilitiesOf(definition)
  const isOfRows = groupSize === 1
  const hasIndices = forms.includes('indices')
  const dense: Extra[] = takesDense ? ['probabilities'] : []
  /** One group, where rows have a meaning together only. */
  const whole = isOfRows ? {} : { minRows: groupSize, maxRows: groupSize }

  describe(definition.name, () => {
    test.runIf(isSoftmax)('does not change when a number is added to a row', () => {
      fc.assert(
        fc.property(
          requests(['class_weights', 'probabilities', 'masks'], whole),
          fc.integer({ min: -100, max: 100 }),
          engine,
          (request, shift, kernels) => {
            const exact: Request = { ...request, dtype: 'float64' }
            fc.pre(isSmooth(definition, exact))
            const shifted = { ...exact, logits: exact.logits.map((row) => row.map((z) => z + shift)) }
            const before = ask('loss', bodyOf(exact), kernels)
            const after = ask('loss', bodyOf(shifted), kernels)
            near(after.losses, before.losses, 1e-10)
            near(after.gradients.flat(), before.gradients.flat(), 1e-11 / Math.min(1, before.normalizer || 1))
          },
        ),
      )
    })

    test.runIf(isSoftmax)('has gradients that sum to 0 in each row', () => {
      fc.assert(
        fc.property(
          requests(['class_weights', 'sample_weights', 'prior', 'mixup', 'masks'], { ...whole, maxClasses: 40 }),
          engine,
          (request, kernels) => {
            const { gradients } = ask('loss', bodyOf({ ...request, reduction: 'sum' }), kernels)
            // What rounds is the product of weights and probabilities, before it cancels.
            const weight = 4 * heaviest(request.class_weights) * heaviest(request.sample_weights)
            for (const row of gradients) near([sum(row)], [0], weight * toleranceOf(request.dtype, row))
          },
        ),
      )
    })

    test('permutes its gradients with its classes', () => {
      const cases = requests(['class_weights', 'prior', 'masks'], whole).chain((request) =>
        fc.record({ request: fc.constant(request), order: orderOf(request.logits[0]!.length), kernels: engine }),
      )
      fc.assert(
        fc.property(cases, ({ request, order, kernels }) => {
          fc.pre(isSmooth(definition, request))
          const { class_weights: weights, prior } = request
          const moved: Request = {
            ...request,
            logits: request.logits.map((row) => permuted(row, order)),
            targets: (request.targets as number[]).map((label) => order.indexOf(label)),
            ...(weights ? { class_weights: permuted(weights, order) } : {}),
            ...(prior ? { prior: permuted(prior, order) } : {}),
          }
          const before = ask('loss', bodyOf({ ...request, reduction: 'sum' }), kernels)
          const after = ask('loss', bodyOf({ ...moved, reduction: 'sum' }), kernels)
          near(after.losses, before.losses, toleranceOf(request.dtype, before.losses))
          before.gradients.forEach((row, n) => {
            near(after.gradients[n]!, permuted(row, order), toleranceOf(request.dtype, row))
          })
        }),
      )
    })

    test.runIf(isOfRows)('permutes its losses with its rows, bit for bit', () => {
      const cases = requests(['class_weights', 'prior', 'masks'], { maxRows: 12 }).chain((request) =>
        fc.record({ request: fc.constant(request), order: orderOf(request.logits.length), kernels: engine }),
      )
      fc.assert(
        fc.property(cases, ({ request, order, kernels }) => {
          const moved: Request = {
            ...request,
            logits: permuted(request.logits, order),
            targets: permuted(request.targets as number[], order),
          }
          const before = ask('loss', bodyOf({ ...request, reduction: 'sum' }), kernels)
          const after = ask('loss', bodyOf({ ...moved, reduction: 'sum' }), kernels)
          expect(after.losses).toEqual(permuted(before.losses, order))
          expect(after.gradients).toEqual(permuted(before.gradients, order))
        }),
      )
    })

    test.runIf(isOfRows && ignores)(
      'of a batch with an ignored row is that of the batch without it, bit for bit',
      () => {
        fc.assert(
          fc.property(
            requests(['class_weights', 'sample_weights', 'prior', 'reduction']),
            fc.nat(5),
            engine,
            (request, place, kernels) => {
              const at = Math.min(place, request.logits.length)
              const { sample_weights: weights } = request
              const longer: Request = {
                ...request,
                logits: request.logits.toSpliced(at, 0, request.logits[0]!),
                targets: (request.targets as number[]).toSpliced(at, 0, -100),
                ...(weights ? { sample_weights: weights.toSpliced(at, 0, 3) } : {}),
              }
              const without = ask('loss', bodyOf(request), kernels)
              const {
                losses: rows,
                gradients,
                smoothed_targets: targets,
                ...rest
              } = ask('loss', bodyOf(longer), kernels)
              const zeros = request.logits[0]!.map(() => 0)
              expect(rows[at]).toBe(0)
              expect(gradients[at]).toEqual(zeros)
              expect(targets[at]).toEqual(zeros)
              expect({
                ...rest,
                losses: rows.toSpliced(at, 1),
                gradients: gradients.toSpliced(at, 1),
                smoothed_targets: targets.toSpliced(at, 1),
              }).toEqual(without)
            },
          ),
        )
      },
    )

    test('is the sum of its rows over the normalizer, and the sum is the mean times it', () => {
      const extras = ['class_weights', 'sample_weights', 'prior', 'mixup', 'probabilities', 'masks'] as const
      const cases = requests(extras, whole)
      fc.assert(
        fc.property(cases, engine, (request, kernels) => {
          const exact: Request = { ...request, dtype: 'float64' }
          const mean = ask('loss', bodyOf({ ...exact, reduction: 'mean' }), kernels)
          const total = ask('loss', bodyOf({ ...exact, reduction: 'sum' }), kernels)
          const none = ask('loss', bodyOf({ ...exact, reduction: 'none' }), kernels)
          expect(total.losses).toEqual(mean.losses)
          expect(none.losses).toEqual(mean.losses)
          expect(total.normalizer).toBe(1)
          expect(none.gradients).toEqual(total.gradients)
          near([total.loss], [sum(mean.losses)], toleranceOf('float64', mean.losses))
          if (mean.normalizer === 0) {
            expect(mean.loss).toBeNaN()
            return
          }
          near([mean.loss * mean.normalizer], [total.loss], toleranceOf('float64', mean.losses))
          total.gradients.forEach((row, n) => {
            near(
              mean.gradients[n]!.map((g) => g * mean.normalizer),
              row,
              toleranceOf('float64', row),
            )
          })
        }),
      )
    })

    test.runIf(isOfRows)('of a batch is that of each row alone, bit for bit', () => {
      const cases = requests(['class_weights', 'prior', 'probabilities', 'masks'], { maxRows: 20, maxClasses: 70 })
      fc.assert(
        fc.property(cases, engine, (request, kernels) => {
          const batch = ask('loss', bodyOf({ ...request, reduction: 'none' }), kernels)
          const n = request.logits.length - 1
          const row: Partial<Request> = {
            ...request,
            logits: [request.logits[n]!],
            targets: request.targets.slice(n) as number[],
            reduction: 'none',
          }
          const alone = ask('loss', bodyOf(row), kernels)
          expect(alone.losses[0]).toBe(batch.losses[n])
          expect(alone.gradients[0]).toEqual(batch.gradients[n])
          expect(alone.smoothed_targets[0]).toEqual(batch.smoothed_targets[n])
        }),
      )
    })

    test.runIf(hasIndices && takesDense)('of class indices is that of their one-hot rows under sum', () => {
      fc.assert(
        fc.property(
          requests(['class_weights', 'sample_weights', 'prior', 'mixup', 'masks'], whole),
          engine,
          (request, kernels) => {
            fc.pre(isSmooth(definition, request))
            const oneHot = (request.targets as number[]).map((label) =>
              request.logits[0]!.map((_, k) => (k === label ? 1 : 0)),
            )
            const labels = ask('loss', bodyOf({ ...request, reduction: 'sum' }), kernels)
            const dense = ask('loss', bodyOf({ ...request, targets: oneHot, reduction: 'sum' }), kernels)
            near(dense.losses, labels.losses, toleranceOf(request.dtype, labels.losses))
            near(dense.smoothed_targets.flat(), labels.smoothed_targets.flat(), toleranceOf(request.dtype, []))
            labels.gradients.forEach((row, n) => {
              near(dense.gradients[n]!, row, toleranceOf(request.dtype, row))
            })
          },
        ),
      )
    })

    test.runIf(smooths)('at "others" s is that at "uniform" s K/(K-1)', () => {
      fc.assert(
        fc.property(
          requests(['class_weights', 'probabilities', 'masks'], { ...whole, minClasses: 2 }),
          engine,
          (request, kernels) => {
            const k = request.logits[0]!.length
            const s = (request.label_smoothing * (k - 1)) / k
            const exact: Request = { ...request, dtype: 'float64', reduction: 'sum' }
            fc.pre(isSmooth(definition, exact))
            const uniform = ask('loss', bodyOf(exact), kernels)
            const others = ask('loss', bodyOf({ ...exact, label_smoothing: s, smoothing: 'others' }), kernels)
            // At s = 1 rounding may leave the label of a masked class something or nothing.
            const hasMasks = exact.logits.flat().includes(Number.NEGATIVE_INFINITY)
            if (!hasMasks) near(others.losses, uniform.losses, toleranceOf('float64', uniform.losses))
            near(others.smoothed_targets.flat(), uniform.smoothed_targets.flat(), 1e-14)
            near(others.gradients.flat(), uniform.gradients.flat(), 1e-12)
          },
        ),
      )
    })

    test.runIf(smooths)('has the targets as they are at smoothing 0, and uniform ones at 1', () => {
      fc.assert(
        fc.property(requests([...dense, 'class_weights'], whole), engine, (request, kernels) => {
          const k = request.logits[0]!.length
          const targetsAt = (s: number) =>
            ask('loss', bodyOf({ ...request, label_smoothing: s }), kernels).smoothed_targets
          // Rows that a loss sees together have the target of the first of them.
          const plain = request.targets.map((_, n) => {
            const target = request.targets[n % (request.targets.length / groupSize)]!
            return typeof target === 'number' ? request.logits[0]!.map((_, c) => (c === target ? 1 : 0)) : target
          })
          expect(targetsAt(0)).toEqual(plain)
          near(
            targetsAt(1).flat(),
            plain.flat().map(() => 1 / k),
            toleranceOf(request.dtype, []),
          )
        }),
      )
    })

    test.runIf(isOfRows)('over axis 1 is that of the classes turned to the end, bit for bit', () => {
      const cases = requests(['class_weights', 'prior', 'mixup', 'reduction', 'masks'], { minRows: 4, maxRows: 4 })
      fc.assert(
        fc.property(cases, engine, (request, kernels) => {
          // Rows 0 to 3 as [2, 2] positions: [2, 2, K] with the classes last, [2, K, 2] with them on axis 1.
          const flat = bodyOf({ ...request, ...(request.mixup ? { mixup: { lam: [0.25, 1] } } : {}) })
          const { field } = definition.family
          const { scores, teacher, body } = inPairs(flat as Record<string, unknown>, field)
          const turned = teacher ? { teacher_logits: teacher.map(transposed) } : {}
          const last = ask<Deep>('loss', body, kernels)
          const first = ask<Deep>(
            'loss',
            { ...body, ...turned, [field]: scores.map(transposed), class_axis: 1 },
            kernels,
          )
          expect({
            ...first,
            gradients: first.gradients.map(transposed),
            smoothed_targets: first.smoothed_targets.map(transposed),
          }).toEqual(last)
        }),
      )
    })

    test.runIf(isOfRows)('of tokens [B, T, K] is that of their rows [B*T, K], bit for bit', () => {
      const cases = requests(['class_weights', 'prior', 'reduction', 'masks', 'probabilities'], {
        minRows: 6,
        maxRows: 6,
      })
      fc.assert(
        fc.property(cases, engine, (request, kernels) => {
          const flat = ask('loss', bodyOf(request), kernels)
          const { body: tokens } = inPairs(bodyOf(request) as Record<string, unknown>, definition.family.field)
          const deep = ask<Deep>('loss', tokens, kernels)
          expect({
            ...deep,
            losses: deep.losses.flat(),
            gradients: deep.gradients.flat(),
            smoothed_targets: deep.smoothed_targets.flat(),
          }).toEqual(flat)
        }),
      )
    })

    test('says the same in base64 as in arrays, in and out', () => {
      const cases = requests(
        ['class_weights', 'sample_weights', 'prior', 'mixup', 'reduction', 'masks', 'probabilities'],
        whole,
      )
      fc.assert(
        fc.property(cases, engine, (request, kernels) => {
          const body = bodyOf(request) as Record<string, unknown>
          const arrays = ask<LossAnswer>('loss', body, kernels)
          const packed = Object.fromEntries(
            Object.entries(body).map(([name, value]) => [name, Array.isArray(value) ? float64Tensor(value) : value]),
          )
          expect(ask('loss', packed, kernels)).toEqual(arrays)
          const answer = ask<Record<string, PackedTensor>>('loss', { ...packed, encoding: 'base64' }, kernels)
          for (const name of ['losses', 'gradients', 'smoothed_targets'] as const) {
            const round = request.dtype === 'float64' ? Number : Math.fround
            expect(unpacked(answer[name]!)).toEqual((arrays[name] as number[]).flat(2).map(round))
          }
        }),
      )
    })

    test('does not depend on the order of the fields or on white space', () => {
      const extras = ['class_weights', 'sample_weights', 'mixup', 'reduction', 'masks', 'probabilities'] as const
      const cases = requests(extras, whole).chain((request) => {
        const fields = Object.entries(bodyOf(request))
        return fc.record({
          fields: fc.constant(fields),
          order: orderOf(fields.length),
          space: spaces,
          kernels: engine,
        })
      })
      fc.assert(
        fc.property(cases, ({ fields, order, space, kernels }) => {
          const plain = evaluateBytes('loss', bytesOf(printed(Object.fromEntries(fields), [''])), kernels)
          const moved = Object.fromEntries(permuted(fields, order))
          const other = evaluateBytes('loss', bytesOf(printed(moved, space)), kernels)
          expect(other).toEqual(plain)
          expect(other.ok).toBe(true)
        }),
      )
    })
  })
}

describe('the formulations of label smoothing', () => {
  test('agree wherever they are not divided by different numbers', () => {
    const cases = requests(['class_weights', 'sample_weights', 'prior', 'mixup', 'masks', 'probabilities'])
    fc.assert(
      fc.property(cases, fc.constantFrom('sum', 'none', 'normalizer'), engine, (request, reduction, kernels) => {
        const divided = reduction === 'normalizer' ? { normalizer: 3.5 } : { reduction }
        const { answer } = post('equivalence', { ...request, ...divided }, kernels)
        expect(answer).toMatchObject({ equivalent: true })
      }),
    )
  })

  test('agree under mean where nothing is weighted or ignored', () => {
    fc.assert(
      fc.property(requests(['prior', 'mixup', 'masks', 'probabilities']), engine, (request, kernels) => {
        expect(post('equivalence', request, kernels).answer).toMatchObject({ equivalent: true, notes: [] })
      }),
    )
  })
})

describe('targets', () => {
  const cases = requests(['mixup', 'prior', 'probabilities'], { minClasses: 2 })
  const ofDistributions = losses.filter(({ targets, rowsTogether }) => targets === distributions && !rowsTogether)

  test('mixed and smoothed are smoothed and mixed', () => {
    fc.assert(
      fc.property(cases, smoothingFactor, engine, (request, s, kernels) => {
        const { logits, targets, prior } = request
        const body = {
          targets,
          ...(prior ? { prior } : {}),
          num_classes: logits[0]!.length,
          dtype: 'float64',
          label_smoothing: s,
        }
        const smoothed = ask<Targets>('targets', body, kernels).smoothed_targets
        const lam = 0.3
        const mixed = ask<Targets>('targets', { ...body, mixup: { lam } }, kernels).smoothed_targets
        const expected = smoothed.map((row, n) => row.map((q, k) => lam * q + (1 - lam) * smoothed.at(-1 - n)![k]!))
        near(mixed.flat(), expected.flat(), 1e-14)
      }),
    )
  })

  test('are distributions, whatever is done to them', () => {
    fc.assert(
      fc.property(cases, fc.constantFrom('uniform', 'others'), engine, (request, smoothing, kernels) => {
        const { logits, reduction: _, prior, ...fields } = request
        const convention = prior ? { prior } : { smoothing }
        const body = { ...fields, ...convention, num_classes: logits[0]!.length }
        for (const row of ask<Targets>('targets', body, kernels).smoothed_targets) {
          near([sum(row)], [1], toleranceOf(request.dtype, row))
          expect(Math.min(...row)).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })

  test('are those every loss compares with', () => {
    fc.assert(
      fc.property(cases, fc.constantFrom(...ofDistributions), engine, (request, definition, kernels) => {
        const { logits, ...fields } = request
        const alone = ask<Targets>('targets', { ...fields, num_classes: logits[0]!.length }, kernels)
        const { smoothed_targets: compared } = ask('loss', requestOf(definition, request), kernels)
        expect(compared).toEqual(alone.smoothed_targets)
      }),
    )
  })
})

describe('the kernels', () => {
  test('of every kind refuse and answer alike', () => {
    const cases = requests(['class_weights', 'sample_weights', 'prior', 'mixup', 'reduction', 'masks', 'probabilities'])
    const operations = fc.constantFrom<OperationName>('loss', 'equivalence')
    fc.assert(
      fc.property(cases, operations, (request, operation) => {
        const statuses = engines.map((kernels) => post(operation, request, kernels).status)
        expect(new Set(statuses)).toEqual(new Set([200]))
      }),
    )
  })
})

describe('any body', () => {
  test.each(attempts)('of %s gets an answer or a known problem, and nothing is thrown', (_, arbitrary) => {
    fc.assert(fc.property(arbitrary, expectAnswerOrProblem), { numRuns: 500 })
  })
})

function heaviest(weights: readonly number[] = []): number {
  return Math.max(1, ...weights)
}

interface Deep {
  readonly losses: number[][]
  readonly gradients: number[][][]
  readonly smoothed_targets: number[][][]
}

/** A request of 2 n rows as one of n entries of 2 rows each. */
function inPairs(flat: Record<string, unknown>, field: string) {
  const paired = (name: string) => (Array.isArray(flat[name]) ? { [name]: pairs(flat[name]) } : {})
  const body = { ...flat, ...paired(field), ...paired('targets'), ...paired('teacher_logits') }
  return {
    body,
    scores: body[field as 'scores'] as unknown as number[][][],
    teacher: body['teacher_logits' as 'scores'] as unknown as number[][][] | undefined,
  }
}

/** [2 n] to [n, 2]. */
function pairs<T>(values: readonly T[]): T[][] {
  return Array.from({ length: values.length / 2 }, (_, i) => values.slice(2 * i, 2 * i + 2))
}

function transposed(matrix: readonly (readonly number[])[]): number[][] {
  return matrix[0]!.map((_, k) => matrix.map((row) => row[k]!))
}

interface PackedTensor {
  readonly dtype: string
  readonly shape: number[]
  readonly data: string
}

function float64Tensor(value: readonly (number | readonly number[])[]): PackedTensor {
  const first = value[0]
  const shape = Array.isArray(first) ? [value.length, first.length] : [value.length]
  const data = Buffer.from(Float64Array.from(value.flat() as number[]).buffer).toString('base64')
  return { dtype: 'F64', shape, data }
}

function unpacked({ dtype, data }: PackedTensor): number[] {
  const { buffer } = Uint8Array.from(Buffer.from(data, 'base64'))
  return Array.from(dtype === 'F64' ? new Float64Array(buffer) : new Float32Array(buffer))
}

const spaces = fc.array(fc.constantFrom('', ' ', '\n', '\t', '\r\n', '   '), { minLength: 1, maxLength: 7 })

/** JSON with white space from the list, one after the other, in every place that takes it. */
function printed(value: unknown, space: readonly string[]): string {
  let at = 0
  const gap = () => space[at++ % space.length]!
  const print = (each: unknown): string => {
    if (typeof each === 'number' && !Number.isFinite(each)) return `"${each}"`
    if (typeof each !== 'object' || each === null) return JSON.stringify(each)
    const [open, close, members] = Array.isArray(each)
      ? ['[', ']', each.map(print)]
      : [
          '{',
          '}',
          Object.entries(each).map(([name, member]) => `${JSON.stringify(name)}${gap()}:${gap()}${print(member)}`),
        ]
    return open + gap() + members.map((member) => member + gap()).join(`,${gap()}`) + close
  }
  return gap() + print(value) + gap()
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
