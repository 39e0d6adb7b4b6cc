import { checkBranches, type GradientCheckRequest, MAX_CHECKED_ELEMENTS } from '../../schemas/gradient-check.ts'
import { fieldOfAnotherPath } from '../../schemas/loss.ts'
import { evaluateBatch, prepareBatch } from '../batch.ts'
import { checkGradients, GRADIENT_TOLERANCE } from '../gradient-check.ts'
import { elementPath } from '../layout.ts'
import { pointer, refuseAt } from '../problems.ts'
import { lossOperation } from './loss.ts'
import type { Operation } from './operation.ts'
import { withPreset } from './preset.ts'
import { selectLoss } from './select-loss.ts'
import { validate } from './validate.ts'

/** `POST /gradient-check`: the gradient of a loss against central differences. */
export const gradientCheckOperation: Operation = {
  name: 'gradient-check',
  isProportional: false,
  tensorFields: lossOperation.tensorFields,

  run(engine, envelope) {
    const definition = selectLoss(envelope)
    const explain = (field: string) => fieldOfAnotherPath(field, definition.name, '/gradient-check')
    const request = validate(
      checkBranches.get(definition.name)!,
      withPreset(envelope, definition),
      explain,
    ) as GradientCheckRequest
    const batch = prepareBatch(engine, definition, request)
    const { layout, dtype, field, groups } = batch
    const rows = groups?.size ?? 1
    const most = Math.max(1, Math.floor(MAX_CHECKED_ELEMENTS / (rows * layout.numClasses)))
    if (request.samples > most) {
      throw refuseAt(
        'validation_failed',
        ['samples'],
        `expected at most ${most} samples of ${rows === 1 ? 'rows' : `groups of ${rows} rows`} of ${layout.numClasses} classes, got ${request.samples}`,
      )
    }
    const evaluated = evaluateBatch(batch, definition, request, true)
    const { checked, skipped, maxAbsError, maxRelError, worst } = checkGradients(batch, definition, evaluated, request)
    const tolerance = GRADIENT_TOLERANCE[dtype]
    return {
      answer: {
        dtype: 'F64',
        encoding: 'array',
        fields: {
          checked,
          skipped,
          max_abs_error: maxAbsError,
          max_rel_error: maxRelError,
          worst: worst && {
            pointer: pointer([field, ...elementPath(layout, worst.row, worst.label)]),
            analytic: worst.analytic,
            numeric: worst.numeric,
          },
          tolerance,
          ok: maxRelError <= tolerance,
        },
      },
      loss: definition.name,
      rows: layout.numRows,
    }
  },
}
