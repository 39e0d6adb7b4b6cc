import { connect } from 'node:net'

export interface HttpRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * Every connection's bytes are read into the same place: nothing of an answer but its head is looked at, and nothing of it is kept: a copy of
 * each answer would have this process collect garbage on the cores that the service is measured on, for a quarter of a fast service's rate.
 */
const INPUT = Buffer.allocUnsafeSlow(262_144)
const HEAD_END = Buffer.from('\r\n\r\n')
const STATUS_OK = 'HTTP/1.1 200 '
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i
/** A load that stays unanswered is a failure, not a measurement. */
const IDLE_TIMEOUT_MS = 60_000
/** However slow a party is, its rate is that of more than one answer a connection. */
const MIN_ANSWERS_PER_CONNECTION = 2

/**
 * Sends one request over and over, on each connection the next as soon as the answer of the last is in, and gives answers per second.
 * Returns when every answer is in, so that nothing of it is left when the next party has its turn. Throws at the first answer that is
 * not 200.
 *
 * Counts bytes instead of parsing them: the client shares its processors with the service, and what a general client spends on
 * large answers would be measured as the service's.
 */
export async function drive(port: number, request: HttpRequest, connections: number, seconds: number): Promise<number> {
  const start = performance.now()
  const deadline = start + seconds * 1000
  let answers = 0
  let lastAt = start
  const goOn = () => {
    const now = performance.now()
    if (now >= deadline && answers >= connections * MIN_ANSWERS_PER_CONNECTION) return false
    answers++
    lastAt = now
    return true
  }
  await Promise.all(Array.from({ length: connections }, () => repeat(port, request, goOn)))
  return answers / ((lastAt - start) / 1000)
}

/** One connection; after each answer asks whether to send again. */
function repeat(port: number, { path, headers, body }: HttpRequest, goOn: () => boolean): Promise<void> {
  const fields = { host: `127.0.0.1:${port}`, ...headers, 'content-length': String(body.length) }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  const message = Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), body])
  return new Promise((resolve, reject) => {
    let head: Buffer | undefined
    let missing = 0
    const onread = {
      buffer: INPUT,
      callback(bytes: number) {
        receive(INPUT.subarray(0, bytes))
        return true
      },
    }
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })

    socket.setTimeout(IDLE_TIMEOUT_MS, () => fail(new Error(`no answer within ${IDLE_TIMEOUT_MS} ms`)))
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('the connection was closed')))
    socket.on('connect', () => socket.write(message))

    function receive(chunk: Buffer): void {
      if (missing > 0) missing -= chunk.length
      else if (!readHead(chunk)) return
      if (missing > 0) return
      if (missing < 0) fail(new Error('more bytes than the answer declares'))
      else if (goOn()) socket.write(message)
      else {
        socket.removeAllListeners('close')
        socket.destroy()
        resolve()
      }
    }

    /** False while the head is incomplete. */
    function readHead(chunk: Buffer): boolean {
      const bytes = head ? Buffer.concat([head, chunk]) : chunk
      const end = bytes.indexOf(HEAD_END)
      if (end < 0) {
        head = Buffer.from(bytes)
        return false
      }
      const text = bytes.toString('latin1', 0, end)
      const length = CONTENT_LENGTH.exec(text)
      if (!text.startsWith(STATUS_OK) || !length) {
        fail(new Error(`expected 200 and a content-length, got ${JSON.stringify(bytes.toString('latin1', 0, 1000))}`))
        return false
      }
      missing = Number(length[1]) - (bytes.length - end - HEAD_END.length)
      head = undefined
      return true
    }

    function fail(error: Error): void {
      socket.destroy()
      reject(error)
    }
  })
}
