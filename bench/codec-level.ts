import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { LevelOptions, Measurement } from './measurement.ts'

/** What `codec.ts --json` prints. */
interface Output {
  readonly rows: readonly {
    readonly measure: string
    readonly nsPerNumber: number
    readonly peer: string
    readonly peerNsPerNumber: number
  }[]
}

/** Nanoseconds a number that is read or printed: one median of many rounds, as that script gives it. In a process of its own, with a heap that nothing else has filled. */
export async function* codecLevel({ say }: LevelOptions): AsyncGenerator<Measurement> {
  say('codec')
  const script = fileURLToPath(new URL('codec.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, '--json'])
  const { rows }: Output = JSON.parse(stdout)
  for (const { measure, nsPerNumber, peer, peerNsPerNumber } of rows) {
    for (const [provider, ns] of [
      ['lossd', nsPerNumber],
      [peer, peerNsPerNumber],
    ] as const)
      yield { level: 'codec', case: measure, provider, unit: 'ns/number', p20: ns, p50: ns, p80: ns, n: 1 }
  }
}
