import { z } from 'zod'
import { shown } from '../src/problems.ts'
import { WIRE_TYPES } from '../src/wire/elements.ts'
import { isTensor, isTensorFault, type Tensor, type TensorFault } from '../src/wire/tensor.ts'

/** What a tensor field is called where tensors have a declared type: metadata of the inference protocol. */
export interface TensorKind {
  /** The least number of dimensions it may have. */
  readonly rank: number
  readonly holds: 'numbers' | 'indices'
  /** Whether one number may stand in place of the tensor. */
  readonly orNumber?: boolean
}

/** Schemas whose value may be a tensor. A decoder asks it which fields to read as numbers in memory. */
const tensors = z.registry<TensorKind>()

/** Schemas every tensor field refers to, by their names in the OpenAPI document. */
export const tensorComponents = {
  Number: {
    description: 'JSON has no NaN and no infinities: they are strings, both ways.',
    anyOf: [{ type: 'number' }, { type: 'string', enum: ['NaN', 'Infinity', '-Infinity'] }],
  },
  Array1: { type: 'array', items: { $ref: '#/components/schemas/Number' } },
  Array2: { type: 'array', items: { $ref: '#/components/schemas/Array1' } },
  Array3: { type: 'array', items: { $ref: '#/components/schemas/Array2' } },
  Array4: { type: 'array', items: { $ref: '#/components/schemas/Array3' } },
  Base64Tensor: {
    type: 'object',
    description: 'Little-endian bytes of a row-major tensor; the dtype names are those of safetensors.',
    required: ['dtype', 'shape', 'data'],
    additionalProperties: false,
    properties: {
      dtype: { type: 'string', enum: Object.keys(WIRE_TYPES) },
      shape: { type: 'array', items: { type: 'integer', minimum: 0 } },
      data: { type: 'string', contentEncoding: 'base64' },
    },
  },
} as const

/** JSON Schema of a tensor of one of these ranks. */
export function tensorJsonSchema(ranks: readonly number[]): { anyOf: object[] } {
  const names = [...ranks.map((rank) => `Array${rank}`), 'Base64Tensor']
  return { anyOf: names.map((name) => ({ $ref: `#/components/schemas/${name}` })) }
}

/**
 * A tensor of the request: to zod one typed value, whose numbers were read (and counted, and checked to be numbers) by the decoder.
 *
 * @param shape what the documents call its shape, for example `[N, K]`
 * @param ranks the numbers of dimensions it may have; documented up to 4, taken up to 8
 */
export function tensor(
  shape: string,
  ranks: readonly number[],
  description: string,
  holds: TensorKind['holds'] = 'numbers',
): z.ZodType<Tensor> {
  const schema = z
    .custom<Tensor | TensorFault>()
    .superRefine((value, context) => {
      if (isTensorFault(value)) {
        context.addIssue({
          code: 'custom',
          path: [...value.path],
          message: value.detail,
          params: { problem: value.fault },
        })
      } else if (!isTensor(value)) {
        context.addIssue({ code: 'custom', message: `expected a tensor ${shape}, got ${kindOf(value)}` })
      }
    })
    .meta({
      description,
      override: ({ jsonSchema }: { jsonSchema: object }) => void Object.assign(jsonSchema, tensorJsonSchema(ranks)),
    })
  tensors.add(schema, { rank: Math.min(...ranks), holds })
  return schema as unknown as z.ZodType<Tensor>
}

/** A field that is a plain value or, where the client writes an array, a tensor of rank 1. */
export function tensorOr<T extends string | number>(
  plain: z.ZodType<T>,
  shape: string,
  description: string,
  holds: TensorKind['holds'] = 'numbers',
): z.ZodType<T | Tensor> {
  const array = tensor(shape, [1], description)
  const schema = z
    .custom<T | Tensor>()
    .superRefine((value, context) => {
      const isArray = isTensor(value) || isTensorFault(value)
      const parsed = (isArray ? array : plain).safeParse(value)
      for (const { path, message, ...rest } of parsed.error?.issues ?? []) {
        context.addIssue({
          code: 'custom',
          path: [...path],
          message: isArray ? message : mismatch(message, value),
          params: 'params' in rest ? rest.params : undefined,
        })
      }
    })
    .meta({
      description,
      override: ({ jsonSchema }: { jsonSchema: object }) => {
        const { $schema: _, ...plainSchema } = z.toJSONSchema(plain, { io: 'input' })
        Object.assign(jsonSchema, { anyOf: [plainSchema, ...tensorJsonSchema([1]).anyOf] })
      },
    })
  tensors.add(schema, { rank: 1, holds, orNumber: takesNumber(plain) })
  return schema as z.ZodType<T | Tensor>
}

/** Whether a field may be one number that is no class index. */
export function takesNumber(field: unknown): boolean {
  if (field instanceof z.ZodOptional || field instanceof z.ZodDefault || field instanceof z.ZodNullable)
    return takesNumber(field.unwrap())
  if (field instanceof z.ZodUnion) return field.options.some(takesNumber)
  if (field instanceof z.ZodLiteral) return [...field.values].some((value) => typeof value === 'number')
  const kind = tensors.get(field as z.ZodType)
  return kind ? kind.holds === 'numbers' && kind.orNumber === true : field instanceof z.ZodNumber
}

/** Dotted paths of the fields of an object schema that may hold a tensor: `logits`, `mixup.lam`. */
export function tensorFields(shape: z.ZodRawShape): string[] {
  return tensorKinds(shape).map(({ path }) => path)
}

/** The same with what each of them is, and whether a request must have it. */
export function tensorKinds(
  shape: z.ZodRawShape,
  prefix = '',
  isOptional = false,
): (TensorKind & { readonly path: string; readonly isOptional: boolean })[] {
  return Object.entries(shape).flatMap(([name, field]) => {
    const path = prefix + name
    const inner = unwrap(field as z.ZodType)
    const mayLack = isOptional || inner !== field
    const kind = tensors.get(inner)
    if (kind) return [{ ...kind, path, isOptional: mayLack }]
    return inner instanceof z.ZodObject ? tensorKinds(inner.shape, `${path}.`, mayLack) : []
  })
}

function unwrap(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? unwrap(schema.unwrap() as z.ZodType)
    : schema
}

/** What a message of zod expects, and what came. */
export function mismatch(message: string, value: unknown): string {
  const expected = message.replace(/^(?:Invalid (?:input|option)|Too (?:big|small)): /, '').replace(/, received .*/, '')
  return `${expected}, got ${isTensor(value) || isTensorFault(value) ? kindOf(value) : shown(value)}`
}

/** What a JSON value is, in the words of JSON, for a message. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (isTensor(value)) return `a tensor of shape [${value.shape.join(', ')}]`
  if (isTensorFault(value)) return 'an array'
  const type = typeof value
  return type === 'object'
    ? 'an object'
    : type === 'string'
      ? `the string ${JSON.stringify(value).slice(0, 48)}`
      : `${type === 'number' ? 'the number ' : ''}${value}`
}
