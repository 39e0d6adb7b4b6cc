import { SmoothingBody, type SmoothingRequest } from '../../schemas/smoothing.ts'
import type { AnswerObject } from '../answer.ts'
import { isPresetName, PRESETS } from '../presets.ts'
import { refuseAt } from '../problems.ts'
import { smoothingAt } from '../smoothing.ts'
import type { Operation } from './operation.ts'
import { validate } from './validate.ts'

type Convention = 'uniform' | 'others' | 'half'

/** A factor this far beyond 1 is 1 and the rounding of K/(K-1). */
const ROUNDING = 1e-12

/** `POST /smoothing/convert`: the smoothing factor that gives the same targets in another convention. */
export const convertSmoothingOperation: Operation = {
  name: 'smoothing/convert',
  isProportional: true,
  tensorFields: new Set(),

  run(_engine, envelope) {
    const request = validate(SmoothingBody, envelope)
    const [from, to] = [conventionOf(request, 'from'), conventionOf(request, 'to')]
    const { factor, detail } = convert(request, from, to)
    return {
      answer: {
        dtype: 'F64',
        encoding: 'array',
        fields: {
          exact: factor !== undefined,
          label_smoothing: factor,
          detail,
          from: described(request.from, from, request.label_smoothing, request.num_classes),
          to: described(request.to, to, factor, request.num_classes),
        },
      },
      loss: 'smoothing',
      rows: 0,
    }
  },
}

function conventionOf(request: SmoothingRequest, field: 'from' | 'to'): Convention {
  const given = request[field]
  const convention: Convention = isPresetName(given) ? PRESETS[given].classes : given
  if (convention === 'others' && request.num_classes === 1)
    throw refuseAt('validation_failed', [field], '"others" needs at least 2 classes, got 1')
  return convention
}

/** By way of the factor of the uniform distribution: "others" at s is "uniform" at s K/(K-1). */
function convert(
  { label_smoothing: s, num_classes: k }: SmoothingRequest,
  from: Convention,
  to: Convention,
): { factor?: number; detail?: string } {
  if (from === to) return { factor: s }
  if ((from === 'half' || to === 'half') && k !== 2 && s !== 0) {
    const detail =
      `"half" moves every label towards 1/2 by itself: with ${k} classes its targets sum to 1 + s (K/2 - 1) and not to 1, ` +
      'so no factor of a distribution gives the same; with 2 classes, "half" at s is "uniform" at s'
    return { detail }
  }
  const uniform = from === 'others' ? (s * k) / (k - 1) : s
  const factor = to === 'others' ? (uniform * (k - 1)) / k : uniform
  if (factor <= 1 + ROUNDING) return { factor: Math.min(factor, 1) }
  const detail =
    `the factor would be ${factor}, above 1: "others" at ${s} gives the class of the target less than every other class, ` +
    'and no other convention goes beyond giving all classes the same'
  return { detail }
}

function described(name: string, convention: Convention, factor: number | undefined, numClasses: number): AnswerObject {
  const values =
    factor === undefined
      ? undefined
      : smoothingAt({ label_smoothing: factor, smoothing: convention }, numClasses, undefined)
  return {
    convention,
    reduction: isPresetName(name) ? PRESETS[name].reduction : undefined,
    label_smoothing: factor,
    on_value: values?.onValue,
    off_value: values?.offValue,
  }
}
