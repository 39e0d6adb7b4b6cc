import { z } from 'zod'
import type { LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import type { Tensor } from '../src/wire/tensor.ts'
import * as fields from './fields.ts'

export const DEFAULT_LOSS = 'cross_entropy'

/** Fields every loss takes beside its scores, its targets and its own parameters. */
const commonShape = {
  class_axis: fields.ClassAxis,
  sample_weights: fields.SampleWeights.optional(),
  reduction: fields.Reduction,
  normalizer: fields.Normalizer.optional(),
  dtype: fields.Dtype,
  outputs: fields.Outputs,
  hardest: fields.Hardest.optional(),
  encoding: fields.Encoding,
}

/** The body of `POST /loss` as every loss has it; scores, targets and parameters are those its definition names. */
export type LossRequest = z.output<z.ZodObject<typeof commonShape>> & {
  loss: string
  class_weights?: Tensor | undefined
} & Record<string, unknown>

/** The fields one loss takes. */
export function lossShape(definition: LossDefinition) {
  const { family, targets, params } = definition
  return {
    loss: nameField(definition),
    [family.field]: family.schema,
    ...targets.shape,
    ...commonShape,
    ...params,
  }
}

/** Which loss it is. A body that does not say is the default one's. */
function nameField({ name, summary }: LossDefinition) {
  const literal = z.literal(name).describe(summary)
  return name === DEFAULT_LOSS ? literal.default(name) : literal
}

/** The branch of the union that one loss is. */
function lossBranch(definition: LossDefinition) {
  return z
    .strictObject(lossShape(definition))
    .superRefine(checkCombination)
    .meta({ id: `${pascalCase(definition.name)}Request`, title: definition.title, description: definition.summary })
}

/** Rules between plain fields. Those between tensors are the pipeline's. */
export function checkCombination(body: Record<string, unknown>, context: z.RefinementCtx): void {
  if (body.normalizer !== undefined && body.reduction !== 'mean') {
    context.addIssue({
      code: 'custom',
      path: ['normalizer'],
      message: `applies to reduction "mean" only, got "${body.reduction}"`,
    })
  }
  if (body.hardest !== undefined && !(body.outputs as string[]).includes('hardest_rows')) {
    context.addIssue({
      code: 'custom',
      path: ['hardest'],
      message: 'applies to the output "hardest_rows" only, which is not asked for',
    })
  }
}

export const lossBranches: ReadonlyMap<string, ReturnType<typeof lossBranch>> = new Map(
  losses.map((loss) => [loss.name, lossBranch(loss)]),
)

/** Why a field is unknown to one loss, where another takes it. */
export function fieldOfAnotherLoss(field: string, name: string): string | undefined {
  const takers = losses.filter((loss) => Object.hasOwn(lossBranches.get(loss.name)!.shape, field))
  if (takers.length === 0) return undefined
  return `${name} does not take it; ${takers.map((loss) => loss.name).join(', ')} ${takers.length === 1 ? 'does' : 'do'}`
}

/** The same for a path whose bodies are those of the losses, less some fields. */
export function fieldOfAnotherPath(field: string, name: string, path: string): string | undefined {
  return Object.hasOwn(lossBranches.get(name)!.shape, field)
    ? `${path} does not take it; /loss does`
    : fieldOfAnotherLoss(field, name)
}

/** The contract of `POST /loss`: a union discriminated by `loss`. */
export const LossBody = z
  .discriminatedUnion('loss', [...lossBranches.values()] as never)
  .meta({ id: 'LossRequest', description: 'One branch for each loss; without `loss`, cross_entropy.' })

/** What `POST /equivalence` compares is the default loss as it is: parameters of its own would be another loss. */
function checkPlain(body: Record<string, unknown>, context: z.RefinementCtx): void {
  for (const [name, schema] of Object.entries(defaultLoss.params)) {
    const preset = (schema as z.ZodType).parse(undefined)
    if (body[name] === preset) continue
    const expected = preset === undefined ? 'expected it to be absent' : `expected ${preset}`
    const message = `is for POST /loss only: the formulations compared here have no such parameter; ${expected}, got ${body[name]}`
    context.addIssue({ code: 'custom', path: [name], message })
  }
}

const defaultLoss = losses.find((loss) => loss.name === DEFAULT_LOSS)!

/** The contract of `POST /equivalence`: the body of cross entropy. */
export const EquivalenceBody = z
  .strictObject(lossShape(defaultLoss))
  .superRefine(checkCombination)
  .superRefine(checkPlain)
  .meta({ id: 'EquivalenceRequest', description: `The body of ${DEFAULT_LOSS}, without parameters of its own.` })

export function pascalCase(name: string): string {
  return name.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
