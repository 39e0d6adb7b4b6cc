import { type Batch, evaluateBatch } from './batch.ts'
import { crossEntropy } from './losses/cross-entropy.ts'
import type { LossDefinition } from './losses/definition.ts'
import { labelSmoothingCrossEntropy } from './losses/label-smoothing-cross-entropy.ts'
import { softTargetCrossEntropy } from './losses/soft-target-cross-entropy.ts'
import { mixOf, partnerTargets } from './mixup.ts'
import { type ReductionFields, reduceLosses } from './reduction.ts'
import type { Targets } from './target-rows.ts'
import { buildTargets, type TargetFields } from './targets.ts'
import { viewOf } from './wire/tensor.ts'

/** One way to write label-smoothed cross entropy, computed by its own code path and reduced as its own library reduces it. */
export interface Formulation {
  readonly name: string
  readonly normalizer: number
  readonly loss: number
  readonly losses: Float64Array
  /** [numRows, numClasses] after reduction. */
  readonly gradients: number
  /** The largest factor that p - q of a row is multiplied by. */
  readonly gradientUnit: number
}

/** What the formulations read of a request. */
export type Fields = TargetFields & ReductionFields & Readonly<Record<string, unknown>>

/** (1-s) * nll + s * mean(-log p): PyTorch and timm's LabelSmoothingCrossEntropy. */
export function nllUniform(batch: Batch, fields: Fields): Formulation {
  return formulation('nll_uniform', batch, labelSmoothingCrossEntropy, fields)
}

/** -sum q log p over dense on/off targets: timm's mixup_target and SoftTargetCrossEntropy. A dense route divides by every row. */
export function softTarget(batch: Batch, fields: Fields): Formulation {
  const normalizer = fields.reduction === 'mean' ? (fields.normalizer ?? batch.layout.numRows) : undefined
  return formulation('soft_target', batch, softTargetCrossEntropy, { ...fields, normalizer })
}

/** lam * loss(y) + (1-lam) * loss(partner's y): mixup-cifar10, CutMix, kornia. Each of the two losses has its own denominator. */
export function mixedLosses(batch: Batch, fields: Fields): Formulation {
  const name = 'mixed_losses'
  if (fields.mixup === undefined) return formulation(name, batch, crossEntropy, fields)
  const { engine, layout, dtype } = batch
  const { memory } = engine
  const mix = mixOf(memory, layout, fields.mixup)
  const ownTargets = buildTargets(memory, layout, dtype, { ...fields, mixup: undefined }, 'probabilities')
  const { counted } = batch.targets
  const own = formulation(name, withTargets(batch, { ...ownTargets, counted }), crossEntropy, fields)
  // Every row that counts is a row of both losses, whatever its share in them: each mean is over all of these.
  const partners = { ...partnerTargets(memory, layout, dtype, ownTargets, mix), counted }
  const partner = formulation(name, withTargets(batch, partners), crossEntropy, fields)

  const losses = own.losses.map((loss, row) => blend(lamOf(row), loss, partner.losses[row]!))
  const size = layout.numRows * layout.numClasses
  const gradients = viewOf(memory, dtype, own.gradients, size)
  const others = viewOf(memory, dtype, partner.gradients, size)
  for (let i = 0; i < size; i++)
    gradients[i] = blend(lamOf(Math.floor(i / layout.numClasses)), gradients[i]!, others[i]!)
  const ownLosses = own.losses.map((loss, row) => blend(lamOf(row), loss, 0))
  const partnerLosses = partner.losses.map((loss, row) => blend(lamOf(row), 0, loss))
  // A loss nobody has a share in is left out: where its weights sum to 0 it would be 0/0.
  const loss =
    (mix.lam.some((lam) => lam > 0) ? reduceLosses(ownLosses, own) : 0) +
    (mix.lam.some((lam) => lam < 1) ? reduceLosses(partnerLosses, partner) : 0)
  const gradientUnit = Math.max(own.gradientUnit, partner.gradientUnit)
  return { name, normalizer: own.normalizer, loss, losses, gradients: own.gradients, gradientUnit }

  function lamOf(row: number): number {
    return mix.lam[Math.floor(row / layout.rowsPerSample)]!
  }
}

/** lam * a + (1-lam) * b, where a share of 0 of something infinite is 0. */
function blend(lam: number, a: number, b: number): number {
  return (lam === 0 ? 0 : lam * a) + (lam === 1 ? 0 : (1 - lam) * b)
}

/** Copying the batch brings its scores to kernel memory, so that nothing need pass through a window any more. */
function withTargets(batch: Batch, targets: Targets): Batch {
  return { ...batch, scoresOutside: undefined, targets }
}

function formulation(name: string, batch: Batch, definition: LossDefinition, fields: Fields): Formulation {
  const { reduction, loss, losses, gradients } = evaluateBatch(batch, definition, fields, true)
  const scales = batch.engine.memory.f64(reduction.gradientScale, batch.layout.numRows)
  const scale = scales.reduce(
    (largest, each, row) => (batch.targets.counted[row] ? Math.max(largest, each) : largest),
    0,
  )
  const weight = batch.classWeights ? batch.classWeights.reduce((a, b) => Math.max(a, b)) : 1
  return { name, normalizer: reduction.normalizer, loss, losses, gradients, gradientUnit: scale * weight }
}

export interface Difference {
  /** Between the reduced losses; 0 where nothing is reduced. */
  readonly loss: number
  readonly losses: number
  readonly gradients: number
}

/**
 * The largest differences between any two formulations. Losses are compared relative to the larger of the two, gradients relative to
 * their unit: a gradient is a difference of two distributions times that, and rounds like them.
 */
export function differences(
  batch: Batch,
  formulations: readonly Formulation[],
): { absolute: Difference; relative: Difference } {
  const { memory } = batch.engine
  const size = batch.layout.numRows * batch.layout.numClasses
  const gradients = formulations.map((each) => viewOf(memory, batch.dtype, each.gradients, size))
  const loss = spread(1, () => formulations.map((each) => each.loss))
  const losses = spread(batch.layout.numRows, (row) => formulations.map((each) => each.losses[row]!))
  const gradient = spread(size, (i) => gradients.map((each) => each[i]!)).absolute
  const gradientUnit = Math.max(...formulations.map((each) => each.gradientUnit))
  return {
    absolute: { loss: loss.absolute, losses: losses.absolute, gradients: gradient },
    relative: {
      loss: loss.relative,
      losses: losses.relative,
      gradients: gradientUnit === 0 ? 0 : gradient / gradientUnit,
    },
  }
}

function spread(length: number, valuesAt: (i: number) => number[]): { absolute: number; relative: number } {
  let absolute = 0
  let relative = 0
  for (let i = 0; i < length; i++) {
    const values = valuesAt(i)
    // Equal infinities have no difference to take; -0 and 0 are equal.
    if (values.every((value) => value === values[0] || Object.is(value, values[0]))) continue
    const difference = Math.max(...values) - Math.min(...values)
    absolute = Math.max(absolute, difference)
    relative = Math.max(relative, difference / Math.max(...values.map(Math.abs)))
  }
  return { absolute, relative }
}
