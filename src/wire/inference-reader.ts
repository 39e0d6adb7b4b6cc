import { MAX_RANK } from '../kernels/contract.ts'
import type { Engine } from '../kernels/engine.ts'
import { refuseAt, shown } from '../problems.ts'
import { decodeElements, decodeOutside, indicesOf, WIRE_TYPES } from './elements.ts'
import { isRecord, placeField } from './fields.ts'
import type { Body, Envelope, Hints, Reading, Wishes } from './format.ts'
import { DATATYPES, INFERENCE_OUTPUTS, MODEL_VERSION } from './inference.ts'
import { type JsonDialect, readJson } from './json-reader.ts'
import { isTensor, isTensorFault, sizeOf, type Tensor, type TensorFault, tensorFault, viewOf } from './tensor.ts'

type Path = readonly (string | number)[]

/** The protocol's own: hints to a scheduler and the state of sequences, neither of which changes an answer. */
const IGNORED_PARAMETERS: ReadonlySet<string> = new Set([
  'priority',
  'timeout',
  'sequence_id',
  'sequence_start',
  'sequence_end',
])

/** Fields of a request that the protocol says in its own way. */
const REPLACED_FIELDS: Readonly<Record<string, string>> = {
  loss: 'the path names the loss',
  outputs: 'outputs are named by the member "outputs" of the request',
  encoding: 'outputs have the parameter "binary_data"',
}

const DATA_PATH = 'inputs[].data'

const NO_BYTES = new Uint8Array(0)

const DIALECT: JsonDialect = {
  dtypeField: 'parameters.dtype',
  declaredType: ({ datatype }, path) => (path !== DATA_PATH ? undefined : datatype === 'FP32' ? 'F32' : 'F64'),
}

/**
 * Reads an inference request of the Open Inference Protocol v2: inputs become the fields of the same names, request parameters every other field.
 * Data is JSON, flat or nested, or lies behind the JSON in the order of the inputs, at any alignment. Trusts nothing: the JSON is as long as the
 * header says, sizes are those of datatype and shape, and together they are all the bytes there are. Throws `json_invalid` and `tensor_invalid`.
 */
export function readInference(
  engine: Engine,
  body: Body,
  tensorFields: ReadonlySet<string>,
  { headerLength = body.bytes.length, loss }: Hints,
): Reading {
  const { length } = body.bytes
  if (headerLength > length) {
    throw refuseAt('tensor_invalid', [], `expected a JSON header of ${headerLength} bytes, got ${length} bytes in all`)
  }
  const paths = new Set([DATA_PATH, ...[...tensorFields].map((field) => `parameters.${field}`)])
  const request = readJson(engine, body.load(headerLength), paths, DIALECT)
  // KServe's client says the model's name once more.
  const { model_name: name = loss, model_version: version = MODEL_VERSION, ...message } = request
  if (name !== loss) throw refuseAt('validation_failed', ['model_name'], `the path names ${loss}, got ${shown(name)}`)
  if (version !== MODEL_VERSION)
    throw refuseAt('validation_failed', ['model_version'], `expected "${MODEL_VERSION}", got ${shown(version)}`)
  const { id, parameters = {}, inputs, outputs, ...rest } = message
  refuseUnknown(rest, [], 'id, parameters, inputs and outputs')
  if (id !== undefined && typeof id !== 'string')
    throw refuseAt('validation_failed', ['id'], `expected a string, got ${shown(id)}`)
  if (!isRecord(parameters)) throw refuseAt('validation_failed', ['parameters'], 'expected an object')
  if (!Array.isArray(inputs)) throw refuseAt('validation_failed', ['inputs'], 'expected an array of tensors')

  const envelope: Envelope = {}
  const { binary_data_output: binaryByDefault = false, ...options } = parameters
  for (const [name, value] of Object.entries(options)) {
    if (IGNORED_PARAMETERS.has(name)) continue
    const path = ['parameters', name]
    if (Object.hasOwn(REPLACED_FIELDS, name)) throw refuseAt('validation_failed', path, REPLACED_FIELDS[name]!)
    if (!placeField(envelope, name, value, tensorFields)) throw refuseAt('validation_failed', path, 'is given twice')
  }
  if (loss !== undefined) envelope.loss = loss
  // Without binary data all of the body is loaded, so that it may be gone by now.
  const binary = { bytes: headerLength < length ? body.bytes : NO_BYTES, at: headerLength, end: length }
  inputs.forEach((input, i) => {
    const { name, tensor } = readInput(engine, input, ['inputs', i], binary)
    if (!placeField(envelope, name, tensor, tensorFields))
      throw refuseAt('validation_failed', ['inputs', i, 'name'], `${shown(name)} is given twice`)
  })
  if (binary.at !== length) {
    const taken = binary.at - headerLength
    throw refuseAt(
      'tensor_invalid',
      [],
      `expected the inputs to take ${length - headerLength} bytes of binary data, they take ${taken}`,
    )
  }
  const wishes = readOutputs(outputs, readFlag(binaryByDefault, ['parameters', 'binary_data_output']))
  if (wishes.outputs) envelope.outputs = fieldsOf(wishes.outputs)
  return { envelope, wishes: id === undefined ? wishes : { id, ...wishes } }
}

/** One input. What is wrong with its numbers is a `TensorFault`, for the schema to report at its place. */
function readInput(
  engine: Engine,
  input: unknown,
  path: Path,
  binary: { readonly bytes: Uint8Array; at: number; readonly end: number },
): { name: string; tensor: Tensor | TensorFault } {
  if (!isRecord(input)) throw refuseAt('validation_failed', path, 'expected a tensor with name, datatype and shape')
  const { name, datatype, shape, data, parameters = {}, ...rest } = input
  refuseUnknown(rest, path, 'name, datatype, shape, data and parameters')
  if (typeof name !== 'string' || Object.hasOwn(REPLACED_FIELDS, name))
    throw refuseAt('validation_failed', [...path, 'name'], `expected the name of a tensor, got ${shown(name)}`)
  if (typeof datatype !== 'string' || !Object.hasOwn(DATATYPES, datatype)) {
    throw refuseAt(
      'tensor_invalid',
      [...path, 'datatype'],
      `expected one of ${Object.keys(DATATYPES).join(', ')}, got ${shown(datatype)}`,
    )
  }
  if (!isShape(shape))
    throw refuseAt('tensor_invalid', [...path, 'shape'], `expected an array of at most ${MAX_RANK} lengths >= 0`)
  const size = readBinarySize(parameters, [...path, 'parameters'])
  if (size === undefined) return { name, tensor: fromJson(engine, data, datatype, shape, [...path, 'data']) }

  if (data !== undefined)
    throw refuseAt('tensor_invalid', [...path, 'data'], 'the tensor has binary data, so it has no other')
  const expected = sizeOf(shape) * WIRE_TYPES[DATATYPES[datatype]!]!.bytes
  const left = binary.end - binary.at
  if (size !== expected || size > left) {
    throw refuseAt(
      'tensor_invalid',
      [...path, 'parameters', 'binary_data_size'],
      `expected ${expected} bytes for ${datatype} [${shape.join(', ')}], got ${size}${size > left ? `, and ${left} are left in the body` : ''}`,
    )
  }
  const source = binary.bytes.subarray(binary.at, binary.at + size)
  binary.at += size
  return { name, tensor: decodeOutside(engine, source, DATATYPES[datatype]!, shape) }
}

function readBinarySize(parameters: unknown, path: Path): number | undefined {
  if (!isRecord(parameters)) throw refuseAt('validation_failed', path, 'expected an object')
  const { binary_data_size: size, ...rest } = parameters
  refuseUnknown(rest, path, 'binary_data_size')
  if (size !== undefined && !(Number.isSafeInteger(size) && (size as number) >= 0)) {
    throw refuseAt(
      'tensor_invalid',
      [...path, 'binary_data_size'],
      `expected a number of bytes >= 0, got ${shown(size)}`,
    )
  }
  return size as number | undefined
}

/** JSON data, whose numbers are in memory already, in the shape and with the values that its declaration says. */
function fromJson(
  engine: Engine,
  data: unknown,
  datatype: string,
  shape: readonly number[],
  path: Path,
): Tensor | TensorFault {
  if (datatype === 'FP16' || datatype === 'BF16')
    throw refuseAt('tensor_invalid', path, `${datatype} is sent as binary data only`)
  if (isTensorFault(data)) {
    const isFlatElement = data.fault === 'validation_failed' && data.path.length === 1
    return isFlatElement ? { ...data, path: placeIn(shape, data.path) } : data
  }
  if (!isTensor(data)) {
    throw refuseAt('tensor_invalid', path, `expected an array of numbers or binary_data_size, got ${shown(data)}`)
  }
  const isFlat = data.shape.length === 1 && data.shape[0] === sizeOf(shape)
  if (!isFlat && String(data.shape) !== String(shape)) {
    const got = `[${data.shape.join(', ')}]`
    return tensorFault(
      'shape_mismatch',
      [],
      `expected numbers for the shape [${shape.join(', ')}], flat or nested, got ${got}`,
    )
  }
  const held = decodeElements(engine, data.pointer, data.dtype, shape)
  if (datatype !== 'FP32') return datatype === 'FP64' ? held : (nonInteger(engine, held, datatype) ?? held)
  // Its numbers are float32 whatever they are read with, and where the datatype stands behind the data they were read as float64.
  const single = held.as('F32')
  return isTensor(single) ? decodeElements(engine, single.pointer, 'F32', shape) : single
}

/** Indices in the declared shape of an element of flat data. */
function placeIn(shape: readonly number[], [index]: Path): number[] {
  return typeof index === 'number' && index < sizeOf(shape) ? indicesOf(shape, index) : []
}

const INTEGERS: Readonly<Record<string, readonly [number, number]>> = {
  INT32: [-(2 ** 31), 2 ** 31 - 1],
  INT64: [-(2 ** 63), 2 ** 63],
  UINT8: [0, 2 ** 8 - 1],
  UINT32: [0, 2 ** 32 - 1],
}

function nonInteger({ memory }: Engine, { dtype, shape, pointer }: Tensor, datatype: string): TensorFault | undefined {
  const [least, most] = INTEGERS[datatype]!
  const values = viewOf(memory, dtype, pointer, sizeOf(shape))
  const index = values.findIndex((value) => !(Number.isInteger(value) && value >= least && value <= most))
  if (index === -1) return undefined
  const detail = `expected a number of ${datatype}, got ${values[index]}`
  return tensorFault('validation_failed', indicesOf(shape, index), detail)
}

function readOutputs(outputs: unknown, binaryByDefault: boolean): Wishes {
  if (outputs === undefined) return { isBinary: () => binaryByDefault }
  if (!Array.isArray(outputs) || outputs.length > Object.keys(INFERENCE_OUTPUTS).length) {
    throw refuseAt(
      'validation_failed',
      ['outputs'],
      `expected an array of at most ${Object.keys(INFERENCE_OUTPUTS).length} outputs`,
    )
  }
  const flags = new Map<string, boolean>()
  outputs.forEach((output: unknown, i) => {
    const path = ['outputs', i]
    if (!isRecord(output)) throw refuseAt('validation_failed', path, 'expected an object with the name of an output')
    const { name, parameters = {}, ...rest } = output
    refuseUnknown(rest, path, 'name and parameters')
    if (typeof name !== 'string' || !Object.hasOwn(INFERENCE_OUTPUTS, name) || flags.has(name)) {
      throw refuseAt(
        'validation_failed',
        [...path, 'name'],
        `expected one of ${Object.keys(INFERENCE_OUTPUTS).join(', ')}, each at most once, got ${shown(name)}`,
      )
    }
    if (!isRecord(parameters)) throw refuseAt('validation_failed', [...path, 'parameters'], 'expected an object')
    const { binary_data: isBinary = binaryByDefault, ...others } = parameters
    refuseUnknown(others, [...path, 'parameters'], 'binary_data')
    flags.set(name, readFlag(isBinary, [...path, 'parameters', 'binary_data']))
  })
  if (flags.size === 0) return { isBinary: () => binaryByDefault }
  return { outputs: [...flags.keys()], isBinary: (name) => flags.get(name) ?? false }
}

/** The names of `POST /loss` for these outputs. At least one is named there, so the cheapest stands in for none. */
function fieldsOf(outputs: readonly string[]): string[] {
  const fields = outputs.flatMap((name) => INFERENCE_OUTPUTS[name]!.field ?? [])
  return fields.length === 0 ? ['loss'] : [...new Set(fields)]
}

function readFlag(value: unknown, path: Path): boolean {
  if (typeof value !== 'boolean') throw refuseAt('validation_failed', path, `expected a boolean, got ${shown(value)}`)
  return value
}

function refuseUnknown(rest: Record<string, unknown>, path: Path, known: string): void {
  const [name] = Object.keys(rest)
  if (name !== undefined) throw refuseAt('validation_failed', [...path, name], `unknown member; there are ${known}`)
}

function isShape(shape: unknown): shape is number[] {
  return (
    Array.isArray(shape) &&
    shape.length <= MAX_RANK &&
    shape.every((length) => Number.isSafeInteger(length) && length >= 0)
  )
}
