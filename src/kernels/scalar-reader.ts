import { MAX_RANK, REPORT_WORDS, ReadStatus, Report } from './contract.ts'
import {
  CLOSE_ARRAY,
  COMMA,
  isNumberStart,
  OPEN_ARRAY,
  peek,
  type Scanner,
  skipNested,
  skipSpace,
  skipValue,
  take,
} from './scalar-scanner.ts'

/** `got` of a ragged report where it is no length. */
const GOT_NUMBER = -1
const GOT_ARRAY = -2

const QUOTED_NUMBERS = new Map([
  ['"NaN"', Number.NaN],
  ['"Infinity"', Number.POSITIVE_INFINITY],
  ['"-Infinity"', Number.NEGATIVE_INFINITY],
])
const LONGEST_QUOTED = '"-Infinity"'.length

/** Where the reader is in the tensor. The outermost value has depth 0; an array at depth d holds elements of depth d + 1. */
interface Place {
  depth: number
  /** Depth of the numbers, -1 until the first number or empty array fixes it. */
  rank: number
  /** Length of the arrays at each depth, -1 until the first one is closed. */
  readonly lengths: number[]
  /** Elements read so far of the open array at each depth: the indices of the element being read. */
  readonly indices: number[]
  /** Pointer to the open array at each depth. */
  readonly starts: number[]
}

/** The words of a report that aren't 0. */
type Outcome = Partial<Record<Exclude<keyof typeof Report, 'path' | 'shape'>, number>> & {
  readonly path?: readonly number[]
  readonly shape?: readonly number[]
}

/** See `NumberCodec.readArrayF32`. A row's length is checked at its closing bracket, everything else at the element itself. */
export function readArray(
  s: Scanner,
  values: Float32Array | Float64Array,
  round: (value: number) => number,
  report: Int32Array,
): void {
  write(report, read(s, values, round))
}

/** See `NumberCodec.skipValue`. */
export function skipWholeValue(s: Scanner, report: Int32Array): void {
  write(report, skipValue(s) ? { position: s.at } : syntaxAt(s))
}

function read(s: Scanner, values: Float32Array | Float64Array, round: (value: number) => number): Outcome {
  const place: Place = { depth: 0, rank: -1, lengths: Array(MAX_RANK).fill(-1), indices: [], starts: [] }
  let count = 0
  for (;;) {
    skipSpace(s)
    const token = s.at
    const mayNest = place.rank === -1 ? place.depth < MAX_RANK : place.depth < place.rank
    if (mayNest && take(s, OPEN_ARRAY)) {
      place.indices[place.depth] = 0
      place.starts[place.depth] = token
      place.depth++
      skipSpace(s)
      if (peek(s) !== CLOSE_ARRAY) continue
      if (place.rank === -1) place.rank = place.depth
    } else {
      if (!skipValue(s)) return syntaxAt(s)
      const value = numberIn(s, token)
      if (s.bytes[token] === OPEN_ARRAY) {
        if (place.rank === -1) return faultAfter(s, place, token, { status: ReadStatus.tooDeep })
        return faultAfter(s, place, token, { status: ReadStatus.ragged, got: GOT_ARRAY })
      }
      if (value === undefined) return faultAfter(s, place, token, { status: ReadStatus.notANumber })
      if (place.rank === -1) place.rank = place.depth
      if (place.depth !== place.rank) {
        const expected = place.lengths[place.depth]!
        return faultAfter(s, place, token, { status: ReadStatus.ragged, expected, got: GOT_NUMBER })
      }
      const rounded = round(value)
      if (!Number.isFinite(rounded) && isNumberStart(s.bytes[token]!)) {
        return faultAfter(s, place, token, { status: ReadStatus.outOfRange })
      }
      values[count++] = rounded
      if (place.depth > 0) place.indices[place.depth - 1]!++
    }
    while (place.depth > 0) {
      skipSpace(s)
      if (take(s, COMMA)) break
      if (!take(s, CLOSE_ARRAY)) return syntaxAt(s)
      place.depth--
      const got = place.indices[place.depth]!
      const expected = place.lengths[place.depth]!
      if (expected === -1) place.lengths[place.depth] = got
      else if (got !== expected) {
        return faultAfter(s, place, place.starts[place.depth]!, { status: ReadStatus.ragged, expected, got })
      }
      if (place.depth > 0) place.indices[place.depth - 1]!++
    }
    if (place.depth === 0) {
      return { position: s.at, rank: place.rank, count, shape: place.lengths.slice(0, place.rank) }
    }
  }
}

/** What the token up to the cursor stands for; undefined if it is no number. */
function numberIn(s: Scanner, token: number): number | undefined {
  if (isNumberStart(s.bytes[token]!)) return Number(textOf(s, token))
  return s.at - token > LONGEST_QUOTED ? undefined : QUOTED_NUMBERS.get(textOf(s, token))
}

function textOf(s: Scanner, token: number): string {
  return Buffer.from(s.bytes.buffer, s.bytes.byteOffset + token, s.at - token).toString('latin1')
}

/** A fault of the element that ends at the cursor, unless what follows it isn't even JSON. */
function faultAfter(s: Scanner, place: Place, token: number, fault: Outcome): Outcome {
  const path = place.indices.slice(0, place.depth)
  const tokenEnd = s.at
  if (!skipNested(s, place.depth, true)) return syntaxAt(s)
  return { position: s.at, path, pathLength: path.length, token, tokenEnd, ...fault }
}

function syntaxAt(s: Scanner): Outcome {
  return { status: ReadStatus.syntax, position: s.at }
}

function write(report: Int32Array, outcome: Outcome): void {
  report.fill(0, 0, REPORT_WORDS)
  for (const [word, value] of Object.entries(outcome) as [keyof typeof Report, number | readonly number[]][]) {
    if (typeof value === 'number') report[Report[word]] = value
    else report.set(value, Report[word])
  }
}
