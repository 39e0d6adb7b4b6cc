import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { makeBatch } from '../../bench/batch.ts'
import { drive } from '../../bench/client.ts'
import { writeContainer } from '../../bench/safetensors.ts'
import { spawnService, whenReady } from '../../scripts/load/service.ts'

/** Long enough that V8 gives its young generation all the room it may have, and so collects it rarely under large bodies. */
const SMALL_SECONDS = 8
const LARGE_SECONDS = 4
const SAMPLE_MS = 50
/** Far below the 64 MiB at which V8 collects its whole heap. */
const LIMIT_BYTES = 4 * 2 ** 20

test('the pieces in which large bodies come are not left for V8 to collect', { timeout: 60_000 }, async () => {
  const service = await spawnService({ LOG_LEVEL: 'warn' })
  onTestFinished(() => void service.child.kill())
  await whenReady(service)
  const port = Number(new URL(service.url).port)
  const small = { path: '/loss', headers: { 'content-type': 'application/json' }, body: makeBatch(8, 10).json() }
  await drive(port, small, 16, SMALL_SECONDS)

  const { logits, targets } = makeBatch(1024, 1000)
  const tensors = {
    logits: { dtype: 'F32', shape: [1024, 1000], data: logits },
    targets: { dtype: 'I32', shape: [1024], data: targets },
  } as const
  const large = {
    path: '/loss',
    headers: { 'content-type': 'application/vnd.safetensors' },
    body: writeContainer(tensors, { outputs: '["loss","gradients"]' }),
  }
  const before = await externalBytes(service.url)
  let isOver = false
  const load = drive(port, large, 4, LARGE_SECONDS).finally(() => {
    isOver = true
  })
  let most = 0
  while (!isOver) {
    most = Math.max(most, (await externalBytes(service.url)) - before)
    await sleep(SAMPLE_MS)
  }
  const answers = (await load) * LARGE_SECONDS
  console.log(`at most ${(most / 2 ** 20).toFixed(1)} MiB more in ${answers.toFixed(0)} answers`)
  expect(most).toBeLessThan(LIMIT_BYTES)
})

/** Memory outside of V8's heap that V8 counts. */
async function externalBytes(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^nodejs_external_memory_bytes (\d+)$/m.exec(text)![1])
}
