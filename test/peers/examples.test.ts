import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { runExample } from '../helpers/examples.ts'
import { missingPackages, python } from '../helpers/python.ts'
import { startedServer } from '../helpers/server.ts'

const missing = missingPackages(['numpy', 'requests', 'safetensors', 'tritonclient.http'])

describe.skipIf(missing)('examples in Python', () => {
  const url = startedServer()

  test.each(readdirSync('examples/python'))('examples/python/%s prints the loss and its gradients', (file) => {
    const [printed, expected] = runExample(python, [`examples/python/${file}`], url())
    expect(printed).toEqual(expected)
  })
})
