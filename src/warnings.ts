import type { Batch, Evaluated } from './batch.ts'
import type { LossDefinition, Warning } from './losses/definition.ts'
import { ignoredIndices } from './targets.ts'
import type { Tensor } from './wire/tensor.ts'

/** What a warning may depend on, of a request that its schema has passed. */
export interface WarningFields {
  readonly outputs: readonly string[]
  readonly ignore_index?: number | Tensor | undefined
}

/** Choices of a request that are known traps: those of every loss, and the loss's own. Mostly none. */
export function warningsOf(
  batch: Batch,
  { reduction, params }: Evaluated,
  definition: Pick<LossDefinition, 'warnings'>,
  { outputs, ignore_index: ignored }: WarningFields,
): Warning[] {
  const { engine, layout, targets, classWeights } = batch
  const { memory } = engine
  const { numClasses } = layout
  const { mass, onValue, offValue } = targets.rows.smoothing
  const judged = { memory, numClasses, targets, classWeights }
  const warnings = [...(definition.warnings?.(judged, params as never) ?? [])]
  // Where class weights are in the denominator, and there is anything to divide.
  if (reduction.unweighted !== 1 && reduction.normalizer > 0 && countsOne(targets.counted)) {
    warnings.push({
      code: 'weighted_mean_of_one',
      detail:
        'the mean over one row divides by the weight of its class, so that this weight has no effect; with reduction "sum" or a normalizer it has one',
    })
  }
  if (mass > 0 && outputs.includes('metrics')) {
    warnings.push({
      code: 'perplexity_of_smoothed_loss',
      detail:
        'metrics are of the unsmoothed targets: perplexity is exp(nll), and exp(loss) of a smoothed loss is no perplexity',
    })
  }
  if (onValue < offValue) {
    warnings.push({
      code: 'smoothing_inverts_targets',
      detail: `so much smoothing gives the class of a target less (${onValue}) than every other class (${offValue})`,
    })
  }
  const classes = ignored === undefined ? [] : [...ignoredIndices(memory, ignored)].filter(isClass).slice(0, 10)
  if (classes.length > 0) {
    warnings.push({
      code: 'ignore_index_is_a_class',
      detail: `ignore_index lists ${classes.join(', ')}, a class of these scores: rows of it are left out, and it stays a class of all other rows`,
    })
  }
  return warnings

  function isClass(index: number): boolean {
    return index >= 0 && index < numClasses
  }
}

function countsOne(counted: Uint8Array): boolean {
  const first = counted.indexOf(1)
  return first !== -1 && counted.indexOf(1, first + 1) === -1
}
