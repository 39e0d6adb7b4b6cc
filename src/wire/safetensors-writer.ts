import {
  type Answer,
  type AnswerObject,
  type AnswerValue,
  type DenseOutput,
  densify,
  isDense,
  isList,
  isSparse,
  type SparseOutput,
} from '../answer.ts'
import type { Engine } from '../kernels/engine.ts'
import type { Encoded } from './format.ts'
import { layOut } from './outside.ts'
import { copyRegions, ELEMENT_BYTES, type Region, sizeOf, viewOf } from './tensor.ts'

const ALIGNMENT = 8
const LENGTH_BYTES = 8

/** Outputs that are tensors of their own although they are single numbers. */
const SCALAR_TENSORS: ReadonlySet<string> = new Set(['loss'])

/**
 * An answer as a safetensors container: a tensor for each output, named by its path, and everything that is none as JSON text in `__metadata__`.
 * The data begins at a multiple of 8, and tensors whose size is a multiple of 8 come first: holes between tensors are not allowed.
 */
export function writeSafetensors(engine: Engine, { dtype, fields }: Answer): Encoded {
  const { memory } = engine
  const tensors: (DenseOutput & Region & { readonly name: string })[] = []
  const metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    if (typeof value === 'number' && SCALAR_TENSORS.has(name)) addTensor(name, scalarOutput(value))
    else if (isTensorOutput(value)) addTensor(name, toDense(value))
    else metadata[name] = textOf(withoutTensors(value, name))
  }
  tensors.sort((a, b) => (a.bytes % ALIGNMENT) - (b.bytes % ALIGNMENT))

  const header: Record<string, unknown> = Object.keys(metadata).length === 0 ? {} : { __metadata__: metadata }
  let offset = 0
  for (const tensor of tensors) {
    const end = offset + tensor.bytes
    header[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] }
    offset = end
  }
  const headerText = Buffer.from(JSON.stringify(header))
  const headerBytes = Math.ceil(headerText.length / ALIGNMENT) * ALIGNMENT
  const dataStart = LENGTH_BYTES + headerBytes
  const { length, insertion } = layOut(tensors, dataStart)
  return { length, writeTo, insertion, mediaType: 'application/vnd.safetensors' }

  function writeTo(target: Uint8Array): void {
    const file = Buffer.from(target.buffer, target.byteOffset, target.length)
    file.writeBigUInt64LE(BigInt(headerBytes))
    file.fill(' ', LENGTH_BYTES, dataStart)
    file.set(headerText, LENGTH_BYTES)
    copyRegions(memory, tensors, file, dataStart)
  }

  function addTensor(name: string, output: DenseOutput): void {
    tensors.push({ ...output, name, bytes: sizeOf(output.shape) * ELEMENT_BYTES[output.dtype] })
  }

  function toDense(value: DenseOutput | SparseOutput): DenseOutput {
    return isSparse(value) ? densify(memory, value) : value
  }

  function scalarOutput(value: number): DenseOutput {
    const pointer = memory.allocate(ELEMENT_BYTES[dtype])
    viewOf(memory, dtype, pointer, 1)[0] = value
    return { kind: 'dense', dtype, shape: [], pointer }
  }

  /** The value with its tensors taken out, each to a tensor of its own. */
  function withoutTensors(value: AnswerValue, path: string): unknown {
    if (typeof value === 'number') return jsonNumber(value)
    if (typeof value !== 'object') return value
    if (isTensorOutput(value)) {
      addTensor(path, toDense(value))
      return undefined
    }
    if (isList(value)) return value.map((item, i) => withoutTensors(item, `${path}.${i}`))
    const fields = Object.entries(value as AnswerObject).filter(([, item]) => item !== undefined)
    return Object.fromEntries(fields.map(([name, item]) => [name, withoutTensors(item!, `${path}.${name}`)]))
  }
}

function isTensorOutput(value: AnswerValue): value is DenseOutput | SparseOutput {
  return isDense(value) || isSparse(value)
}

function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
