import { copyBytes } from '../copy-bytes.ts'
import { REPORT_WORDS, ReadStatus, Report } from '../kernels/contract.ts'
import type { Engine } from '../kernels/engine.ts'
import { ELEMENT_BYTES } from '../wire/tensor.ts'
import { type Arena, giveBack } from './arena.ts'
import {
  claimFromBack,
  claimFromFront,
  createControls,
  endClaims,
  hear,
  MAX_CHUNKS,
  type SharedWork,
  say,
} from './claims.ts'
import type { Crew } from './crew.ts'

/** Rows of a large JSON matrix that several threads read. Of each chunk the words of `Word` are said. */
export interface ReadJob extends SharedWork {
  readonly kind: 'read'
  readonly dtype: 'F32' | 'F64'
  /** Where chunks begin in `bytes`, each at the comma in front of its first row, and where the last one ends. */
  readonly cuts: readonly number[]
  /** Lent by the thread whose request it is: the text of all chunks. The numbers of a chunk take the place of its text. */
  readonly bytes: Uint8Array<SharedArrayBuffer>
}

/** The outcome is said last, and is not 0. */
const Word = { rows: 0, columns: 1, outcome: 2 } as const
const WORDS = 3
const READ = 1
/** For whoever has called: not rows of one length, or numbers so short that their text has no room for them. */
const LEFT = 2

/** Bytes of text. */
export interface ReadSizes {
  /** Sharing less gains nothing: calling for help and copying there and back take as long. */
  readonly least: number
  /** Half a millisecond of reading, which is what the last one to finish may keep the others waiting. */
  readonly chunk: number
}

const SIZES: ReadSizes = { least: 2 * 2 ** 20, chunk: 2 ** 19 }

const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
/** The start of a matrix: an array of arrays of something else. */
const MATRIX = /^\[[\t\n\r ]*\[[\t\n\r ]*[^[\t\n\r ]/
const MATRIX_HEAD_BYTES = 64

/** A stretch of whole rows, as it was read. */
interface Piece {
  readonly rows: number
  readonly columns: number
}

/** Texts of one request that look like a large matrix and are none: each costs a search through the rest of the body. */
const MAX_VAIN = 3

/**
 * An engine that reads large matrices together with other threads. Text is cut between rows, and each piece read as a matrix of its own. Where one
 * of them is not just that, all is read again as it always is, which says what is wrong and where; so a fault takes up to twice as long.
 */
export function withReaders(
  engine: Engine,
  { arena, threads, mayCall, call, patienceMs }: Crew,
  sizes: ReadSizes = SIZES,
): Engine {
  const { memory, typed } = engine
  let epoch = memory.epoch
  let vain = 0
  const shared = (dtype: 'F32' | 'F64') => ({
    ...typed[dtype],
    readArray(text: number, end: number, values: number, report: number): void {
      if (!mayShare(text, end) || !readTogether(dtype, text, end, values, report))
        typed[dtype].readArray(text, end, values, report)
    },
  })
  return { ...engine, typed: { F32: shared('F32'), F64: shared('F64') } }

  function mayShare(text: number, end: number): boolean {
    if (end - text < sizes.least || !isMatrix(memory.u8(text, MATRIX_HEAD_BYTES)) || !mayCall()) return false
    if (epoch !== memory.epoch) vain = 0
    epoch = memory.epoch
    return vain < MAX_VAIN
  }

  /** Whether that was possible; where not, nothing has changed but what `values` and `report` point to. */
  function readTogether(dtype: 'F32' | 'F64', text: number, end: number, values: number, report: number): boolean {
    vain++
    const all = memory.u8(text, end - text)
    const cuts = cutsOf(all, threads, sizes)
    const chunks = cuts.length - 1
    const bytes = chunks < 1 ? undefined : copyOf(arena, all.subarray(cuts[0], cuts[chunks]))
    if (!bytes) return false
    const controls = createControls(chunks * WORDS)
    const job: ReadJob = { kind: 'read', dtype, chunks, controls, cuts: cuts.map((cut) => cut - cuts[0]!), bytes }
    call(job)

    const matrix = new GrowingMatrix(memory, values, ELEMENT_BYTES[dtype])
    const readHere = (from: number, to: number) =>
      matrix.add(readPiece(engine, dtype, text + from, text + to, matrix.end, report))
    const readChunk = (chunk: number) => readHere(cuts[chunk]!, endOf(cuts, chunk))
    let isSound = readHere(0, cuts[0]! + 1)
    for (const chunk of claimFromFront(job)) {
      isSound &&= readChunk(chunk)
      if (!isSound) break
    }
    const others = endClaims(job)
    for (let chunk = others; chunk < chunks; chunk++) {
      // Should the thread that claimed it be alive after all, it may still write to the job's memory: it is not given back.
      if (hear(job, chunk * WORDS + Word.outcome, patienceMs) === 0) return false
    }
    for (let chunk = others; isSound && chunk < chunks; chunk++) {
      const piece = pieceOf(job, chunk)
      isSound = piece ? matrix.add(piece, bytes.subarray(job.cuts[chunk]!)) : readChunk(chunk)
    }
    giveBack(bytes)
    if (!isSound) return false
    vain = 0
    reportMatrix(memory.i32(report, REPORT_WORDS), matrix, text + cuts[chunks]!)
    return true
  }
}

/** Rows in kernel memory, behind which others are put. */
class GrowingMatrix implements Piece {
  rows = 0
  columns = 0
  readonly #memory: Engine['memory']
  readonly #values: number
  readonly #size: number

  /** @param size bytes of a number */
  constructor(memory: Engine['memory'], values: number, size: number) {
    this.#memory = memory
    this.#values = values
    this.#size = size
  }

  /** Pointer behind the last number. */
  get end(): number {
    return this.#values + this.rows * this.columns * this.#size
  }

  /**
   * @param piece rows that lie at `end`, or that `bytes` begin with; undefined: there are none
   * @returns whether they fit the rows before
   */
  add(piece: Piece | undefined, bytes?: Uint8Array): boolean {
    if (!piece || (this.rows > 0 && piece.columns !== this.columns)) return false
    const length = piece.rows * piece.columns * this.#size
    if (bytes) copyBytes(bytes.subarray(0, length), this.#memory.u8(this.end, length))
    this.rows += piece.rows
    this.columns = piece.columns
    return true
  }
}

/** Reads chunks of another thread's job, until one is to be left: what follows is most likely the same. */
export function helpToRead(engine: Engine, job: ReadJob, mustStop: () => boolean): void {
  for (const chunk of claimFromBack(job, mustStop)) {
    const word = chunk * WORDS
    let outcome = LEFT
    try {
      const piece = readToBytes(engine, job, chunk)
      if (!piece) return
      say(job, word + Word.rows, piece.rows)
      say(job, word + Word.columns, piece.columns)
      outcome = READ
    } finally {
      say(job, word + Word.outcome, outcome)
    }
  }
}

/** Reads a chunk and writes its numbers where its text was, if they are a matrix and have room there. */
function readToBytes(engine: Engine, { dtype, cuts, bytes }: ReadJob, chunk: number): Piece | undefined {
  const { memory } = engine
  const size = ELEMENT_BYTES[dtype]
  const from = cuts[chunk]!
  const length = endOf(cuts, chunk) - from
  memory.reset()
  const report = memory.allocate(REPORT_WORDS * Int32Array.BYTES_PER_ELEMENT)
  const text = memory.allocate(length)
  const values = memory.allocate((Math.floor(length / 2) + 1) * size)
  copyBytes(bytes.subarray(from, from + length), memory.u8(text, length))
  const piece = readPiece(engine, dtype, text, text + length, values, report)
  if (!piece || piece.rows * piece.columns * size > cuts[chunk + 1]! - from) return undefined
  copyBytes(memory.u8(values, piece.rows * piece.columns * size), bytes, from)
  return piece
}

/** What another thread has read; undefined where it has left that. */
function pieceOf(job: ReadJob, chunk: number): Piece | undefined {
  const word = (each: number) => hear(job, chunk * WORDS + each, 0)
  return word(Word.outcome) === READ ? { rows: word(Word.rows), columns: word(Word.columns) } : undefined
}

function isMatrix(head: Uint8Array): boolean {
  return MATRIX.test(Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1'))
}

/**
 * Where to cut the text of a matrix that begins here: at commas between rows, behind what the first thread is to read in any case; the last
 * cut is its end. None where it cannot be cut, or is written in an unusual way.
 */
function cutsOf(all: Uint8Array, threads: number, { least, chunk }: ReadSizes): number[] {
  const text = Buffer.from(all.buffer, all.byteOffset, all.length)
  const end = text.indexOf(']]', 0, 'latin1') + 2
  if (end < least) return []
  const cuts: number[] = []
  for (let at = text.indexOf('],', Math.floor(end / threads), 'latin1'); at !== -1 && at < end - 2; ) {
    cuts.push(at + 1)
    if (cuts.length === MAX_CHUNKS) break
    at = text.indexOf('],', at + chunk, 'latin1')
  }
  cuts.push(end)
  return cuts
}

/** Behind the last byte of a chunk: the comma behind its rows, which it shares with the next one. Whoever reads writes brackets over both ends first. */
function endOf(cuts: readonly number[], chunk: number): number {
  return chunk === cuts.length - 2 ? cuts[chunk + 1]! : cuts[chunk + 1]! + 1
}

function copyOf(arena: Arena, source: Uint8Array): Uint8Array<SharedArrayBuffer> | undefined {
  const bytes = arena.lend(source.length)
  if (bytes) copyBytes(source, bytes)
  return bytes
}

/**
 * Reads the rows between two commas, or between a comma and an end of their matrix, as a matrix of their own: while it is read, the bytes at its
 * ends are brackets. Undefined where it is none.
 */
function readPiece(
  { memory, typed }: Engine,
  dtype: 'F32' | 'F64',
  from: number,
  to: number,
  values: number,
  report: number,
): Piece | undefined {
  const bytes = memory.u8(from, to - from)
  const last = bytes.length - 1
  const [before, behind] = [bytes[0]!, bytes[last]!]
  bytes[0] = OPEN_ARRAY
  bytes[last] = CLOSE_ARRAY
  typed[dtype].readArray(from, to, values, report)
  bytes[0] = before
  bytes[last] = behind
  const words = memory.i32(report, REPORT_WORDS)
  const isRows = words[Report.status] === ReadStatus.ok && words[Report.rank] === 2
  if (!isRows || words[Report.position]! >>> 0 !== to) return undefined
  return { rows: words[Report.shape]!, columns: words[Report.shape + 1]! }
}

function reportMatrix(words: Int32Array, { rows, columns }: Piece, end: number): void {
  words.fill(0)
  words[Report.position] = end
  words[Report.rank] = 2
  words[Report.count] = rows * columns
  words[Report.shape] = rows
  words[Report.shape + 1] = columns
}
