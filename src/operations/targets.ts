import { MAX_TARGET_ELEMENTS, TargetsBody } from '../../schemas/targets.ts'
import { tensorFields } from '../../schemas/tensor.ts'
import { elementTypeOf } from '../batch.ts'
import { type Layout, layoutAround } from '../layout.ts'
import { refuseAt } from '../problems.ts'
import { smoothedOutput } from '../smoothed-output.ts'
import { buildTargets } from '../targets.ts'
import { sizeOf } from '../wire/tensor.ts'
import type { Operation } from './operation.ts'
import { validate } from './validate.ts'

/** `POST /targets`: the distribution a loss would compare with. */
export const targetsOperation: Operation = {
  name: 'targets',
  isProportional: false,
  tensorFields: new Set(tensorFields(TargetsBody.shape)),

  run(engine, envelope) {
    const request = validate(TargetsBody, envelope)
    const layout = targetLayout(request.targets.shape, request.num_classes, request.class_axis)
    const dtype = elementTypeOf(request.dtype)
    const targets = buildTargets(engine.memory, layout, dtype, request, 'probabilities')
    const { smoothing } = targets.rows
    const hasTwoValues = targets.rows.kind === 'sparse' && smoothing.prior === undefined
    return {
      answer: {
        dtype,
        encoding: request.encoding,
        fields: {
          smoothed_targets: smoothedOutput(engine, layout, dtype, targets),
          on_value: hasTwoValues ? smoothing.onValue : undefined,
          off_value: hasTwoValues ? smoothing.offValue : undefined,
        },
      },
      loss: 'targets',
      rows: layout.numRows,
    }
  },
}

/** Without logits to compare ranks with, a vector is indices and anything deeper is probabilities. */
function targetLayout(shape: readonly number[], numClasses: number, classAxis: -1 | 1): Layout {
  const isIndices = shape.length === 1
  const axis = isIndices ? 1 : classAxis === -1 ? shape.length - 1 : 1
  if (shape.length === 0 || sizeOf(shape) === 0)
    throw refuseAt('shape_mismatch', ['targets'], `expected at least one row, got shape [${shape.join(', ')}]`)
  if (!isIndices && shape[axis] !== numClasses) {
    throw refuseAt(
      'shape_mismatch',
      ['targets'],
      `expected ${numClasses} classes on axis ${axis}, got shape [${shape.join(', ')}]`,
    )
  }
  const rowsShape = isIndices ? shape : shape.toSpliced(axis, 1)
  if (sizeOf(rowsShape) * numClasses > MAX_TARGET_ELEMENTS) {
    throw refuseAt(
      'validation_failed',
      ['num_classes'],
      `expected at most ${MAX_TARGET_ELEMENTS} elements in the answer, got ${sizeOf(rowsShape)} rows of ${numClasses} classes`,
    )
  }
  return layoutAround(rowsShape, numClasses, axis)
}
