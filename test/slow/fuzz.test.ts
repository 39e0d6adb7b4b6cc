import { describe, test } from 'vitest'
import { fuzz, fuzzSeed } from '../helpers/fuzz.ts'
import { inferenceSpecimens, jsonSpecimens, safetensorsSpecimens } from '../helpers/specimens.ts'

const runs = Number(process.env.LOSSD_FUZZ_RUNS ?? 1_000_000)
const seed = fuzzSeed()

describe('whatever the bytes', { timeout: 3_600_000 }, () => {
  test('a JSON body is answered or refused', () => fuzz('json', jsonSpecimens, runs, seed))
  test('a safetensors body is answered or refused', () => fuzz('safetensors', safetensorsSpecimens, runs, seed))
  test('an inference request is answered or refused', () => fuzz('inference', inferenceSpecimens, runs, seed))
})
