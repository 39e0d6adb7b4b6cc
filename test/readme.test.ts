import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const readme = readFileSync('README.md', 'utf8')
const blocks = blocksOf(readme)
const DOCUMENTS = ['README.md', 'docs/tools.md']

function blocksOf(markdown: string): { language: string; text: string }[] {
  return [...markdown.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language, text]) => ({
    language: language!,
    text: text!.trim(),
  }))
}

/** Every request that a document shows, and the answer that stands behind it. */
function commandsOf(markdown: string): { command: string; answer: string }[] {
  return blocksOf(markdown).flatMap(({ text }, i, all) =>
    text.startsWith('curl') ? [{ command: text, answer: all[i + 1]!.text }] : [],
  )
}

let server: ReturnType<typeof spawn>
let url: string

beforeAll(async () => {
  server = spawn(process.execPath, ['dist/server.js'], {
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'info' },
  })
  for await (const line of createInterface({ input: server.stdout! })) {
    const { msg } = JSON.parse(line)
    url = msg.match(/http:\S+/)?.[0] ?? url
    if (msg === 'ready') break
  }
})

afterAll(async () => {
  server.kill('SIGTERM')
  await once(server, 'exit')
})

describe('the README', () => {
  test('names the two commands in exactly these words', () => {
    const shell = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text)
    expect(shell).toContain('npm ci && npm start')
    expect(shell).toContain('npm ci && npm test')
  })

  test('shows at least three requests', () => {
    expect(commandsOf(readme).length).toBeGreaterThanOrEqual(3)
  })
})

describe.each(DOCUMENTS)('%s', (document) => {
  const text = readFileSync(document, 'utf8')

  test.each(commandsOf(text))('gives the answer it shows to $command', ({ command, answer }) => {
    const local = command.replaceAll('http://localhost:3000', url)
    expect(execFileSync('bash', ['-c', local], { encoding: 'utf8' }).trim()).toBe(answer)
  })

  test('links to files that exist', () => {
    for (const [, path] of text.matchAll(/\]\(([^)#:]+)\)/g))
      expect(() => readFileSync(join(dirname(document), path!)), path).not.toThrow()
  })
})
