import type { z } from 'zod'
import { lossShape } from '../../schemas/loss.ts'
import { losses } from '../../src/losses/index.ts'
import { labelWeights } from '../../src/reduction.ts'
import { defaultsOf } from '../defaults.ts'

/** What scripts/goldens.py needs of every loss, as JSON: where a Python program meets the definitions. */
const definitions = losses.map((loss) => {
  const { name, family, targets, params, oracle, variants = [], denominator, rowsTogether } = loss
  const defaults = defaultsOf({ ...targets.shape, ...params })
  const absent = Object.fromEntries(Object.keys(params).map((param) => [param, null]))
  const settings = [{}, ...variants].map((variant) => {
    const operands = { ...defaultsOf(params), ...variant } as never
    return {
      params: variant,
      operands: Object.assign({ ...absent }, operands),
      denominator: (denominator?.(operands) ?? labelWeights).name,
      rows_together: rowsTogether?.(operands) ?? 1,
    }
  })
  return {
    name,
    field: family.field,
    forms: targets.forms,
    fields: Object.keys(lossShape(loss)),
    label_smoothing: defaults.label_smoothing ?? 0,
    smoothings: smoothingsOf(targets.shape.smoothing),
    oracle,
    calls: [loss.torch, ...(loss.others ?? [])],
    example: loss.example,
    settings,
  }
})

function smoothingsOf(schema: unknown): readonly string[] {
  const convention = schema as z.ZodDefault<z.ZodEnum> | undefined
  return convention ? (convention.unwrap().options as string[]) : []
}

process.stdout.write(JSON.stringify(definitions))
