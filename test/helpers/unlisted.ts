import { z } from 'zod'
import { lossShape } from '../../schemas/loss.ts'
import { tensorFields } from '../../schemas/tensor.ts'
import type { AnswerObject } from '../../src/answer.ts'
import { evaluateBatch, prepareBatch } from '../../src/batch.ts'
import { hardestRows, perClass } from '../../src/breakdown.ts'
import type { Family } from '../../src/families/family.ts'
import { softmaxFamily } from '../../src/families/softmax.ts'
import type { LossDefinition } from '../../src/losses/definition.ts'
import { smoothedOutput } from '../../src/smoothed-output.ts'
import { distributions } from '../../src/target-kinds.ts'
import { OpenedBody } from '../../src/wire/body.ts'
import { formats } from '../../src/wire/index.ts'
import { sizeOf, viewOf } from '../../src/wire/tensor.ts'
import { encode, defaultEngine as engine } from './evaluate.ts'

/** A loss that is in no registry: what a test is about, the rest being nothing in particular. */
export function unlistedLoss(parts: Partial<LossDefinition>): LossDefinition {
  return {
    name: 'unlisted',
    title: 'Unlisted',
    summary: '',
    whenToUse: '',
    formula: '',
    gradient: '',
    references: [],
    torch: '',
    oracle: '',
    family: softmaxFamily,
    targets: distributions,
    params: {},
    example: {},
    evaluate: () => -1,
    reference: () => Number.NaN,
    ...parts,
  }
}

export interface UnlistedAnswer {
  readonly loss: number
  readonly normalizer: number
  readonly losses: number[]
  readonly gradients: number[]
  readonly smoothedTargets: number[]
  readonly probabilities: number[]
  readonly logProbabilities: number[]
  readonly predictions: number[]
  readonly metrics: ReturnType<Family['metrics']>
  /** Of the output "per_class", each [K]; of "hardest_rows", flat. */
  readonly perClass: Record<string, number[]>
  readonly hardestRows: Record<string, number[]>
}

/** What a request to it gives, tensors flat; in float64 unless it says otherwise. Throws the `Refusal` of a request it does not take. */
export function askUnlisted(definition: LossDefinition, request: Record<string, unknown>): UnlistedAnswer {
  const { memory } = engine
  const shape = lossShape(definition)
  const body = encode({ loss: definition.name, dtype: 'float64', ...request })
  memory.reset()
  const opened = new OpenedBody(memory, body, () => undefined)
  const { envelope } = formats.json!.read(engine, opened, new Set(tensorFields(shape)), {})
  const fields = z.strictObject(shape).parse(envelope) as never
  const batch = prepareBatch(engine, definition, fields)
  const { loss, losses, gradients, reduction } = evaluateBatch(batch, definition, fields, true)
  const { family } = definition
  const flat = ({ dtype, pointer, shape }: ReturnType<Family['predictions']>) =>
    Array.from(viewOf(memory, dtype, pointer, sizeOf(shape)))
  const members = (object: AnswerObject) =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name, flat(value as never)]))
  const smoothed = smoothedOutput(engine, { ...batch.layout, classAxis: -1 }, batch.dtype, batch.targets) as never
  return {
    loss,
    normalizer: reduction.normalizer,
    losses: [...losses],
    gradients: flat({ kind: 'dense', dtype: batch.dtype, shape: batch.layout.shape, pointer: gradients }),
    smoothedTargets: flat(smoothed),
    probabilities: flat(family.probabilities(batch)),
    logProbabilities: flat(family.logProbabilities(batch)),
    predictions: flat(family.predictions(batch)),
    metrics: family.metrics(batch),
    perClass: members(perClass(batch, family, losses)),
    hardestRows: members(hardestRows(batch, family, losses, 2)),
  }
}
