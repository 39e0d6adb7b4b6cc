import { z } from 'zod'
import type { LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import { checkCombination, type LossRequest, lossShape, pascalCase } from './loss.ts'
import { takesNumber, tensor } from './tensor.ts'

export const MAX_SWEEP_VALUES = 1000
/** Values times rows times classes: a small body must not ask for minutes of work. */
export const MAX_SWEEP_ELEMENTS = 2 ** 28

const Values = tensor(
  '[V]',
  [1],
  `1 to ${MAX_SWEEP_VALUES} values of the parameter, each of them one the loss takes. A value that the body gives the parameter itself has no effect.`,
)

const REDUCTIONS = ['mean', 'sum'] as const

/** The parameters of a loss, and of its targets, that may be a number. */
export function numericParameters({ targets, params }: LossDefinition): string[] {
  return Object.entries({ ...targets.shape, ...params })
    .filter(([, field]) => takesNumber(field))
    .map(([name]) => name)
}

/** The fields of one loss's body; undefined where it has no number to go through. */
function sweepBranch(definition: LossDefinition) {
  const { outputs: _, hardest: __, encoding: ___, ...shape } = lossShape(definition)
  const [first, ...others] = numericParameters(definition)
  if (first === undefined) return undefined
  return z
    .strictObject({
      ...shape,
      reduction: z.enum(REDUCTIONS).default('mean').describe('How the losses of the rows become one.'),
      parameter: z.enum([first, ...others]).describe('The field to go through values of.'),
      values: Values,
    })
    .superRefine(checkCombination)
    .meta({ id: `${pascalCase(definition.name)}SweepRequest`, title: definition.title })
}

export const sweepBranches: ReadonlyMap<string, NonNullable<ReturnType<typeof sweepBranch>>> = new Map(
  losses.flatMap((loss) => {
    const branch = sweepBranch(loss)
    return branch ? [[loss.name, branch] as const] : []
  }),
)

export type SweepRequest = LossRequest & { parameter: string; values: z.output<typeof Values> }

/** The contract of `POST /sweep`. */
export const SweepBody = z.discriminatedUnion('loss', [...sweepBranches.values()] as never).meta({
  id: 'SweepRequest',
  description: 'The body of a loss without outputs and encoding, and the values of one of its parameters.',
})
