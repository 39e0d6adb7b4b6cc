import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startedServer } from './helpers/server.ts'

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

const url = startedServer()

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
    const local = command.replaceAll('http://localhost:3000', url())
    expect(execFileSync('bash', ['-c', local], { encoding: 'utf8' }).trim()).toBe(answer)
  })

  test('links to files that exist', () => {
    for (const [, path] of text.matchAll(/\]\(([^)#:]+)\)/g))
      expect(() => readFileSync(join(dirname(document), path!)), path).not.toThrow()
  })
})
