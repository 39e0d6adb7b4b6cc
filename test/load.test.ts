import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'

const load = (...options: string[]) =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/load.ts', ...options])

describe('the load test', () => {
  test('starts the service, prints a table and writes JSON', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lossd-load-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const out = join(directory, 'results', 'out.json')
    const { stdout, stderr } = await load(
      '--cases',
      'tiny,medium',
      '--seconds',
      '1',
      '--connections',
      '2',
      '--out',
      out,
    )

    const [header, ...rows] = stdout.split('\n\n')[0]!.split('\n')
    expect(header).toMatch(/^case +batch +connections +requests\/s +p50 ms +p99 ms +MB\/s +errors +non-2xx$/)
    expect(rows.map((row) => row.split(/ +/).slice(0, 3))).toEqual([
      ['tiny', '8x10', '2'],
      ['medium', '64x100', '2'],
    ])
    expect(stderr).toMatch(/^tiny 8x10 .* answers/m)

    const results = JSON.parse(readFileSync(out, 'utf8'))
    expect(results).toMatchObject({ node: process.version, machine: { cores: expect.any(Number) } })
    for (const result of results.cases) {
      expect(result).toMatchObject({ errors: 0, non2xx: 0 })
      expect(result.answers).toBeGreaterThan(0)
      expect(result.p99Ms).toBeGreaterThanOrEqual(result.p50Ms)
    }
  })

  test.each([
    [['--cases', 'huge'], 'no case is called "huge"'],
    [['--seconds', '0'], '--seconds takes a whole number from 1, got 0'],
    [['--speed', '9'], "Unknown option '--speed'"],
    [['--url', 'http://127.0.0.1:9'], 'fetch failed'],
  ])('fails on %j', async (options, message) => {
    await expect(load(...options)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(message) })
  })
})
