import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const readme = readFileSync('README.md', 'utf8')
const blocks = [...readme.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language, text]) => ({
  language,
  text: text!.trim(),
}))
const commands = blocks.flatMap((block, i) =>
  block.text.startsWith('curl') ? [{ command: block.text, answer: blocks[i + 1]!.text }] : [],
)

describe('the README', () => {
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

  test('names the two commands in exactly these words', () => {
    const shell = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text)
    expect(shell).toContain('npm ci && npm start')
    expect(shell).toContain('npm ci && npm test')
  })

  test('shows at least three requests', () => {
    expect(commands.length).toBeGreaterThanOrEqual(3)
  })

  test.each(commands)('gives the answer it shows to $command', ({ command, answer }) => {
    const local = command.replaceAll('http://localhost:3000', url)
    expect(execFileSync('bash', ['-c', local], { encoding: 'utf8' }).trim()).toBe(answer)
  })

  test('links to files that exist', () => {
    for (const [, path] of readme.matchAll(/\]\(([^)#:]+)\)/g)) expect(() => readFileSync(path!), path).not.toThrow()
  })
})
