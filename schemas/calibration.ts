import { z } from 'zod'
import * as fields from './fields.ts'

/** The contract of `POST /calibration`. */
export const CalibrationBody = z
  .strictObject({
    logits: fields.Logits,
    targets: fields.ClassIndices,
    class_axis: fields.ClassAxis,
    ignore_index: fields.IgnoreIndex.optional(),
    bins: z.int().min(1).max(1000).default(15).describe('Number of bins of equal width.'),
    dtype: fields.Dtype,
  })
  .meta({ id: 'CalibrationRequest', description: 'Logits of a classifier, and what happened.' })
