import { z } from 'zod'
import { LABEL_SMOOTHINGS, LabelSmoothing, PRESET_NAMES } from './fields.ts'
import { MAX_TARGET_ELEMENTS } from './targets.ts'

const Convention = z.enum([...LABEL_SMOOTHINGS, ...PRESET_NAMES])

/** The contract of `POST /smoothing/convert`. */
export const SmoothingBody = z
  .strictObject({
    label_smoothing: LabelSmoothing,
    num_classes: z.int().min(1).max(MAX_TARGET_ELEMENTS).describe('Number of classes K.'),
    from: Convention.describe('The convention of the factor, or a library.'),
    to: Convention.describe('The convention it is wanted in, or a library.'),
  })
  .meta({ id: 'SmoothingRequest', description: 'A smoothing factor, and the convention it is wanted in.' })

export type SmoothingRequest = z.output<typeof SmoothingBody>
