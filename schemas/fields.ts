import { z } from 'zod'
import { PRESETS, type PresetName } from '../src/presets.ts'
import { tensor, tensorOr } from './tensor.ts'

/** Fields that more than one operation or loss takes. Ranges and defaults are the contract's. */

export const REDUCTIONS = ['mean', 'sum', 'none'] as const
export const SMOOTHINGS = ['uniform', 'others'] as const
export const LABEL_SMOOTHINGS = [...SMOOTHINGS, 'half'] as const
export const DTYPES = ['float32', 'float64'] as const
export const OUTPUTS = [
  'loss',
  'losses',
  'gradients',
  'smoothed_targets',
  'probabilities',
  'log_probabilities',
  'predictions',
  'metrics',
  'per_class',
  'hardest_rows',
] as const

/** Rows that the output "hardest_rows" gives unless the request says how many. */
export const DEFAULT_HARDEST = 10

export const Logits = tensor(
  '[N, K]',
  [2, 3, 4],
  'Logits [N, K], finite or -Infinity (a class masked out). Also [B, T, K] and deeper, or [N, K, d1, ...] with class_axis 1: every position is a row.',
)

export const LogProbabilities = tensor(
  '[N, K]',
  [2, 3, 4],
  'Log-probabilities [N, K] in place of logits; gradients are with respect to them.',
)

export const Targets = tensor(
  '[N] or [N, K]',
  [1, 2, 3, 4],
  'One rank below the logits: class indices [N]. The same rank: probabilities [N, K]. The rank decides, never the values.',
  'indices',
)

export const ClassIndices = tensor('[N]', [1, 2, 3], 'Class indices [N], one rank below the logits.', 'indices')

export const Labels = tensor(
  '[N] or [N, K]',
  [1, 2, 3, 4],
  'The same rank as the logits: a label in [0, 1] for every class [N, K]. One rank below: class indices [N], whose class is on and every other off. The rank decides, never the values.',
)

export const TeacherLogits = tensor(
  '[N, K]',
  [2, 3, 4],
  'Logits [N, K] of the teacher in place of targets, finite or -Infinity (a class the teacher gives nothing).',
)

export const ClassAxis = z
  .union([z.literal(-1), z.literal(1)], { error: 'expected -1 (classes on the last axis) or 1' })
  .default(-1)
  .describe('Where the classes are: the last axis, or 1 for [N, K, d1, ...]. Never guessed from sizes.')

export const LabelSmoothing = z.number().min(0).max(1).describe('Smoothing factor s in [0, 1].')

export const PRESET_NAMES = Object.keys(PRESETS) as [PresetName, ...PresetName[]]

export const Preset = z
  .enum(PRESET_NAMES)
  .describe('Makes the convention and the reduction of a library the defaults of `smoothing` and `reduction`.')

export const Smoothing = z
  .enum(SMOOTHINGS)
  .default('uniform')
  .describe(
    'Convention: s/K on every class (PyTorch, timm, Keras) or s/(K-1) on the other classes (fairseq, ESPnet, tensor2tensor).',
  )

export const LabelConvention = z
  .enum(LABEL_SMOOTHINGS)
  .default('uniform')
  .describe(
    'Convention: t(1-s) + s/K (PyTorch, timm), s/(K-1) on the labels that are off (fairseq), or "half": t(1-s) + s/2 (Keras, TensorFlow).',
  )

export const Prior = tensor(
  '[K]',
  [1],
  'Smooth towards this distribution [K] instead of the uniform one; it sums to 1.',
)

export const ClassWeights = tensor('[K]', [1], "Weight >= 0 of each class [K], PyTorch's `weight`.")

export const SampleWeights = tensor('[N]', [1, 2, 3], "Weight >= 0 of each row [N]; multiplies the row's loss.")

export const IgnoreIndex = tensorOr(
  z.number({ error: 'expected an integer or an array of integers' }).int(),
  'of integers',
  'Index targets only: rows whose target is (one of) this are left out. Default -100. A listed class stays in the softmax.',
  'indices',
)

export const Reduction = z.enum(REDUCTIONS).default('mean').describe('How the losses of the rows become one.')

export const Normalizer = z
  .number()
  .positive()
  .describe(
    'Divide by this instead of the conventional denominator (gradient accumulation, distributed batches); with "mean" only.',
  )

export const PAIRINGS = ['flip', 'roll'] as const

export const Mixup = z
  .strictObject({
    lam: tensorOr(
      z.number({ error: 'expected a number in [0, 1] or one for each entry of the first axis' }).min(0).max(1),
      '[N]',
      'Weight in [0, 1] of the row itself: one number, or one for each entry of the first axis.',
    ),
    pairing: tensorOr(
      z.enum(PAIRINGS, { error: 'expected "flip", "roll" or the partner of each entry of the first axis' }),
      '[N]',
      'Who is mixed with whom: "flip" = N-1-i (timm), "roll" = i-1 (torchvision), or the partner of each entry of the first axis.',
      'indices',
    ).optional(),
  })
  .describe('Mixes the targets of each row with those of its partner along the first axis.')

export const Dtype = z.enum(DTYPES).default('float32').describe('Precision of the computation and of the answer.')

export const Outputs = z
  .array(z.enum(OUTPUTS))
  .min(1)
  .default(['loss', 'losses', 'gradients', 'smoothed_targets'])
  .describe('What to return.')

export const Hardest = z
  .int()
  .min(1)
  .max(1000)
  .describe(`How many rows the output "hardest_rows" gives; default ${DEFAULT_HARDEST}.`)

export const Encoding = z
  .enum(['array', 'base64'])
  .default('array')
  .describe('How tensors are written in a JSON answer.')
