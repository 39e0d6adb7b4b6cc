import { copyBytes } from '../copy-bytes.ts'
import { REPORT_WORDS, ReadStatus, Report } from '../kernels/contract.ts'
import type { Engine } from '../kernels/engine.ts'
import { ELEMENT_BYTES } from '../wire/tensor.ts'
import { type Arena, giveBack } from './arena.ts'
import { type Controls, claimBack, claimFront, createControls, endClaims, hear, MAX_CHUNKS, say } from './claims.ts'
import type { Crew } from './crew.ts'

/** Rows of a large JSON matrix that several threads read: the one whose request it is from the front, others from the back. */
export interface ReadJob {
  readonly kind: 'read'
  readonly dtype: 'F32' | 'F64'
  /** Where chunks begin in `bytes`, each at the comma in front of its first row, and where the last one ends. */
  readonly cuts: readonly number[]
  /** Of each chunk the words of `Word`. */
  readonly controls: Controls
  /** Lent by the thread whose request it is: the text of all chunks. The numbers of a chunk take the place of its text. */
  readonly bytes: Uint8Array<SharedArrayBuffer>
}

const Word = { rows: 0, columns: 1, outcome: 2 } as const
const WORDS = 3
const READ = 1
/** For whoever has called: not rows of one length, or numbers so short that their text has no room for them. */
const LEFT = 2

/** Bytes of text. */
export interface ReadSizes {
  /** Less is read in the time it takes to call for help. */
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

/**
 * An engine that reads large matrices together with other threads. Text is cut between rows, and each piece read as a matrix of its own. Where one
 * of them is not just that, all is read again as it always is, which says what is wrong and where.
 */
export function withReaders(
  engine: Engine,
  { arena, threads, mayCall, call, patienceMs }: Crew,
  sizes: ReadSizes = SIZES,
): Engine {
  const { memory, typed } = engine
  const shared = (dtype: 'F32' | 'F64') => ({
    ...typed[dtype],
    readArray(text: number, end: number, values: number, report: number): void {
      if (end - text < sizes.least || !mayCall() || !readTogether(dtype, text, end, values, report))
        typed[dtype].readArray(text, end, values, report)
    },
  })
  return { ...engine, typed: { F32: shared('F32'), F64: shared('F64') } }

  /** Whether that was possible; where not, nothing has changed but what `values` and `report` point to. */
  function readTogether(dtype: 'F32' | 'F64', text: number, end: number, values: number, report: number): boolean {
    const all = memory.u8(text, end - text)
    const cuts = cutsOf(all, threads, sizes)
    const chunks = cuts.length - 1
    const bytes = chunks < 1 ? undefined : copyOf(arena, all.subarray(cuts[0], cuts[chunks]))
    if (!bytes) return false
    const controls = createControls(chunks * WORDS)
    call({ kind: 'read', dtype, cuts: cuts.map((cut) => cut - cuts[0]!), controls, bytes })

    const size = ELEMENT_BYTES[dtype]
    let rows = 0
    let columns = -1
    const behind = () => values + rows * Math.max(columns, 0) * size
    const add = (piece: Piece | undefined): boolean => {
      if (!piece || (columns !== -1 && piece.columns !== columns)) return false
      rows += piece.rows
      columns = piece.columns
      return true
    }
    const readHere = (chunk: number): boolean =>
      add(readPiece(engine, dtype, text + cuts[chunk]!, text + endOf(cuts, chunk), behind(), report))

    let isSound = add(readPiece(engine, dtype, text, text + cuts[0]! + 1, values, report))
    for (let chunk = 0; isSound && chunk !== -1; ) {
      chunk = claimFront(controls, chunks)
      if (chunk !== -1) isSound = readHere(chunk)
    }
    const firstOfOthers = endClaims(controls, chunks)
    for (let chunk = firstOfOthers; chunk < chunks; chunk++) {
      // Should the thread that claimed it be alive after all, it may still write to the job's memory: it is not given back.
      if (hear(controls, chunk * WORDS + Word.outcome, patienceMs) === 0) return false
    }
    for (let chunk = firstOfOthers; isSound && chunk < chunks; chunk++) {
      const word = (each: number) => hear(controls, chunk * WORDS + each, 0)
      if (word(Word.outcome) === LEFT) {
        isSound = readHere(chunk)
        continue
      }
      const to = behind()
      const piece = { rows: word(Word.rows), columns: word(Word.columns) }
      isSound = add(piece)
      const length = piece.rows * piece.columns * size
      const from = cuts[chunk]! - cuts[0]!
      if (isSound) copyBytes(bytes.subarray(from, from + length), memory.u8(to, length))
    }
    giveBack(bytes)
    if (isSound) reportMatrix(memory.i32(report, REPORT_WORDS), rows, columns, text + cuts[chunks]!)
    return isSound
  }
}

/** Reads chunks of another thread's job until none is left. */
export function helpToRead(engine: Engine, { dtype, cuts, controls, bytes }: ReadJob): void {
  const { memory } = engine
  const chunks = cuts.length - 1
  for (let chunk = claimBack(controls, chunks); chunk !== -1; chunk = claimBack(controls, chunks)) {
    memory.reset()
    const from = cuts[chunk]!
    const length = endOf(cuts, chunk) - from
    const report = memory.allocate(REPORT_WORDS * Int32Array.BYTES_PER_ELEMENT)
    const text = memory.allocate(length)
    const values = memory.allocate((Math.floor(length / 2) + 1) * ELEMENT_BYTES[dtype])
    copyBytes(bytes.subarray(from, from + length), memory.u8(text, length))
    const piece = readPiece(engine, dtype, text, text + length, values, report)
    const numberBytes = piece ? piece.rows * piece.columns * ELEMENT_BYTES[dtype] : Number.POSITIVE_INFINITY
    const isRead = numberBytes <= cuts[chunk + 1]! - from
    if (isRead) {
      copyBytes(memory.u8(values, numberBytes), bytes, from)
      say(controls, chunk * WORDS + Word.rows, piece!.rows)
      say(controls, chunk * WORDS + Word.columns, piece!.columns)
    }
    say(controls, chunk * WORDS + Word.outcome, isRead ? READ : LEFT)
  }
}

/**
 * Where to cut the text of a matrix that begins here: at commas between rows, behind what the first thread is to read in any case; the last
 * cut is its end. None where it cannot be cut, or is written in an unusual way.
 */
function cutsOf(all: Uint8Array, threads: number, { least, chunk }: ReadSizes): number[] {
  const text = Buffer.from(all.buffer, all.byteOffset, all.length)
  if (!MATRIX.test(text.toString('latin1', 0, MATRIX_HEAD_BYTES))) return []
  const end = text.indexOf(']]', 0, 'latin1') + 2
  if (end < least) return []
  const cuts: number[] = []
  for (let at = text.indexOf('],', Math.floor(end / threads), 'latin1'); at !== -1 && at < end; ) {
    cuts.push(at + 1)
    if (cuts.length === MAX_CHUNKS) break
    at = text.indexOf('],', at + chunk, 'latin1')
  }
  cuts.push(end)
  return cuts
}

/** Behind the last byte of a chunk: the comma behind its rows, which it shares with the next one. */
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
  const isMatrix = words[Report.status] === ReadStatus.ok && words[Report.rank] === 2
  if (!isMatrix || words[Report.position]! >>> 0 !== to) return undefined
  return { rows: words[Report.shape]!, columns: words[Report.shape + 1]! }
}

function reportMatrix(words: Int32Array, rows: number, columns: number, end: number): void {
  words.fill(0)
  words[Report.position] = end
  words[Report.rank] = 2
  words[Report.count] = rows * columns
  words[Report.shape] = rows
  words[Report.shape + 1] = columns
}
