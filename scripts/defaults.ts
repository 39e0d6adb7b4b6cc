import type { z } from 'zod'

/** The defaults of the fields that have one. */
export function defaultsOf(shape: z.ZodRawShape): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shape).flatMap(([field, schema]) => {
      const { success, data } = (schema as z.ZodType).safeParse(undefined)
      return success && data !== undefined ? [[field, data]] : []
    }),
  )
}
