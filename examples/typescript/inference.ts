/** A loss over the Open Inference Protocol v2: every loss is a model, fields that are no tensors are parameters. */
const url = process.env.LOSSD_URL ?? 'http://localhost:3000'

interface Tensor {
  readonly name: string
  readonly datatype: 'FP32' | 'INT64'
  readonly shape: readonly number[]
  /** Row-major, flat. */
  readonly data: readonly (number | string)[]
}

const inputs: Tensor[] = [
  { name: 'logits', datatype: 'FP32', shape: [2, 3], data: [2.0, 1.0, 0.1, 0.5, 2.5, 0.3] },
  { name: 'targets', datatype: 'INT64', shape: [2], data: [0, 1] },
]
const response = await fetch(`${url}/v2/models/cross_entropy/infer`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    parameters: { label_smoothing: 0.1 },
    inputs,
    outputs: [{ name: 'loss' }, { name: 'gradients' }],
  }),
})
const answer = (await response.json()) as { readonly outputs: readonly Tensor[]; readonly error?: string }
if (!response.ok) throw new Error(answer.error)

const [loss, gradients] = answer.outputs
console.log('loss', Number(loss!.data[0]))
console.log('gradients', JSON.stringify(gradients!.data))

export {}
