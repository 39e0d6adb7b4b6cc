import { type Answer, type AnswerObject, type DenseOutput, densify, isList, isSparse } from '../answer.ts'
import type { Engine } from '../kernels/engine.ts'
import type { Encoded, Hints, Wishes } from './format.ts'
import { DATATYPE_OF, INFERENCE_OUTPUTS, MODEL_VERSION } from './inference.ts'
import { layOut } from './outside.ts'
import { copyRegions, ELEMENT_BYTES, type Region, sizeOf, viewOf } from './tensor.ts'
import { Text } from './text.ts'

/** The JSON is padded to a multiple of this, so that typed arrays can be laid over the binary data of float64 answers. */
const ALIGNMENT = 8

/**
 * An answer as an inference response of the Open Inference Protocol v2. Every output is a tensor, single numbers of shape [1]; data is flat.
 * What is wanted as binary data stands behind the JSON, in the order of the outputs. A list is no tensor: warnings are a parameter, as JSON text.
 */
export function writeInference(
  engine: Engine,
  { dtype, fields }: Answer,
  { loss = '' }: Hints,
  { id, outputs, isBinary = () => false }: Wishes,
): Encoded {
  const { memory } = engine
  const tensors = new Map<string, DenseOutput>()
  // Before the text: what is allocated while it grows must be scratch.
  collect()
  const text = new Text(engine)
  const data: Region[] = []
  const request = id === undefined ? '' : `"id":${JSON.stringify(id)},`
  const lists = Object.entries(fields).filter(([, value]) => value !== undefined && isList(value))
  const texts = Object.fromEntries(lists.map(([name, value]) => [name, JSON.stringify(value)]))
  const parameters = lists.length === 0 ? '' : `"parameters":${JSON.stringify(texts)},`
  text.push(
    `{"model_name":${JSON.stringify(loss)},"model_version":"${MODEL_VERSION}",${request}${parameters}"outputs":[`,
  )
  // An output that the request cannot have (the loss without a reduction) is left out.
  const wanted = (outputs ?? [...tensors.keys()]).filter((name) => tensors.has(name))
  wanted.forEach((name, i) => {
    writeOutput(i === 0 ? '' : ',', name, tensors.get(name)!)
  })
  text.push(']}')
  if (data.length === 0)
    return { length: text.length, writeTo: (target) => text.writeTo(target), mediaType: 'application/json' }

  text.push(' '.repeat((ALIGNMENT - (text.length % ALIGNMENT)) % ALIGNMENT))
  const headers = { 'inference-header-content-length': String(text.length) }
  const { length, insertion } = layOut(data, text.length)
  return { length, writeTo, insertion, mediaType: 'application/octet-stream', headers }

  function writeTo(target: Uint8Array): void {
    text.writeTo(target)
    copyRegions(memory, data, target, text.length)
  }

  function collect(): void {
    for (const [name, { field = name }] of Object.entries(INFERENCE_OUTPUTS)) {
      const given = fields[field]
      const member = name.slice(name.lastIndexOf('.') + 1)
      const value = field === name ? given : (given as AnswerObject | undefined)?.[member]
      if (value === undefined) continue
      if (typeof value === 'number') tensors.set(name, scalar(value))
      else tensors.set(name, isSparse(value) ? densify(memory, value) : (value as DenseOutput))
    }
  }

  function scalar(value: number): DenseOutput {
    const pointer = memory.allocate(ELEMENT_BYTES[dtype])
    viewOf(memory, dtype, pointer, 1)[0] = value
    return { kind: 'dense', dtype, shape: [1], pointer }
  }

  function writeOutput(separator: string, name: string, output: DenseOutput): void {
    const { dtype: type, shape, pointer, outside } = output
    const size = sizeOf(shape)
    const datatype = DATATYPE_OF[type]
    text.push(`${separator}{"name":"${name}","datatype":"${datatype}","shape":[${shape}],`)
    if (isBinary(name)) {
      const bytes = size * ELEMENT_BYTES[type]
      text.push(`"parameters":{"binary_data_size":${bytes}}}`)
      data.push({ pointer, bytes, outside })
      return
    }
    text.push('"data":')
    if (type === 'I32' || size === 0) text.push(JSON.stringify(Array.from(memory.i32(pointer, size))))
    else text.pushRows(type, pointer, 1, size)
    text.push('}')
  }
}
