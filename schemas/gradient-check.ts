import { z } from 'zod'
import type { LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import { checkCombination, type LossRequest, lossShape, pascalCase } from './loss.ts'

/** Samples times the elements of a group of rows: a small body must not ask for minutes of work. */
export const MAX_CHECKED_ELEMENTS = 2 ** 26

const options = {
  samples: z.int().min(1).max(4096).default(64).describe('How many coordinates are checked, of rows that count.'),
  step: z
    .number()
    .min(1e-9)
    .max(1)
    .default(1e-5)
    .describe('How far a logit is moved up and down. Differences are taken in float64, whatever the dtype.'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0)
    .describe('Of the choice of coordinates.'),
}

function checkBranch(definition: LossDefinition) {
  const { outputs: _, hardest: __, encoding: ___, ...shape } = lossShape(definition)
  return z
    .strictObject({ ...shape, ...options })
    .superRefine(checkCombination)
    .meta({ id: `${pascalCase(definition.name)}GradientCheckRequest`, title: definition.title })
}

export const checkBranches: ReadonlyMap<string, ReturnType<typeof checkBranch>> = new Map(
  losses.map((loss) => [loss.name, checkBranch(loss)]),
)

export type GradientCheckRequest = LossRequest & z.output<z.ZodObject<typeof options>>

/** The contract of `POST /gradient-check`. */
export const GradientCheckBody = z.discriminatedUnion('loss', [...checkBranches.values()] as never).meta({
  id: 'GradientCheckRequest',
  description: 'The body of a loss without outputs and encoding, and how to check its gradient.',
})
