import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { problemResponses } from '../schemas/problem.ts'
import { PROBLEMS, type ProblemCode, Refusal } from '../src/problems.ts'

const codes = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]
const ProblemType = z.object({ code: z.enum(codes), status: z.int(), title: z.string() })

/** What the `type` of a problem leads to. */
export function problemsRoute(app: FastifyInstance): void {
  app.get<{ Params: { code: string } }>(
    '/problems/:code',
    {
      schema: {
        operationId: 'describeProblem',
        summary: 'Describe a kind of refusal',
        tags: ['catalogue'],
        params: z.object({ code: z.enum(codes) }),
        response: {
          200: { description: 'The kind of refusal.', content: { 'application/json': { schema: ProblemType } } },
          ...problemResponses('not_found'),
        },
      } as never,
    },
    ({ params: { code } }) => {
      if (!Object.hasOwn(PROBLEMS, code))
        throw new Refusal('not_found', `no problem is called ${JSON.stringify(code.slice(0, 64))}`)
      return { code, ...PROBLEMS[code as ProblemCode] }
    },
  )
}
