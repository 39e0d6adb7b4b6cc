/** A loss over safetensors: typed arrays go and come as they are. The format is a length, a JSON header and the bytes. */
const url = process.env.LOSSD_URL ?? 'http://localhost:3000'

interface Tensor {
  readonly dtype: 'F32' | 'I32'
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array
}

/** Tensors have the names of their fields, "mixup.lam" included; every other field is metadata, as JSON text. */
function save(tensors: Record<string, Tensor>, metadata: Record<string, string>): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata }
  let size = 0
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [size, size + data.byteLength] }
    size += data.byteLength
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const file = new Uint8Array(8 + json.length + size)
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true)
  file.set(json, 8)
  let at = 8 + json.length
  for (const { data } of Object.values(tensors)) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return file
}

/** Float32 tensors by name. The service aligns them, so they are views of the answer, not copies. */
function load(file: ArrayBuffer): Record<string, Float32Array> {
  const length = Number(new DataView(file).getBigUint64(0, true))
  const { __metadata__: _, ...header } = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length)))
  return Object.fromEntries(
    Object.entries(header as Record<string, { data_offsets: [number, number] }>).map(([name, { data_offsets }]) => {
      const [begin, end] = data_offsets
      return [name, new Float32Array(file, 8 + length + begin, (end - begin) / 4)]
    }),
  )
}

const response = await fetch(`${url}/loss`, {
  method: 'POST',
  headers: { 'content-type': 'application/vnd.safetensors' },
  body: save(
    {
      logits: { dtype: 'F32', shape: [2, 3], data: new Float32Array([2.0, 1.0, 0.1, 0.5, 2.5, 0.3]) },
      targets: { dtype: 'I32', shape: [2], data: new Int32Array([0, 1]) },
    },
    { label_smoothing: '0.1' },
  ),
})
if (!response.ok) throw new Error(await response.text())

const { loss, gradients } = load(await response.arrayBuffer())
console.log('loss', loss![0])
console.log('gradients', JSON.stringify(Array.from(gradients!)))

export {}
