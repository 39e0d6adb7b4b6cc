import { z } from 'zod'
import { MAX_FAULTS, PROBLEMS, type ProblemCode } from '../src/problems.ts'

const codes = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]

/** RFC 9457, with a stable code and the places at fault. */
export const ProblemDocument = z
  .object({
    type: z.string().describe('Where the code is described.'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What was expected and what came.'),
    instance: z.string(),
    code: z.enum(codes).describe('Stable: part of the contract.'),
    request_id: z.string(),
    errors: z
      .array(z.object({ pointer: z.string().describe('JSON pointer into the request body.'), detail: z.string() }))
      .max(MAX_FAULTS)
      .optional()
      .describe('The first faults.'),
  })
  .meta({ id: 'Problem' })

/** Responses of these problems, for a route's schema. */
export function problemResponses(...listed: readonly ProblemCode[]) {
  const statuses = [...new Set(listed.map((code) => PROBLEMS[code].status))]
  return Object.fromEntries(
    statuses.map((status) => {
      const group = listed.filter((code) => PROBLEMS[code].status === status)
      return [
        String(status),
        {
          description: group.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('. '),
          content: { 'application/problem+json': { schema: ProblemDocument } },
        },
      ]
    }),
  )
}
