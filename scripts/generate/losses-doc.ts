import { catalogueEntry } from '../../schemas/catalogue.ts'
import type { LossDefinition } from '../../src/losses/definition.ts'
import { losses } from '../../src/losses/index.ts'
import { GENERATED, table } from './markdown.ts'

type Entry = ReturnType<typeof catalogueEntry>
type Parameter = Entry['parameters'][number]

/** The catalogue as a page, from the definitions. Fields that every loss takes alike stand once, at the end. */
export function lossesDoc(): string {
  const entries = losses.map((definition) => ({ definition, entry: catalogueEntry(definition) }))
  const [first, ...others] = entries.map(({ entry }) => entry) as [Entry, ...Entry[]]
  const shared = first.parameters.filter((parameter) =>
    others.every((entry) => entry.parameters.some((other) => same(parameter, other))),
  )
  return [
    GENERATED,
    '# Losses',
    'Notation: z are the logits, p = softmax(z), t the target before and q after smoothing, w the class weights, K the number of classes, s the smoothing factor.',
    ...entries.map(({ definition, entry }) => section(definition, entry, shared)),
    '## Fields every loss takes',
    parameterTable(shared),
    '',
  ].join('\n\n')
}

function section(definition: LossDefinition, entry: Entry, shared: readonly Parameter[]): string {
  const own = entry.parameters.filter(
    (parameter) => parameter.name !== 'loss' && !shared.some((other) => same(parameter, other)),
  )
  return [
    `## \`${entry.name}\``,
    entry.summary,
    `$$${entry.formula}$$`,
    `$$${entry.gradient}$$`,
    parameterTable(own),
    `The same in the library it comes from: \`${entry.torch}\``,
    `Example:\n\n\`\`\`json\n${JSON.stringify(entry.example)}\n\`\`\``,
    ...definition.references.map(({ authors, title, year, url }) => `- ${authors}: [${title}](${url}), ${year}`),
  ].join('\n\n')
}

function parameterTable(parameters: readonly Parameter[]): string {
  return table(
    ['field', 'type', 'default', 'meaning'],
    parameters.map(({ name, schema, required, default: preset, description }) => [
      `\`${name}\``,
      typeOf(schema),
      required ? 'required' : preset === undefined ? 'absent' : `\`${JSON.stringify(preset)}\``,
      description ?? '',
    ]),
  )
}

/** Type and range in a few words. */
function typeOf(schema: Record<string, unknown>): string {
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ')
  if ('const' in schema) return `\`${JSON.stringify(schema.const)}\``
  if (Array.isArray(schema.anyOf))
    return [...new Set(schema.anyOf.map((each) => typeOf(each as Record<string, unknown>)))].join(' or ')
  if (schema.type === 'number' || schema.type === 'integer') return `${schema.type}${range(schema)}`
  if (typeof schema.$ref === 'string') return 'tensor'
  if (schema.type === 'array') return 'array'
  return String(schema.type)
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Record<string, unknown>): string {
  const limit = (value: unknown) =>
    typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined
  const parts = [
    limit(minimum) === undefined ? undefined : `>= ${minimum}`,
    limit(exclusiveMinimum) === undefined ? undefined : `> ${exclusiveMinimum}`,
    limit(maximum) === undefined ? undefined : `<= ${maximum}`,
    limit(exclusiveMaximum) === undefined ? undefined : `< ${exclusiveMaximum}`,
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? '' : ` ${parts.join(' and ')}`
}

function same(a: Parameter, b: Parameter): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
