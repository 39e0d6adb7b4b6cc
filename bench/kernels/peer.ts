import { startTalker } from './talker.ts'

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
  const talker = await startTalker(command, args)
  const evaluate = async () => {
    const [nanoseconds, total] = (await talker.ask('')).split(' ').map(Number)
    return { nanoseconds: nanoseconds!, total: total! }
  }
  return {
    name: command,
    time: async () => (await evaluate()).nanoseconds,
    evaluate,
    close: () => talker.close(),
  }
}
