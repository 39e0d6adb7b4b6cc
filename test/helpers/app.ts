import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { type App, buildApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config.ts'

/** The service with real workers, not listening, closed when the test is over. */
export async function startApp(overrides: Partial<Config> = {}): Promise<App> {
  const app = await readyApp(overrides)
  onTestFinished(() => app.server.close())
  return app
}

/** One such service for every test of a group. */
export function sharedApp(overrides: Partial<Config> = {}): () => App {
  let app: App
  beforeAll(async () => {
    app = await readyApp(overrides)
  })
  afterAll(() => app.server.close())
  return () => app
}

async function readyApp(overrides: Partial<Config>): Promise<App> {
  const app = await buildApp({ ...readConfig({ LOSSD_WORKERS: '2' }), ...overrides }, { logger: false })
  await app.services.pool.ready
  return app
}
