import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll } from 'vitest'

/** The built service as a process of its own for every test of a file; gives its URL. */
export function startedServer(): () => string {
  let server: ChildProcess
  let url = ''
  beforeAll(async () => {
    server = spawn(process.execPath, ['dist/server.js'], {
      env: { ...process.env, PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'info' },
    })
    for await (const line of createInterface({ input: server.stdout! })) {
      const { msg } = JSON.parse(line)
      url = msg.match(/http:\S+/)?.[0] ?? url
      if (msg === 'ready') break
    }
    // A pipe that nobody reads would fill up and block the service.
    server.stdout!.resume()
  })
  afterAll(async () => {
    server.kill('SIGTERM')
    await once(server, 'exit')
  })
  return () => url
}
