import closeWithGrace from 'close-with-grace'
import { type App, buildApp } from './app.ts'
import { ConfigError, readConfig } from './config.ts'

/**
 * Signals of a crash. Listening for one replaces V8's own handler, by which an access outside of WebAssembly memory becomes an exception; the
 * instruction would be tried again for ever. And no shutdown can be trusted after a crash.
 */
const CRASHES = ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGABRT'] as const

try {
  const config = readConfig(process.env)
  const { server, services } = await buildApp(config)
  closeWithGrace(
    { delay: config.shutdownGraceMs + config.drainDelayMs + 1000, logger: server.log, skip: [...CRASHES] },
    ({ err, signal }) => {
      if (err) server.log.error({ err }, 'closing after an error')
      else server.log.info({ signal }, 'draining')
      return drain({ server, services })
    },
  )
  // Both to their end, whichever fails: Node aborts where a thread is ended that has not started yet.
  const starts = [services.pool.ready, server.listen({ host: config.host, port: config.port })]
  for (const start of await Promise.allSettled(starts)) if (start.status === 'rejected') throw start.reason
  server.log.info({ workers: config.workers }, 'ready')
} catch (error) {
  process.stderr.write(`lossd: ${error instanceof ConfigError ? error.message : ((error as Error).stack ?? error)}\n`)
  process.exit(1)
}

/** Not ready at once; after the delay no new work; then waits for what was accepted. */
async function drain({ server, services: { lifecycle, config } }: App): Promise<void> {
  lifecycle.startDraining()
  await new Promise((resolve) => setTimeout(resolve, config.drainDelayMs))
  lifecycle.stopAccepting()
  await server.close()
}
