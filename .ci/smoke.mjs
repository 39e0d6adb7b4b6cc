// `npm start` as a user types it: ready, one request, SIGTERM. Prints what it checked and a closing line `N passed, M failed`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const READY_TIMEOUT_MS = 20_000
const EXIT_TIMEOUT_MS = 15_000
const POLL_MS = 10

const probe = createServer().listen(0, '127.0.0.1')
await once(probe, 'listening')
const { port } = probe.address()
probe.close()
const url = `http://127.0.0.1:${port}`

const start = performance.now()
const service = spawn('npm', ['start'], {
  env: { ...process.env, HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'warn' },
  stdio: ['ignore', 'inherit', 'inherit'],
  // A group of its own, so that nothing is left behind if it does not end.
  detached: true,
})
const exited = once(service, 'exit')
const counts = { passed: 0, failed: 0 }

check(`npm start is ready (after ${await readyMs()} ms)`, await isReady())
const loss = await evaluate()
check(`POST /loss answers (loss ${loss})`, Math.abs(loss - 0.5136967) < 1e-6)
service.kill('SIGTERM')
const [code, signal] = await Promise.race([exited, sleep(EXIT_TIMEOUT_MS, ['still running'])])
check(`exit code 0 after SIGTERM (${code ?? signal})`, code === 0)
end(service)
console.log(`${counts.passed} passed, ${counts.failed} failed`)
process.exit(counts.failed === 0 ? 0 : 1)

async function readyMs() {
  while (!(await isReady()) && performance.now() - start < READY_TIMEOUT_MS && service.exitCode === null)
    await sleep(POLL_MS)
  return Math.round(performance.now() - start)
}

async function isReady() {
  return (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true
}

async function evaluate() {
  const body = JSON.stringify({ logits: [[2, 1, 0.1]], targets: [0], label_smoothing: 0.1 })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/loss`, { method: 'POST', headers, body }).catch(() => undefined)
  return answer?.ok ? (await answer.json()).loss : Number.NaN
}

/** Whatever is left of its group: npm may end without the service. */
function end({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

function check(name, isOk) {
  counts[isOk ? 'passed' : 'failed']++
  console.log(`${isOk ? 'ok  ' : 'FAIL'} ${name}`)
}
