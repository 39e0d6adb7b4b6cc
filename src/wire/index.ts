import type { Format } from './format.ts'
import { readInference } from './inference-reader.ts'
import { writeInference } from './inference-writer.ts'
import { readJson } from './json-reader.ts'
import { writeJson } from './json-writer.ts'
import { readSafetensors } from './safetensors-reader.ts'
import { writeSafetensors } from './safetensors-writer.ts'

const json: Format = {
  name: 'json',
  mediaTypes: ['application/json'],
  read: (engine, body, tensorFields) => ({ envelope: readJson(engine, body.load(), tensorFields) }),
  write: writeJson,
  takesOutside: () => false,
}

const safetensors: Format = {
  name: 'safetensors',
  mediaTypes: ['application/vnd.safetensors', 'application/octet-stream'],
  read: (engine, body, tensorFields) => ({ envelope: readSafetensors(engine, body, tensorFields) }),
  write: writeSafetensors,
  takesOutside: () => true,
}

const inference: Format = {
  name: 'inference',
  mediaTypes: [],
  read: readInference,
  write: writeInference,
  takesOutside: (output, { isBinary }) => isBinary?.(output) ?? false,
}

/** Every format, one line each. */
export const formats: Readonly<Record<string, Format>> = { json, safetensors, inference }
