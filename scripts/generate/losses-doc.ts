import { catalogueEntry } from '../../schemas/catalogue.ts'
import type { LossDefinition } from '../../src/losses/definition.ts'
import { losses } from '../../src/losses/index.ts'
import type { TargetKind } from '../../src/target-kinds.ts'
import { GENERATED, table } from './markdown.ts'

type Entry = ReturnType<typeof catalogueEntry>
type Parameter = Entry['parameters'][number]

/** The catalogue as a page, from the definitions. Fields of every loss, and of every kind of targets, stand once, at the end. */
export function lossesDoc(): string {
  const kinds = [...new Set(losses.map(({ targets }) => targets))]
  const fieldsOf = (targets: TargetKind) => catalogueEntry({ ...losses[0]!, targets, params: {} }).parameters
  const isOf = ({ shape }: TargetKind, { name }: Parameter) => Object.hasOwn(shape, name)
  const ofKind = new Map(kinds.map((kind) => [kind, fieldsOf(kind).filter((field) => isOf(kind, field))]))
  const shared = fieldsOf(kinds[0]!).filter((field) => field.name !== 'loss' && !isOf(kinds[0]!, field))
  return [
    GENERATED,
    '# Losses',
    'Notation: z are the logits, p = softmax(z), t the target before and q after smoothing, w the class weights, K the number of classes, s the smoothing factor.',
    table(
      ['loss', 'targets', 'use it for'],
      losses.map(({ name, whenToUse, targets }) => [
        `[\`${name}\`](#${name})`,
        `[${targets.name}](#${anchor(targets.name)})`,
        whenToUse,
      ]),
    ),
    ...losses.map((loss) => section(loss, catalogueEntry(loss), [...shared, ...ofKind.get(loss.targets)!])),
    ...kinds.flatMap((kind) => [`## Targets: ${kind.name}`, parameterTable(ofKind.get(kind)!)]),
    '## Fields of every loss',
    'A loss that reads another field in place of `logits` lists it with its own.',
    parameterTable(shared),
    '',
  ].join('\n\n')
}

function anchor(kind: string): string {
  return `targets-${kind}`
}

function section(definition: LossDefinition, entry: Entry, shared: readonly Parameter[]): string {
  const own = entry.parameters.filter(
    (parameter) => parameter.name !== 'loss' && !shared.some((other) => same(parameter, other)),
  )
  return [
    `## \`${entry.name}\``,
    entry.summary,
    entry.when_to_use,
    `$$${entry.formula}$$`,
    `$$${entry.gradient}$$`,
    ...(own.length === 0 ? [] : [parameterTable(own)]),
    [`The same elsewhere:\n`, ...[entry.torch, ...entry.others].map((call) => `- \`${call}\``)].join('\n'),
    ...(definition.identities ?? []).map(({ says }) => `With ${says}.`),
    `Example:\n\n\`\`\`json\n${JSON.stringify(entry.example)}\n\`\`\``,
    definition.references
      .map(({ authors, title, year, url }) => `- ${authors}: [${title}](${url}), ${year}`)
      .join('\n'),
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
