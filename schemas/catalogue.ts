import { z } from 'zod'
import type { LossDefinition } from '../src/losses/definition.ts'
import { lossShape } from './loss.ts'

const CatalogueParameter = z.object({
  name: z.string(),
  required: z.boolean(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  schema: z.record(z.string(), z.unknown()).describe('JSON Schema: type and range.'),
})

export const CatalogueEntry = z
  .object({
    name: z.string(),
    title: z.string(),
    summary: z.string(),
    formula: z.string().describe('LaTeX of the loss of one row.'),
    gradient: z.string().describe('LaTeX of its gradient.'),
    when_to_use: z.string(),
    family: z.string().describe('What the scores are: how they become probabilities.'),
    targets: z.string().describe('What the loss compares them with.'),
    torch: z.string().describe('The same call in PyTorch or the library it comes from.'),
    others: z.array(z.string()).describe('Matching calls in other libraries.'),
    parameters: z.array(CatalogueParameter),
    references: z.array(z.object({ authors: z.string(), title: z.string(), year: z.int(), url: z.string() })),
    example: z.record(z.string(), z.unknown()).describe('A request that runs.'),
  })
  .meta({ id: 'CatalogueEntry' })

export const Catalogue = z.object({ losses: z.array(CatalogueEntry) }).meta({ id: 'Catalogue' })

/** The catalogue's entry of a loss, derived from its definition and its schema branch. */
export function catalogueEntry(definition: LossDefinition): z.input<typeof CatalogueEntry> {
  const branch = z.toJSONSchema(z.strictObject(lossShape(definition)), {
    io: 'input',
    unrepresentable: 'any',
    override: applyOverride,
  })
  const properties = branch.properties as Record<string, { description?: string; default?: unknown }>
  return {
    name: definition.name,
    title: definition.title,
    summary: definition.summary,
    formula: definition.formula,
    gradient: definition.gradient,
    when_to_use: definition.whenToUse,
    family: definition.family.name,
    targets: definition.targets.name,
    torch: definition.torch,
    others: [...(definition.others ?? [])],
    parameters: Object.entries(properties).map(([name, { description, default: preset, ...schema }]) => ({
      name,
      required: branch.required?.includes(name) ?? false,
      ...(description === undefined ? {} : { description }),
      ...(preset === undefined ? {} : { default: preset }),
      schema: withAbsoluteReferences(schema),
    })),
    references: [...definition.references],
    example: { loss: definition.name, ...definition.example },
  }
}

/** zod's own converter knows nothing of the `override` that the OpenAPI one reads from a schema's metadata. */
function applyOverride(context: { zodSchema: z.core.$ZodTypes; jsonSchema: Record<string, unknown> }): void {
  const meta = z.globalRegistry.get(context.zodSchema) as { override?: (context: unknown) => void } | undefined
  meta?.override?.(context)
  delete context.jsonSchema.override
}

/** References lead to the OpenAPI document, where the schemas of tensors stand. */
function withAbsoluteReferences(schema: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"/openapi.json#/components/'))
}
