import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** Another implementation in a process of its own, which evaluates once for each line it is sent. */
export interface Peer {
  readonly name: string
  /** @returns nanoseconds of one evaluation, as the peer took them */
  readonly time: () => Promise<number>
  readonly evaluate: () => Promise<{ nanoseconds: number; total: number }>
  readonly close: () => void
}

/** Starts a peer and waits until it says "ready". */
export async function startPeer(command: string, args: readonly string[]): Promise<Peer> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const nextLine = linesOf(child)
  const first = await nextLine()
  if (first !== 'ready') throw new Error(`expected "ready", got "${first}"`)
  const evaluate = async () => {
    child.stdin.write('\n')
    const [nanoseconds, total] = (await nextLine()).split(' ').map(Number)
    return { nanoseconds: nanoseconds!, total: total! }
  }
  return {
    name: command,
    time: async () => (await evaluate()).nanoseconds,
    evaluate,
    close: () => child.stdin.end(),
  }
}

/** The lines a process prints, one a call; fails with the last thing it complained about when it ends. */
function linesOf(child: ChildProcess): () => Promise<string> {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  let complaint = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.trim().split('\n').at(-1) ?? ''
  })
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  failed.catch(() => undefined)
  return async () => {
    const { done, value } = await Promise.race([lines.next(), failed])
    if (done) throw new Error(complaint || 'it ended without a word')
    return value
  }
}
