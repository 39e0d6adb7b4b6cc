interface TensorData {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array
}

const LENGTH_BYTES = 8
const ALIGNMENT = 8

/** A safetensors container, as a client's library writes it: written apart from the service's own, so that one checks the other. */
export function writeContainer(
  tensors: Readonly<Record<string, TensorData>>,
  metadata: Readonly<Record<string, string>>,
): Buffer<ArrayBuffer> {
  let offset = 0
  const entries = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    const from = offset
    offset += data.byteLength
    return [name, { dtype, shape, data_offsets: [from, offset] }]
  })
  const text = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) })
  const header = Buffer.from(text.padEnd(Math.ceil(text.length / ALIGNMENT) * ALIGNMENT))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeBigUInt64LE(BigInt(header.length))
  const data = Object.values(tensors).map((each) =>
    Buffer.from(each.data.buffer, each.data.byteOffset, each.data.byteLength),
  )
  return Buffer.concat([length, header, ...data])
}

/** The float32 tensors of a container by name. */
export function readContainer(bytes: Uint8Array): Readonly<Record<string, Float32Array>> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const base = LENGTH_BYTES + Number(view.getBigUint64(0, true))
  const header: Record<string, { dtype: string; data_offsets: [number, number] }> = JSON.parse(
    Buffer.from(bytes.subarray(LENGTH_BYTES, base)).toString(),
  )
  return Object.fromEntries(
    Object.entries(header)
      .filter(([, { dtype }]) => dtype === 'F32')
      .map(
        ([
          name,
          {
            data_offsets: [from, to],
          },
        ]) => [name, new Float32Array(new Uint8Array(bytes.slice(base + from, base + to)).buffer)],
      ),
  )
}
