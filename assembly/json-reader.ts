import { Byte, isDigit, peek, skipSpace } from './bytes'
import { readNumbers, startIndex } from './bulk'
import { readNumber } from './decimal'
import { fault, skipAny, skipNested, skipNumber } from './grammar'
import { get, INDICES, LENGTHS, MAX_RANK, place, resetPlace, set, STARTS, UNKNOWN } from './place'
import {
  GOT_ARRAY, GOT_NUMBER, NOT_A_NUMBER, OUT_OF_RANGE, RAGGED, reportFault, reportPosition, reportSyntax, reportTensor, TOO_DEEP,
} from './report'

/**
 * Nested arrays of numbers, read element by element wherever anything but a plain run of numbers is met; runs go to bulk.ts. A row's
 * length is checked at its closing bracket, everything else at the element itself. See NumberCodec in src/kernels/contract.ts.
 */

/** Length of "-Infinity" with its quotes. */
const LONGEST_QUOTED: usize = 11
/** `NaN"`, `Infi` and `nity"` as little-endian words. */
const NAN_QUOTE: u32 = 0x224e614e
const INFI: u32 = 0x69666e49
const NITY: u32 = 0x7974696e

export function skipValue(text: usize, end: usize, report: usize): void {
  const at = skipAny(text, end)
  if (at) reportPosition(report, at)
  else reportSyntax(report)
}

export function readArray<T extends number>(text: usize, end: usize, values: usize, report: usize): void {
  resetPlace(text, end, values, sizeof<T>(), report)
  startIndex()
  let at = seekNumber<T>(text, false)
  while (at) {
    at = readNumbers<T>(at)
    if (at) at = seekNumber<T>(at, true)
  }
}

/** One number of any form at `at`, stored; gives the pointer behind it, or 0 when the report is written. */
export function readOne<T extends number>(at: usize): usize {
  const behind = skipNumber(at, place.end)
  if (!behind) return stop()
  const value = <T>readNumber(at, behind)
  if (!isFinite(value)) return stopAfter(OUT_OF_RANGE, at, behind, 0, 0)
  store<T>(place.out, value)
  place.out += sizeof<T>()
  return behind
}

/**
 * From an element on, or from behind one, to the next number that stands where numbers belong; reads what is quoted on the way. Gives
 * its pointer, or 0 when the report is written.
 */
function seekNumber<T extends number>(at: usize, behindElement: bool): usize {
  const end = place.end
  let behind = behindElement
  while (true) {
    if (behind) {
      at = closeArrays<T>(at)
      if (!at) return 0
    }
    behind = true
    at = skipSpace(at, end)
    const byte = peek(at, end)
    if (byte == Byte.OpenArray) {
      if (place.depth == (place.rank == UNKNOWN ? MAX_RANK : place.rank)) return stopAtArray(at)
      set(INDICES, place.depth, 0)
      set(STARTS, place.depth, <u32>at)
      place.depth++
      place.row = place.out
      at = skipSpace(at + 1, end)
      if (peek(at, end) != Byte.CloseArray) behind = false
      else if (place.rank == UNKNOWN) place.rank = place.depth
      continue
    }
    const plain = byte == Byte.Minus || isDigit(byte)
    if (plain && place.depth == place.rank) return at
    const tokenEnd = skipAny(at, end)
    if (!tokenEnd) return stop()
    if (!plain && !isQuotedNumber(at, tokenEnd)) return stopAfter(NOT_A_NUMBER, at, tokenEnd, 0, 0)
    if (place.rank == UNKNOWN) place.rank = place.depth
    if (place.depth != place.rank) return stopAfter(RAGGED, at, tokenEnd, get(LENGTHS, place.depth), GOT_NUMBER)
    if (plain) return at
    store<T>(place.out, <T>quotedNumber(at))
    place.out += sizeof<T>()
    at = tokenEnd
  }
}

/** From behind an element to the next one's place; 0 at the end of the value or at a fault, when the report is written. */
function closeArrays<T extends number>(at: usize): usize {
  const end = place.end
  while (place.depth > 0) {
    const depth = place.depth - 1
    const innermost = place.depth == place.rank
    at = skipSpace(at, end)
    const byte = peek(at, end)
    if (byte == Byte.Comma) return at + 1
    if (byte != Byte.CloseArray) {
      fault(at)
      return stop()
    }
    at++
    place.depth = depth
    const got = innermost ? <u32>((place.out - place.row) / sizeof<T>()) : get(INDICES, depth)
    const expected = get(LENGTHS, depth)
    if (expected == UNKNOWN) set(LENGTHS, depth, got)
    else if (got != expected) return stopAfter(RAGGED, get(STARTS, depth), at, expected, got)
    if (depth > 0) set(INDICES, depth - 1, get(INDICES, depth - 1) + 1)
  }
  reportTensor(place.report, at, place.rank, <u32>((place.out - place.values) / sizeof<T>()), LENGTHS)
  return 0
}

function stop(): usize {
  reportSyntax(place.report)
  return 0
}

function stopAtArray(at: usize): usize {
  const tokenEnd = skipAny(at, place.end)
  if (!tokenEnd) return stop()
  return place.rank == UNKNOWN ? stopAfter(TOO_DEEP, at, tokenEnd, 0, 0) : stopAfter(RAGGED, at, tokenEnd, 0, GOT_ARRAY)
}

/** Reports a fault of the element [token, tokenEnd), unless what follows it isn't even JSON. */
function stopAfter(status: u32, token: usize, tokenEnd: usize, expected: u32, got: u32): usize {
  const depth = place.depth
  if (depth > 0 && depth == place.rank) set(INDICES, depth - 1, <u32>((place.out - place.row) / place.elementBytes))
  const at = skipNested(tokenEnd, place.end, depth, true)
  if (!at) return stop()
  reportFault(place.report, status, at, depth, INDICES, expected, got, token, tokenEnd)
  return 0
}

function isQuotedNumber(at: usize, end: usize): bool {
  const length = end - at
  if (load<u8>(at) != Byte.Quote || length < 5 || length > LONGEST_QUOTED) return false
  if (length == 5) return load<u32>(at + 1) == NAN_QUOTE
  const word = length == 11 && load<u8>(at + 1) == Byte.Minus ? at + 2 : at + 1
  return end - word == 9 && load<u32>(word) == INFI && load<u32>(word + 4) == NITY
}

function quotedNumber(at: usize): f64 {
  const first: u32 = load<u8>(at + 1)
  return first == 0x4e ? NaN : first == Byte.Minus ? -Infinity : Infinity
}
