/** What the Open Inference Protocol v2 calls things, beside what the service calls them. */

/** Losses have one version: what a name means never changes. */
export const MODEL_VERSION = '1'

/** Datatypes of the protocol that a tensor may have, and their safetensors names. */
export const DATATYPES: Readonly<Record<string, string>> = {
  FP16: 'F16',
  BF16: 'BF16',
  FP32: 'F32',
  FP64: 'F64',
  INT32: 'I32',
  INT64: 'I64',
  UINT8: 'U8',
  UINT32: 'U32',
}

export const DATATYPE_OF = { F32: 'FP32', F64: 'FP64', I32: 'INT32' } as const

interface OutputName {
  /** The name in `outputs` of `POST /loss` that it comes with, as a member of it where their names differ; absent: it is always there. */
  readonly field?: string
  /** Whether it has as many dimensions as `predictions`. */
  readonly isPrediction?: true
  /** As the metadata says it, for logits [N, K]. */
  readonly shape: readonly number[]
  readonly datatype: string
}

const SCALAR = { shape: [1], datatype: 'FP32' } as const
const ROWS = { shape: [-1], datatype: 'FP32' } as const
const INTEGERS = { shape: [-1], datatype: 'INT32' } as const
const MATRIX = { shape: [-1, -1], datatype: 'FP32' } as const

/** Every output of a model: each is a tensor of its own. */
export const INFERENCE_OUTPUTS: Readonly<Record<string, OutputName>> = {
  loss: { field: 'loss', ...SCALAR },
  normalizer: SCALAR,
  losses: { field: 'losses', ...ROWS },
  gradients: { field: 'gradients', ...MATRIX },
  smoothed_targets: { field: 'smoothed_targets', ...MATRIX },
  probabilities: { field: 'probabilities', ...MATRIX },
  log_probabilities: { field: 'log_probabilities', ...MATRIX },
  predictions: { field: 'predictions', ...INTEGERS, isPrediction: true },
  accuracy: { field: 'metrics', ...SCALAR },
  nll: { field: 'metrics', ...SCALAR },
  perplexity: { field: 'metrics', ...SCALAR },
  'per_class.count': { field: 'per_class', ...INTEGERS },
  'per_class.loss': { field: 'per_class', ...ROWS },
  'per_class.accuracy': { field: 'per_class', ...ROWS },
  'per_class.confidence': { field: 'per_class', ...ROWS },
  'hardest_rows.index': { field: 'hardest_rows', shape: [-1, -1], datatype: 'INT32' },
  'hardest_rows.loss': { field: 'hardest_rows', ...ROWS },
  'hardest_rows.target': { field: 'hardest_rows', ...INTEGERS, isPrediction: true },
  'hardest_rows.prediction': { field: 'hardest_rows', ...INTEGERS, isPrediction: true },
}
