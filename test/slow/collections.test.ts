import { expect, onTestFinished, test } from 'vitest'
import { makeBatch } from '../../bench/batch.ts'
import { drive } from '../../bench/client.ts'
import { writeContainer } from '../../bench/safetensors.ts'
import { spawnService, whenReady } from '../../scripts/load/service.ts'

/** Long enough that V8 would have given a young generation all the room it may have. */
const SMALL_SECONDS = 8
const LARGE_SECONDS = 4

test('after many small requests, large bodies do not have V8 collect its whole heap', { timeout: 60_000 }, async () => {
  const service = await spawnService({ LOG_LEVEL: 'warn' })
  onTestFinished(() => void service.child.kill())
  await whenReady(service)
  const port = Number(new URL(service.url).port)
  const small = { path: '/loss', headers: { 'content-type': 'application/json' }, body: makeBatch(8, 10).json() }
  await drive(port, small, 16, SMALL_SECONDS)

  const { logits, targets } = makeBatch(1024, 1000)
  const large = {
    path: '/loss',
    headers: { 'content-type': 'application/vnd.safetensors' },
    body: writeContainer(
      {
        logits: { dtype: 'F32', shape: [1024, 1000], data: logits },
        targets: { dtype: 'I32', shape: [1024], data: targets },
      },
      { outputs: '["loss","gradients"]' },
    ),
  }
  const before = await wholeCollections(service.url)
  const answers = (await drive(port, large, 4, LARGE_SECONDS)) * LARGE_SECONDS
  const collections = (await wholeCollections(service.url)) - before
  console.log(`${collections} collections of the whole heap in ${answers.toFixed(0)} answers`)
  expect(collections / answers).toBeLessThan(1 / 30)
})

async function wholeCollections(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const [, count = '0'] = /^nodejs_gc_duration_seconds_count\{kind="major"\} (\d+)$/m.exec(text) ?? []
  return Number(count)
}
