const PLAIN_INTERVAL_MS = 3000
const BAR_WIDTH = 20

export interface Progress {
  /** How far a case is, 0 to 1, and what to say of it. */
  update(fraction: number, text: string): void
  end(): void
}

/** One line redrawn on a terminal, a plain line every few seconds elsewhere. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  let lastPlainAt = Number.NEGATIVE_INFINITY
  return {
    update(fraction, text) {
      if (stream.isTTY) {
        const filled = Math.round(Math.min(1, fraction) * BAR_WIDTH)
        stream.write(`\r\x1b[2K${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${text}`)
      } else if (performance.now() - lastPlainAt >= PLAIN_INTERVAL_MS) {
        lastPlainAt = performance.now()
        stream.write(`${text}\n`)
      }
    },
    end() {
      if (stream.isTTY) stream.write('\r\x1b[2K')
    },
  }
}
