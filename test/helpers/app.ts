import { onTestFinished } from 'vitest'
import { type App, buildApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config.ts'

/** The service with real workers, not listening, closed when the test is over. */
export async function startApp(overrides: Partial<Config> = {}): Promise<App> {
  const app = await buildApp({ ...readConfig({ LOSSD_WORKERS: '2' }), ...overrides }, { logger: false })
  onTestFinished(() => app.server.close())
  await app.services.pool.ready
  return app
}
