import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A process that answers every line with a line. */
export interface Talker {
  ask(line: string): Promise<string>
  close(): void
}

/** Starts it and waits until it says "ready". */
export async function startTalker(command: string, args: readonly string[]): Promise<Talker> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const nextLine = linesOf(child)
  const first = await nextLine()
  if (first !== 'ready') throw new Error(`expected "ready", got "${first}"`)
  return {
    ask(line) {
      child.stdin.write(`${line}\n`)
      return nextLine()
    },
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
