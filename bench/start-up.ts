import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type LevelOptions, type Measurement, quantiles } from './measurement.ts'
import { freePort, isReady, sleep } from './party.ts'

const RUNS = 5
const QUICK_RUNS = 1
const POLL_MS = 5
const TIMEOUT_MS = 30_000

/** Milliseconds from `npm start` on a built tree to the first 200 of /readyz. */
export async function* startUpLevel({ quick, say }: LevelOptions): AsyncGenerator<Measurement> {
  const samples: number[] = []
  for (let run = 1; run <= (quick ? QUICK_RUNS : RUNS); run++) {
    say(`start-up, run ${run}`)
    samples.push(await startOnce())
  }
  yield { level: 'start-up', case: 'npm start to ready', provider: 'lossd', unit: 'ms', ...quantiles(samples) }
}

async function startOnce(): Promise<number> {
  const port = await freePort()
  const start = performance.now()
  // In a group of its own: the service is a grandchild, behind npm and its shell.
  const child = spawn('npm', ['start'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    // npm starts the `node` of the path: it must be the one that is measured.
    env: {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOST: '127.0.0.1',
      PORT: String(port),
    },
    stdio: 'ignore',
    detached: true,
  })
  const ended = once(child, 'exit')
  const kill = () => process.kill(-child.pid!, 'SIGTERM')
  process.once('exit', kill)
  try {
    while (!(await isReady(`http://127.0.0.1:${port}`))) {
      if (performance.now() - start > TIMEOUT_MS) throw new Error(`not ready ${TIMEOUT_MS} ms after npm start`)
      await sleep(POLL_MS)
    }
    return performance.now() - start
  } finally {
    process.off('exit', kill)
    kill()
    await ended
  }
}
