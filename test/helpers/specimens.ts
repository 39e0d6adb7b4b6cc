import type { Formats } from '../../src/evaluate.ts'
import type { Specimen } from './fuzz.ts'
import { binaryRequest } from './inference.ts'
import { pack, tensor } from './safetensors.ts'

/** Small sound requests in every format, for mutation. */

const LOGITS = [2, 1, 0.1, 0.5, 2.5, 0.3]
const logits = tensor('F32', [2, 3], LOGITS)
const targets = tensor('I64', [2], [0, 1])

const JSON_FORMATS: Formats = { request: 'json', response: 'json' }
const SAFETENSORS: Formats = { request: 'safetensors', response: 'safetensors' }
const INFERENCE = { request: 'inference', response: 'inference' }

function json(operation: Specimen['operation'], request: object): Specimen {
  return { operation, formats: JSON_FORMATS, body: Buffer.from(JSON.stringify(request)) }
}

const nested = [LOGITS.slice(0, 3), LOGITS.slice(3)]
const everything = {
  logits: nested,
  targets: [0, 1],
  label_smoothing: 0.1,
  class_weights: [1, 2, 3],
  sample_weights: [1, 0.5],
  ignore_index: [1],
  outputs: ['loss', 'losses', 'gradients', 'smoothed_targets', 'probabilities', 'predictions', 'metrics'],
}

export const jsonSpecimens: readonly Specimen[] = [
  json('loss', everything),
  json('loss', { loss: 'nll', log_probabilities: nested, targets: nested, dtype: 'float64', reduction: 'none' }),
  json('loss', {
    logits: { dtype: 'F32', shape: [2, 3], data: Buffer.from(logits.bytes).toString('base64') },
    targets: [0, 1],
    encoding: 'base64',
    mixup: { lam: [0.3, 0.4], pairing: [1, 0] },
  }),
  json('targets', { targets: [0, 2], num_classes: 3, label_smoothing: 0.1, mixup: { lam: 0.3 } }),
  json('sweep', { logits: nested, targets: [0, 1], parameter: 'label_smoothing', values: [0, 0.1], dtype: 'float64' }),
  json('gradient-check', { logits: nested, targets: [0, 1], label_smoothing: 0.1, samples: 4, seed: 1 }),
  json('smoothing/convert', { label_smoothing: 0.1, num_classes: 10, from: 'fairseq', to: 'half' }),
  json('calibration', { logits: nested, targets: [0, -100], bins: 4 }),
  json('equivalence', { logits: nested, targets: [0, 1], label_smoothing: 0.1, prior: [0.5, 0.25, 0.25] }),
]

export const safetensorsSpecimens: readonly Specimen[] = [
  { operation: 'loss', formats: SAFETENSORS, body: pack({ logits, targets }, { label_smoothing: '0.1' }) },
  {
    operation: 'loss',
    formats: { ...SAFETENSORS, response: 'json' },
    body: pack(
      {
        targets: tensor('U8', [2], [0, 1]),
        logits: tensor('F64', [2, 3], LOGITS),
        'mixup.lam': tensor('F16', [2], [0.5, 0.25]),
        class_weights: tensor('BF16', [3], [1, 2, 0.5]),
      },
      { dtype: 'float64', mixup: '{"pairing":"roll"}', outputs: '["loss","predictions","metrics"]' },
    ),
  },
  { operation: 'targets', formats: SAFETENSORS, body: pack({ targets }, { num_classes: '3', smoothing: 'others' }) },
  { operation: 'equivalence', formats: SAFETENSORS, body: pack({ logits, targets }) },
  {
    operation: 'sweep',
    formats: SAFETENSORS,
    body: pack({ logits, targets, values: tensor('F64', [2], [0, 1]) }, { parameter: 'label_smoothing' }),
  },
]

function binary(...request: Parameters<typeof binaryRequest>): Specimen {
  const { body, headerLength } = binaryRequest(...request)
  return { operation: 'loss', formats: { ...INFERENCE, hints: { loss: 'cross_entropy', headerLength } }, body }
}

export const inferenceSpecimens: readonly Specimen[] = [
  binary({ logits, targets }, { parameters: { label_smoothing: 0.1, binary_data_output: true } }),
  binary(
    {
      targets: tensor('U8', [2], [0, 1]),
      logits: tensor('F64', [2, 3], LOGITS),
      'mixup.lam': tensor('F16', [2], [0.5, 0.25]),
    },
    {
      id: 'fuzz',
      parameters: { dtype: 'float64', 'mixup.pairing': 'roll' },
      outputs: [{ name: 'loss', parameters: { binary_data: true } }, { name: 'accuracy' }, { name: 'predictions' }],
    },
  ),
  {
    operation: 'loss',
    formats: { ...INFERENCE, hints: { loss: 'nll' } },
    body: Buffer.from(
      JSON.stringify({
        parameters: { dtype: 'float64', reduction: 'sum', ignore_index: [0] },
        inputs: [
          { name: 'log_probabilities', datatype: 'FP64', shape: [2, 3], data: LOGITS.map((value) => -value) },
          { name: 'targets', shape: [2], data: [0, 1], datatype: 'INT32' },
          { name: 'class_weights', datatype: 'FP32', shape: [3], data: [1, 2, 3] },
        ],
        outputs: [{ name: 'gradients' }],
      }),
    ),
  },
]
