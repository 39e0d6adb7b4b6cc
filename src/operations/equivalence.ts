import { EquivalenceBody, fieldOfAnotherLoss, type LossRequest } from '../../schemas/loss.ts'
import type { AnswerObject } from '../answer.ts'
import { type Batch, prepareBatch } from '../batch.ts'
import { decompose } from '../decomposition.ts'
import { differences, type Fields, mixedLosses, nllUniform, softTarget } from '../formulations.ts'
import { crossEntropy } from '../losses/cross-entropy.ts'
import { valuesOf } from '../wire/tensor.ts'
import { lossesOutput, lossOperation } from './loss.ts'
import type { Operation } from './operation.ts'
import { withPreset } from './preset.ts'
import { validate } from './validate.ts'

/** Relative to what is compared: a few roundings of each type. timm's one-hot targets are float32 and differ by as much. */
const TOLERANCE = { F32: 1e-6, F64: 1e-12 } as const

type EquivalenceRequest = LossRequest & Fields & { label_smoothing: number }

/** `POST /equivalence`: every formulation of label-smoothed cross entropy on one batch, and how far apart they are. */
export const equivalenceOperation: Operation = {
  name: 'equivalence',
  isProportional: true,
  tensorFields: lossOperation.tensorFields,

  run(engine, envelope) {
    const explain = (field: string) => fieldOfAnotherLoss(field, crossEntropy.name)
    const request = validate(EquivalenceBody, withPreset(envelope, crossEntropy), explain) as EquivalenceRequest
    const batch = prepareBatch(engine, crossEntropy, request)
    const formulations = [nllUniform(batch, request), softTarget(batch, request), mixedLosses(batch, request)]
    const isReduced = request.reduction !== 'none'
    const { absolute, relative } = differences(
      batch,
      isReduced ? formulations : formulations.map((each) => ({ ...each, loss: 0 })),
    )
    const tolerance = TOLERANCE[batch.dtype]
    const decomposition = decompose(batch)
    return {
      answer: {
        dtype: batch.dtype,
        encoding: request.encoding,
        fields: {
          formulations: formulations.map(({ name, loss, normalizer, losses }) => ({
            name,
            loss: isReduced ? loss : undefined,
            normalizer,
            losses: lossesOutput(engine, batch, losses),
          })) as unknown as AnswerObject[],
          max_abs_difference: { ...absolute },
          max_rel_difference: { ...relative },
          tolerance,
          equivalent: Math.max(relative.loss, relative.losses, relative.gradients) <= tolerance,
          notes: notesOn(batch, request) as unknown as AnswerObject[],
          decomposition: { ...decomposition },
          optimum: optimumOf(batch),
        },
      },
      loss: 'equivalence',
      rows: batch.layout.numRows,
    }
  },
}

/** Why the formulations differ, where they do. */
function notesOn(batch: Batch, request: EquivalenceRequest): { code: string; detail: string }[] {
  const { targets, classWeights, layout } = batch
  const { sample_weights: sampleWeights } = request
  const divides = request.reduction === 'mean' && request.normalizer === undefined
  const ignored = targets.counted.reduce((sum, counts) => sum + 1 - counts, 0)
  const hasLabels = targets.rows.kind === 'sparse'
  const notes = []
  if (divides && hasLabels && classWeights?.some((weight) => weight !== 1)) {
    notes.push({
      code: 'denominator_class_weights',
      detail:
        'with class indices the mean divides by the sum of the weights of the targets, with dense targets by the number of rows; the losses of the rows agree',
    })
  }
  if (
    divides &&
    hasLabels &&
    sampleWeights &&
    valuesOf(batch.engine.memory, sampleWeights).some((weight) => weight !== 1)
  ) {
    notes.push({
      code: 'denominator_sample_weights',
      detail: 'with class indices sample weights count in the denominator of the mean, with dense targets they do not',
    })
  }
  if (divides && ignored > 0) {
    notes.push({
      code: 'denominator_ignored_rows',
      detail: `with class indices the mean leaves out the ${ignored} ignored of ${layout.numRows} rows; a dense target has no ignored rows and divides by all of them`,
    })
  }
  if (classWeights?.some((weight) => weight !== classWeights[0]) && request.label_smoothing > 0) {
    notes.push({
      code: 'class_weights_move_optimum',
      detail:
        'with class weights the loss is smallest at p proportional to w q, not at p = q; a rare class with a large weight can overtake the target',
    })
  }
  return notes
}

/** Where the loss of a row is smallest; left out where the target has more than two values. */
function optimumOf({ targets: { rows } }: Batch): AnswerObject | undefined {
  const { prior, onValue, offValue } = rows.smoothing
  if (rows.kind === 'dense' || rows.entries === 2 || prior !== undefined) return undefined
  return { on_value: onValue, off_value: offValue, logit_gap: Math.log(onValue / offValue) }
}
