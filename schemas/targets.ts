import { z } from 'zod'
import * as fields from './fields.ts'
import { tensor } from './tensor.ts'

/** A body of a few bytes must not ask for an answer of gigabytes. */
export const MAX_TARGET_ELEMENTS = 2 ** 24

/** The contract of `POST /targets`. */
export const TargetsBody = z
  .strictObject({
    targets: tensor('[N] or [N, K]', [1, 2, 3, 4], 'Rank 1: class indices [N]. Any other rank: probabilities [N, K].'),
    num_classes: z.int().min(1).max(MAX_TARGET_ELEMENTS).describe('Number of classes K.'),
    class_axis: fields.ClassAxis,
    label_smoothing: fields.LabelSmoothing.default(0),
    smoothing: fields.Smoothing,
    prior: fields.Prior.optional(),
    ignore_index: fields.IgnoreIndex.optional(),
    mixup: fields.Mixup.optional(),
    dtype: fields.Dtype,
    encoding: fields.Encoding,
  })
  .meta({ id: 'TargetsRequest', description: 'Smoothed and mixed targets alone; they need no logits.' })

export type TargetsRequest = z.output<typeof TargetsBody>
