import type { z } from 'zod'
import * as fields from '../schemas/fields.ts'
import type { Engine } from './kernels/engine.ts'
import type { Layout } from './layout.ts'
import type { Targets } from './target-rows.ts'
import { buildTargets } from './targets.ts'
import { teacherTargets } from './teacher-targets.ts'

/** What a loss compares its scores with: the fields a client says it in, and how they become targets. */
export interface TargetKind<Shape extends z.ZodRawShape = z.ZodRawShape> {
  readonly name: string
  /** The ways to write them. */
  readonly forms: readonly ('indices' | 'probabilities' | 'labels' | 'logits')[]
  /** What its smoothing spreads over: the classes, or each label by itself. Absent: it has none. */
  readonly smooths?: 'classes' | 'labels'
  /** Fields of the request; a loss whose default of one differs declares that among its parameters. */
  readonly shape: Shape
  /**
   * Gives the targets of every row, or refuses them at the first fault.
   *
   * @param given the fields of `shape`, and the parameters of the loss
   */
  build(engine: Engine, layout: Layout, dtype: 'F32' | 'F64', given: z.output<z.ZodObject<Shape>>): Targets
}

function targetKind<Shape extends z.ZodRawShape>(kind: TargetKind<Shape>): TargetKind {
  return kind as unknown as TargetKind
}

/** Fields of targets that are smoothed. */
const smoothedShape = {
  label_smoothing: fields.LabelSmoothing.default(0),
  smoothing: fields.Smoothing,
  preset: fields.Preset.optional(),
  prior: fields.Prior.optional(),
  class_weights: fields.ClassWeights.optional(),
  ignore_index: fields.IgnoreIndex.optional(),
}

/** A distribution over the classes: class indices or probabilities, smoothed and mixed. */
export const distributions = targetKind({
  name: 'distributions',
  forms: ['indices', 'probabilities'],
  smooths: 'classes',
  shape: {
    targets: fields.Targets,
    ...smoothedShape,
    mixup: fields.Mixup.optional(),
  },
  build: ({ memory }, layout, dtype, given) => buildTargets(memory, layout, dtype, given, 'probabilities'),
})

/** One class a row, for losses to which a share of a class means nothing. */
export const classIndices = targetKind({
  name: 'class_indices',
  forms: ['indices'],
  shape: {
    targets: fields.ClassIndices,
    class_weights: fields.ClassWeights.optional(),
    ignore_index: fields.IgnoreIndex.optional(),
  },
  build: ({ memory }, layout, dtype, given) => buildTargets(memory, layout, dtype, given, undefined),
})

/** One class a row, smoothed: for losses to which the class itself means something beside the shares of the others. */
export const smoothedIndices = targetKind({
  name: 'smoothed_class_indices',
  forms: ['indices'],
  smooths: 'classes',
  shape: {
    targets: fields.ClassIndices,
    ...smoothedShape,
  },
  build: ({ memory }, layout, dtype, given) => buildTargets(memory, layout, dtype, given, undefined),
})

/** A label in [0, 1] for every class, each a question of its own; a class index is on for its class and off for the others. */
export const labels = targetKind({
  name: 'labels',
  forms: ['indices', 'labels'],
  smooths: 'labels',
  shape: {
    targets: fields.Labels,
    ...smoothedShape,
    smoothing: fields.LabelConvention,
    mixup: fields.Mixup.optional(),
  },
  build: ({ memory }, layout, dtype, given) => buildTargets(memory, layout, dtype, given, 'labels'),
})

/** The softmax of another model's logits over the loss's `temperature`. */
export const teacher = targetKind({
  name: 'teacher',
  forms: ['logits'],
  shape: { teacher_logits: fields.TeacherLogits },
  build: teacherTargets,
})
