import { closest, distance } from 'fastest-levenshtein'
import { z } from 'zod'
import { mismatch } from '../../schemas/tensor.ts'
import { type Fault, MAX_FAULTS, PROBLEMS, type ProblemCode, pointer, Refusal, refuseAt } from '../problems.ts'

/** Why a field that the schema does not have is not taken, where there is more to say than that it is unknown. */
export type ExplainField = (field: string) => string | undefined

/** What the schema makes of the fields, or a refusal that names the first faults. */
export function validate<T>(schema: z.ZodType<T>, fields: unknown, explain: ExplainField = () => undefined): T {
  const result = schema.safeParse(fields)
  if (result.success) return result.data
  const faults = result.error.issues.flatMap((issue) => faultsOf(issue, fields, schema, explain)).slice(0, MAX_FAULTS)
  const [{ code, fault }] = faults as [CodedFault]
  throw new Refusal(
    code,
    fault.pointer === '' ? fault.detail : `${fault.pointer}: ${fault.detail}`,
    faults.map((each) => each.fault),
  )
}

interface CodedFault {
  readonly code: ProblemCode
  readonly fault: Fault
}

function faultsOf(issue: z.core.$ZodIssue, fields: unknown, schema: z.ZodType, explain: ExplainField): CodedFault[] {
  const path = issue.path as (string | number)[]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, MAX_FAULTS).map((key) => {
      const reason = path.length === 0 ? explain(key) : undefined
      const detail = reason ?? `unknown field${suggestion(key, fieldsAt(schema, path))}`
      return coded('validation_failed', [...path, key], detail)
    })
  }
  const code = issue.code === 'custom' && issue.params?.problem
  return [coded(isProblemCode(code) ? code : 'validation_failed', path, detailOf(issue, valueAt(fields, path)))]
}

/** What was expected of a value, and what came. */
function detailOf(issue: z.core.$ZodIssue, value: unknown): string {
  return issue.code === 'custom' ? issue.message : mismatch(issue.message, value)
}

/** Refuses a value that this field would not take, at the place where it stands. */
export function validateValue(schema: z.ZodType, value: unknown, path: readonly (string | number)[]): void {
  const [issue] = schema.safeParse(value).error?.issues ?? []
  if (issue) throw refuseAt('validation_failed', path, detailOf(issue, value))
}

/** Names of the fields that an object of the schema has. */
function fieldsAt(schema: unknown, path: readonly (string | number)[]): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return fieldsAt(schema.unwrap(), path)
  if (!(schema instanceof z.ZodObject)) return []
  const [key, ...rest] = path
  return key === undefined ? Object.keys(schema.shape) : fieldsAt(schema.shape[key], rest)
}

function coded(code: ProblemCode, path: readonly (string | number)[], detail: string): CodedFault {
  return { code, fault: { pointer: pointer(path), detail } }
}

function valueAt(fields: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined,
    fields,
  )
}

/** `; did you mean "x"?` where a known name is near. */
export function suggestion(name: string, known: readonly string[]): string {
  if (known.length === 0 || name.length > 64) return ''
  const nearest = closest(name, known as string[])
  return distance(name, nearest) <= Math.max(2, Math.floor(nearest.length / 3)) ? `; did you mean "${nearest}"?` : ''
}

function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code)
}
