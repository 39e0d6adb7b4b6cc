import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Catalogue, CatalogueEntry, catalogueEntry } from '../schemas/catalogue.ts'
import { problemResponses } from '../schemas/problem.ts'
import { losses } from '../src/losses/index.ts'
import { Refusal } from '../src/problems.ts'

/** The catalogue: every loss with its formula, parameters and references. */
export function lossesRoutes(app: FastifyInstance): void {
  const names = losses.map((loss) => loss.name) as [string, ...string[]]
  const entries = new Map<string, ReturnType<typeof catalogueEntry>>()
  const entryOf = (name: string) => {
    const definition = losses.find((loss) => loss.name === name)
    if (!definition)
      throw new Refusal(
        'not_found',
        `no loss is called ${JSON.stringify(name.slice(0, 64))}; there are ${names.join(', ')}`,
      )
    const entry = entries.get(name) ?? catalogueEntry(definition)
    entries.set(name, entry)
    return entry
  }

  app.get(
    '/losses',
    {
      schema: {
        operationId: 'listLosses',
        summary: 'List every loss',
        tags: ['catalogue'],
        response: { 200: jsonAnswer('The catalogue.', Catalogue) },
      } as never,
    },
    () => ({ losses: names.map(entryOf) }),
  )
  app.get<{ Params: { name: string } }>(
    '/losses/:name',
    {
      schema: {
        operationId: 'describeLoss',
        summary: 'Describe one loss',
        tags: ['catalogue'],
        params: z.object({ name: z.enum(names) }),
        response: { 200: jsonAnswer('The loss.', CatalogueEntry), ...problemResponses('not_found') },
      } as never,
    },
    (request) => entryOf(request.params.name),
  )
}

function jsonAnswer(description: string, schema: z.ZodType) {
  return { description, content: { 'application/json': { schema } } }
}
