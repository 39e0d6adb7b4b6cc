import { DEFAULT_HARDEST } from '../../schemas/fields.ts'
import { fieldOfAnotherLoss, type LossRequest, lossBranches } from '../../schemas/loss.ts'
import { tensorFields } from '../../schemas/tensor.ts'
import type { AnswerObject, AnswerValue, DenseOutput } from '../answer.ts'
import { type Batch, type Evaluated, evaluateBatch, prepareBatch } from '../batch.ts'
import { hardestRows, perClass } from '../breakdown.ts'
import type { Family } from '../families/family.ts'
import type { Engine } from '../kernels/engine.ts'
import { fromRows } from '../layout.ts'
import { smoothedOutput } from '../smoothed-output.ts'
import { warningsOf } from '../warnings.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import type { Operation } from './operation.ts'
import { withPreset } from './preset.ts'
import { selectLoss } from './select-loss.ts'
import { validate } from './validate.ts'

/** `POST /loss`: one loss over a batch. */
export const lossOperation: Operation = {
  name: 'loss',
  isProportional: true,
  tensorFields: new Set([...lossBranches.values()].flatMap((branch) => tensorFields(branch.shape))),

  run(engine, envelope, apart) {
    const definition = selectLoss(envelope)
    const { name, family } = definition
    const request = validate(lossBranches.get(name)!, withPreset(envelope, definition), (field) =>
      fieldOfAnotherLoss(field, name),
    ) as LossRequest
    const batch = prepareBatch(engine, definition, request)
    const wantsGradients = request.outputs.includes('gradients')
    const evaluated = evaluateBatch(batch, definition, request, wantsGradients, (bytes) =>
      apart.take('gradients', bytes),
    )
    const context = { engine, family, batch, evaluated, request }
    const fields: Record<string, AnswerValue | undefined> = {}
    // In the order of this table, whatever the order of the request.
    for (const [output, give] of GIVEN) {
      if (output === 'normalizer' || request.outputs.includes(output as never)) fields[output] = give(context)
    }
    const warnings = warningsOf(batch, evaluated, definition, request)
    if (warnings.length > 0) fields.warnings = warnings as unknown as AnswerObject[]
    return {
      answer: { dtype: batch.dtype, encoding: request.encoding, fields },
      loss: name,
      rows: batch.layout.numRows,
    }
  },
}

interface OutputContext {
  readonly engine: Engine
  readonly family: Family
  readonly batch: Batch
  readonly evaluated: Evaluated
  readonly request: LossRequest
}

/** What an answer can hold, by name. */
const OUTPUTS: Record<
  LossRequest['outputs'][number] | 'normalizer',
  (context: OutputContext) => AnswerValue | undefined
> = {
  loss: ({ evaluated, request }) => (request.reduction === 'none' ? undefined : evaluated.loss),
  normalizer: ({ evaluated }) => evaluated.reduction.normalizer,
  losses: ({ engine, batch, evaluated }) => lossesOutput(engine, batch, evaluated.losses),
  gradients: ({ engine, batch: { layout, dtype }, evaluated }) => ({
    kind: 'dense',
    dtype,
    shape: layout.shape,
    pointer: fromRows(engine.memory, layout, dtype, evaluated.gradients),
    outside: evaluated.gradientsOutside,
  }),
  smoothed_targets: ({ engine, batch }) => smoothedOutput(engine, batch.layout, batch.dtype, batch.targets),
  probabilities: ({ family, batch }) => family.probabilities(batch),
  log_probabilities: ({ family, batch }) => family.logProbabilities(batch),
  predictions: ({ family, batch }) => family.predictions(batch),
  metrics: ({ family, batch }) => ({ ...family.metrics(batch) }),
  per_class: ({ family, batch, evaluated }) => perClass(batch, family, evaluated.losses),
  hardest_rows: ({ family, batch, evaluated, request: { hardest = DEFAULT_HARDEST } }) =>
    hardestRows(batch, family, evaluated.losses, hardest),
}

const GIVEN = Object.entries(OUTPUTS)

export function lossesOutput(engine: Engine, { layout, dtype }: Batch, values: Float64Array): DenseOutput {
  const pointer = engine.memory.allocate(layout.numRows * ELEMENT_BYTES[dtype])
  viewOf(engine.memory, dtype, pointer, layout.numRows).set(values)
  return { kind: 'dense', dtype, shape: layout.rowsShape, pointer }
}
