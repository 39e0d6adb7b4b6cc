import type { z } from 'zod'
import { lossShape } from '../../schemas/loss.ts'
import { type LossDefinition, PER_CLASS } from '../../src/losses/definition.ts'

/** What a loss can be asked for, read off its definition: so that a test of every loss knows none. */
export interface Capabilities {
  readonly forms: LossDefinition['targets']['forms']
  /** Whether targets may be dense: probabilities or labels. */
  readonly takesDense: boolean
  readonly smooths: boolean
  readonly mixes: boolean
  readonly weighsClasses: boolean
  readonly ignores: boolean
  /** Moving all scores of a row by the same number changes nothing. */
  readonly isSoftmax: boolean
  /** Rows that it sees together with its parameters as they are by default. */
  readonly groupSize: number
}

export function capabilitiesOf(definition: LossDefinition): Capabilities {
  const { shape, forms } = definition.targets
  return {
    forms,
    takesDense: forms.includes('probabilities') || forms.includes('labels'),
    smooths: 'label_smoothing' in shape,
    mixes: 'mixup' in shape,
    weighsClasses: 'class_weights' in shape,
    ignores: 'ignore_index' in shape,
    isSoftmax: definition.family.name === 'softmax',
    groupSize: groupSizeOf(definition, {}),
  }
}

/** Rows that the loss sees together with these parameters. */
export function groupSizeOf(definition: LossDefinition, params: Readonly<Record<string, unknown>>): number {
  return definition.rowsTogether?.(paramsOf(definition, params) as never) ?? 1
}

/** Whether a request of this loss may have this field. */
export function takes(definition: LossDefinition, field: string): boolean {
  return Object.hasOwn(lossShape(definition), field)
}

/** The parameters of a request with their defaults, as the maths takes them: what is an array there is a weight for each class. */
export function paramsOf(
  { params }: LossDefinition,
  request: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(params).map(([name, schema]) => {
      const value = request[name]
      return [name, Array.isArray(value) ? Float64Array.from(value) : (schema as z.ZodType).parse(value)]
    }),
  )
}

/** The settings of its parameters that a loss is tested with, the default first; what is for each class is drawn. */
export function variantsOf(
  { variants = [] }: LossDefinition,
  numClasses: number,
  random: () => number,
): Record<string, unknown>[] {
  return [{}, ...variants].map((variant) =>
    Object.fromEntries(
      Object.entries(variant).map(([name, value]) => [
        name,
        value === PER_CLASS ? Array.from({ length: numClasses }, () => 0.25 + 1.5 * random()) : value,
      ]),
    ),
  )
}
