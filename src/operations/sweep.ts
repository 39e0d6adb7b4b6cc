import { fieldOfAnotherPath, type LossRequest } from '../../schemas/loss.ts'
import { MAX_SWEEP_ELEMENTS, MAX_SWEEP_VALUES, type SweepRequest, sweepBranches } from '../../schemas/sweep.ts'
import type { AnswerObject } from '../answer.ts'
import { type Batch, evaluateBatch, prepareBatch } from '../batch.ts'
import type { Engine } from '../kernels/engine.ts'
import type { Layout } from '../layout.ts'
import type { LossDefinition } from '../losses/definition.ts'
import { cast, readOperands } from '../operands.ts'
import { refuseAt } from '../problems.ts'
import { smoothingCurve } from '../smoothing-curve.ts'
import { valuesOf, viewOf } from '../wire/tensor.ts'
import { lossOperation } from './loss.ts'
import type { Operation } from './operation.ts'
import { withPreset } from './preset.ts'
import { selectLoss } from './select-loss.ts'
import { validate, validateValue } from './validate.ts'

interface Point {
  readonly value: number
  readonly loss: number
  readonly gradientNorm: number
  readonly normalizer: number
}

/** `POST /sweep`: loss and gradient norm of one batch along the values of one parameter. */
export const sweepOperation: Operation = {
  name: 'sweep',
  isProportional: false,
  tensorFields: new Set([...lossOperation.tensorFields, 'values']),

  run(engine, envelope) {
    const definition = selectLoss(envelope)
    const branch = sweepBranches.get(definition.name)
    if (!branch) throw refuseAt('validation_failed', ['loss'], `${definition.name} has no parameter that is a number`)
    const explain = (field: string) => fieldOfAnotherPath(field, definition.name, '/sweep')
    const request = validate(branch, withPreset(envelope, definition), explain) as SweepRequest
    const values = readValues(engine, definition, request)
    const at = (value: number) => ({ ...request, [request.parameter]: value })
    const batch = prepareBatch(engine, definition, at(values[0]!))
    const params = readOperands(engine.memory, batch.layout.numClasses, definition.params, request)
    const isAffine = request.parameter === 'label_smoothing' && definition.affineInSmoothing?.(params as never)
    const points = isAffine ? curve(batch) : evaluations(batch.layout)
    const normalizers = new Set(points.map(({ normalizer }) => normalizer))
    return {
      answer: {
        dtype: batch.dtype,
        encoding: 'array',
        fields: {
          parameter: request.parameter,
          normalizer: normalizers.size === 1 ? points[0]!.normalizer : undefined,
          points: points.map(({ value, loss, gradientNorm }) => ({ value, loss, gradient_norm: gradientNorm })),
          best: bestOf(points),
        },
      },
      loss: definition.name,
      rows: batch.layout.numRows,
    }

    function curve(batch: Batch): Point[] {
      const { normalizer, at } = smoothingCurve(batch, definition, request)
      return values.map((value) => ({ value, normalizer, ...at(value) }))
    }

    function evaluations({ numRows, numClasses }: Layout): Point[] {
      const most = Math.max(1, Math.floor(MAX_SWEEP_ELEMENTS / (numRows * numClasses)))
      if (values.length > most) {
        throw refuseAt(
          'validation_failed',
          ['values'],
          `expected at most ${most} values for ${numRows} rows of ${numClasses} classes, got ${values.length}`,
        )
      }
      return values.map((value) => engine.memory.scratch(() => ({ value, ...evaluateAt(at(value)) })))
    }

    function evaluateAt(fields: LossRequest): Omit<Point, 'value'> {
      const batch = prepareBatch(engine, definition, fields)
      const { loss, reduction, gradients } = evaluateBatch(batch, definition, fields, true)
      const size = batch.layout.numRows * batch.layout.numClasses
      const gradientNorm = normOf(viewOf(engine.memory, batch.dtype, gradients, size))
      return { loss, normalizer: reduction.normalizer, gradientNorm }
    }
  },
}

function readValues(engine: Engine, definition: LossDefinition, request: SweepRequest): number[] {
  const { shape } = request.values
  if (shape.length !== 1 || shape[0]! < 1 || shape[0]! > MAX_SWEEP_VALUES) {
    throw refuseAt(
      'validation_failed',
      ['values'],
      `expected 1 to ${MAX_SWEEP_VALUES} values, got shape [${shape.join(', ')}]`,
    )
  }
  const values = Array.from(valuesOf(engine.memory, cast(request.values, 'F64', ['values'])))
  const field = sweepBranches.get(definition.name)!.shape[request.parameter as never]
  values.forEach((value, i) => {
    validateValue(field, value, ['values', i])
  })
  return values
}

function normOf(values: Float32Array | Float64Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return Math.sqrt(sum)
}

/** The first point of the smallest loss; none where every loss is NaN. */
function bestOf(points: readonly Point[]): AnswerObject | undefined {
  let best: Point | undefined
  for (const point of points) if (!Number.isNaN(point.loss) && !(best && best.loss <= point.loss)) best = point
  return best && { value: best.value, loss: best.loss }
}
