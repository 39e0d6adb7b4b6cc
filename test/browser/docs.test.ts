import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startedServer } from '../helpers/server.ts'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executable = [process.env.CHROMIUM, ...PLACES].find((path) => path && existsSync(path))
if (!executable) process.stdout.write('skipped: there is no Chromium: apt-get install chromium, or CHROMIUM=path\n')

/** The bodies that the document has examples of, by operation. */
interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly examples?: Readonly<Record<string, { summary: string }>> }>>
  }
}

describe.skipIf(!executable)('Swagger UI in Chromium', () => {
  const url = startedServer()
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executable!, args: ['--no-sandbox'] })
  })
  afterAll(() => browser?.close())

  test('runs every example of the document from the page, with nothing from elsewhere and no error in the console', async () => {
    const page = await browser.newPage()
    const errors: string[] = []
    const strangers: string[] = []
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(url()) && !request.url().startsWith('data:')) strangers.push(request.url())
    })
    await page.goto(`${url()}/docs`)
    await page.waitForSelector('.opblock')

    const document = (await (await fetch(`${url()}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, Operation>>
    }
    const operations = Object.entries(document.paths)
      // The page has no example of a path's parameters.
      .filter(([path]) => !path.includes('{'))
      .flatMap(([, methods]) => Object.values(methods))
      .filter((operation) => examplesOf(operation).length > 0)
    expect(operations.map(({ operationId }) => operationId)).toContain('loss')
    for (const operation of operations) {
      const block = await open(page, operation)
      for (const [i, example] of examplesOf(operation).entries()) {
        const choices = block.locator('.examples-select-element')
        if ((await choices.count()) > 0) await choices.first().selectOption({ index: i })
        await block.locator('.execute').click()
        const status = await block.locator('.live-responses-table tbody .response-col_status').first().textContent()
        expect(status?.trim().slice(0, 3), `${operation.operationId}: ${example}`).toBe('200')
        await block.locator('.btn-clear').click()
      }
    }
    expect(errors).toEqual([])
    expect(strangers).toEqual([])
  })
})

function examplesOf({ requestBody }: Operation): string[] {
  return Object.keys(requestBody?.content['application/json']?.examples ?? {})
}

async function open(page: Page, { operationId, tags }: Operation) {
  const block = page.locator(`#operations-${tags[0]!.replaceAll(' ', '_')}-${operationId}`)
  await block.locator('.opblock-summary-control').click()
  await block.locator('.execute').waitFor()
  return block
}
