/** Element types of safetensors, and the typed arrays that hold their bits. */
export const ARRAYS = {
  F16: Uint16Array,
  BF16: Uint16Array,
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  I64: BigInt64Array,
  U8: Uint8Array,
  U32: Uint32Array,
} as const

export type Dtype = keyof typeof ARRAYS

export interface Packed {
  readonly dtype: Dtype
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

/** A tensor from numbers; those of the 16-bit types are rounded towards zero, so give them numbers they hold. */
export function tensor(dtype: Dtype, shape: readonly number[], values: readonly number[]): Packed {
  const elements =
    dtype === 'I64'
      ? BigInt64Array.from(values, BigInt)
      : ARRAYS[dtype].from(dtype === 'F16' ? values.map(halfBits) : dtype === 'BF16' ? values.map(brainBits) : values)
  return { dtype, shape, bytes: new Uint8Array(elements.buffer) }
}

/** Tensors and fields as a container, in the order given and with nothing between. */
export function pack(tensors: Readonly<Record<string, Packed>>, metadata?: Readonly<Record<string, string>>): Buffer {
  let end = 0
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {}
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] }
    end += bytes.length
  }
  return container(JSON.stringify(header), Buffer.concat(Object.values(tensors).map(({ bytes }) => bytes)))
}

/** Any header before any data. */
export function container(header: string, data: Uint8Array = new Uint8Array(), headerLength?: bigint): Buffer {
  const text = Buffer.from(header)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(headerLength ?? BigInt(text.length))
  return Buffer.concat([length, text, data])
}

export interface Unpacked {
  readonly tensors: Readonly<Record<string, Packed & { readonly offset: number; readonly values: number[] }>>
  readonly metadata: Readonly<Record<string, string>>
  /** Where the data begins. */
  readonly dataStart: number
}

/** What a container holds, each tensor with the offset of its first byte in the container. */
export function unpack(bytes: Uint8Array): Unpacked {
  const buffer = Buffer.from(bytes)
  const dataStart = 8 + Number(buffer.readBigUInt64LE())
  const { __metadata__: metadata = {}, ...header } = JSON.parse(buffer.toString('utf8', 8, dataStart))
  const tensors = Object.entries(header as Record<string, { dtype: Dtype; shape: number[]; data_offsets: number[] }>)
  return {
    dataStart,
    metadata,
    tensors: Object.fromEntries(
      tensors.map(([name, { dtype, shape, data_offsets: offsets }]) => {
        const [begin, end] = offsets as [number, number]
        const data = new Uint8Array(buffer.subarray(dataStart + begin, dataStart + end))
        const values = Array.from(new ARRAYS[dtype](data.buffer), Number)
        return [name, { dtype, shape, bytes: data, offset: dataStart + begin, values }]
      }),
    ),
  }
}

const word = new DataView(new ArrayBuffer(4))

function brainBits(value: number): number {
  word.setFloat32(0, value)
  return word.getUint32(0) >>> 16
}

function halfBits(value: number): number {
  word.setFloat32(0, value)
  const bits = word.getUint32(0)
  const sign = (bits >>> 16) & 0x8000
  if (Number.isNaN(value)) return 0x7e00
  if (!Number.isFinite(value)) return sign | 0x7c00
  if (Math.abs(value) < 2 ** -14) return sign | Math.trunc(Math.abs(value) * 2 ** 24)
  return sign | ((((bits >>> 23) & 0xff) - 112) << 10) | ((bits >>> 13) & 0x3ff)
}
