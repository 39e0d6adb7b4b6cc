import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { LevelOptions, Measurement } from './measurement.ts'

/** What `codec.ts --json` prints. */
interface CodecOutput {
  readonly rows: readonly {
    readonly measure: string
    readonly nsPerNumber: number
    readonly peer: string
    readonly peerNsPerNumber: number
  }[]
}

/** What a line of `kernels.ts --json` holds. */
interface KernelsLine extends Pick<Measurement, 'provider' | 'unit' | 'p20' | 'p50' | 'p80'> {
  readonly name: string
  readonly rounds: number
}

/** Nanoseconds an element of the loss kernels, of PyTorch and of C. */
export async function* kernelsLevel({ say }: LevelOptions): AsyncGenerator<Measurement> {
  say('kernels')
  for (const line of (await runScript('kernels.ts', say)).trim().split('\n')) {
    const { name, provider, unit, p20, p50, p80, rounds }: KernelsLine = JSON.parse(line)
    yield { level: 'kernels', case: name, provider, unit, p20, p50, p80, n: rounds }
  }
}

/** Nanoseconds a number that is read or printed: one median of many rounds, as the script gives it. */
export async function* codecLevel({ say }: LevelOptions): AsyncGenerator<Measurement> {
  say('codec')
  const { rows }: CodecOutput = JSON.parse(await runScript('codec.ts', say))
  for (const { measure, nsPerNumber, peer, peerNsPerNumber } of rows) {
    for (const [provider, ns] of [
      ['lossd', nsPerNumber],
      [peer, peerNsPerNumber],
    ] as const)
      yield { level: 'codec', case: measure, provider, unit: 'ns/number', p20: ns, p50: ns, p80: ns, n: 1 }
  }
}

/** A benchmark that stands by itself, in a process of its own: its heap is filled by nothing else. */
async function runScript(name: string, say: LevelOptions['say']): Promise<string> {
  const script = fileURLToPath(new URL(name, import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, '--json'])
  if (stderr.trim() !== '') say(stderr.trim())
  return stdout
}
