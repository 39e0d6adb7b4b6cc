import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { runExample } from './helpers/examples.ts'
import { startedServer } from './helpers/server.ts'

const url = startedServer()
const tsx = createRequire(import.meta.url).resolve('tsx/cli')

test.each(readdirSync('examples/curl'))('examples/curl/%s prints the loss and its gradients', (file) => {
  const [printed, expected] = runExample('bash', [`examples/curl/${file}`], url())
  expect(printed).toEqual(expected)
})

test.each(readdirSync('examples/typescript'))('examples/typescript/%s prints the loss and its gradients', (file) => {
  const [printed, expected] = runExample(process.execPath, [tsx, `examples/typescript/${file}`], url())
  expect(printed).toEqual(expected)
})
