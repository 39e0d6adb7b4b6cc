import type { Format } from './format.ts'
import { readJson } from './json-reader.ts'
import { writeJson } from './json-writer.ts'
import { readSafetensors } from './safetensors-reader.ts'
import { writeSafetensors } from './safetensors-writer.ts'

const json: Format = { name: 'json', mediaTypes: ['application/json'], read: readJson, write: writeJson }

const safetensors: Format = {
  name: 'safetensors',
  mediaTypes: ['application/vnd.safetensors', 'application/octet-stream'],
  read: readSafetensors,
  write: writeSafetensors,
}

/** Every format, one line each. */
export const formats: Readonly<Record<string, Format>> = { json, safetensors }
