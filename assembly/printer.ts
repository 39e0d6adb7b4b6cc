import { Byte } from './bytes'
import { prepareF32, SLOT, writeF32 } from './print-f32'
import { writeF64 } from './print-f64'
import { shortestF32, shortestF64 } from './shortest'

/**
 * Rows of numbers as JSON text. A number is written with stores of fixed width that may reach beyond its end, but not beyond the
 * PRINT_BYTES_F32 / PRINT_BYTES_F64 that the caller reserves for each.
 */

/** `NaN"` and `Infinity` as little-endian words. */
const NAN_QUOTE: u32 = 0x224e614e
const INFINITY: u64 = 0x7974696e69666e49
/** Numbers converted at a time. */
const CHUNK: u32 = 256
const DECIMALS: usize = memory.data(256 << 3, 16)
const SLOTS: usize = memory.data(256 << 5, 16)
/** The base value of a sparse row and its comma, with room for wide stores. */
const TEXT: usize = memory.data(64, 16)

export function printRowsF32(values: usize, rows: u32, cols: u32, out: usize): usize {
  return printRows<f32>(values, rows, cols, out)
}

export function printRowsF64(values: usize, rows: u32, cols: u32, out: usize): usize {
  return printRows<f64>(values, rows, cols, out)
}

export function printSparseRowsF32(
  base: usize, labels: usize, values: usize, entries: u32, rows: u32, cols: u32, out: usize,
): usize {
  return printSparseRows<f32>(base, labels, values, entries, rows, cols, out)
}

export function printSparseRowsF64(
  base: usize, labels: usize, values: usize, entries: u32, rows: u32, cols: u32, out: usize,
): usize {
  return printSparseRows<f64>(base, labels, values, entries, rows, cols, out)
}

function printRows<T extends number>(values: usize, rows: u32, cols: u32, out: usize): usize {
  for (let row: u32 = 0; row < rows; row++) {
    out = openRow(row, out)
    for (let left = cols; left > 0; ) {
      const count = min(left, CHUNK)
      out = writeChunk<T>(values, count, out)
      values += <usize>count * sizeof<T>()
      left -= count
    }
    store<u8>(out - 1, Byte.CloseArray)
  }
  return out
}

/** Loops of few steps, so that a processor has several numbers under way in each: shortest decimals, for float32 their digits, texts. */
function writeChunk<T extends number>(values: usize, count: u32, out: usize): usize {
  const last = DECIMALS + (<usize>count << 3)
  for (let decimal = DECIMALS, value = values; decimal < last; decimal += 8, value += sizeof<T>()) {
    if (sizeof<T>() == 4) store<u64>(decimal, shortestF32(load<u32>(value) & 0x7fffffff))
    else store<u64>(decimal, shortestF64(load<u64>(value) & 0x7fffffffffffffff))
  }
  if (sizeof<T>() == 4) {
    for (let decimal = DECIMALS, slot = SLOTS; decimal < last; decimal += 8, slot += SLOT) prepareF32(load<u64>(decimal), slot)
    for (let slot = SLOTS, value = values; slot < SLOTS + <usize>count * SLOT; slot += SLOT, value += 4) out = writeOneF32(value, slot, out)
  } else {
    for (let decimal = DECIMALS, value = values; decimal < last; decimal += 8, value += 8) out = writeOneF64(value, load<u64>(decimal), out)
  }
  return out
}

function printSparseRows<T extends number>(
  base: usize, labels: usize, values: usize, entries: u32, rows: u32, cols: u32, out: usize,
): usize {
  let length: usize = 0
  // The longest run of the base value printed yet, without its last comma, which may have become a bracket.
  let run: usize = 0
  let runLength: usize = 0
  for (let row: u32 = 0; row < rows; row++, base += sizeof<T>(), labels += <usize>entries << 2, values += <usize>entries * sizeof<T>()) {
    if (row == 0 || !sameBits<T>(base, base - sizeof<T>())) {
      length = writeChunk<T>(base, 1, TEXT) - TEXT
      runLength = 0
    }
    out = openRow(row, out)
    for (let col: u32 = 0; col < cols; ) {
      const entry = firstEntry(labels, entries, col, cols)
      const label = entry < entries ? load<u32>(labels + (<usize>entry << 2)) : cols
      if (label > col) {
        const bytes = <usize>(label - col) * length
        if (runLength) repeat(out, run, runLength, bytes)
        else repeat(out, TEXT, length, bytes)
        if (bytes - length > runLength) {
          run = out
          runLength = bytes - length
        }
        out += bytes
      }
      if (entry < entries) out = writeChunk<T>(values + <usize>entry * sizeof<T>(), 1, out)
      col = label + 1
    }
    store<u8>(out - 1, Byte.CloseArray)
  }
  return out
}

// @ts-ignore: decorator
@inline
function openRow(row: u32, out: usize): usize {
  if (row > 0) store<u8>(out++, Byte.Comma)
  store<u8>(out, Byte.OpenArray)
  return out + 1
}

/** The number at `value` and a comma. */
// @ts-ignore: decorator
@inline
function writeOneF32(value: usize, slot: usize, out: usize): usize {
  const bits = load<u32>(value)
  const magnitude = bits & 0x7fffffff
  const negative = bits >> 31
  store<u8>(out, Byte.Minus)
  if (magnitude - 1 >= 0x7f800000 - 1) out = writeSpecial(magnitude == 0, magnitude > 0x7f800000, negative, out)
  else out = writeF32(slot, out + negative)
  store<u8>(out, Byte.Comma)
  return out + 1
}

// @ts-ignore: decorator
@inline
function writeOneF64(value: usize, shortest: u64, out: usize): usize {
  const bits = load<u64>(value)
  const magnitude = bits & 0x7fffffffffffffff
  const negative = <u32>(bits >> 63)
  store<u8>(out, Byte.Minus)
  if (magnitude - 1 >= 0x7ff0000000000000 - 1) out = writeSpecial(magnitude == 0, magnitude > 0x7ff0000000000000, negative, out)
  else out = writeF64(magnitude, shortest, out + negative)
  store<u8>(out, Byte.Comma)
  return out + 1
}

/** Zeros, infinities and NaN. */
function writeSpecial(isZero: bool, isNaN: bool, negative: u32, out: usize): usize {
  if (isZero) {
    out += negative
    store<u8>(out, Byte.Zero)
    return out + 1
  }
  store<u8>(out++, Byte.Quote)
  if (isNaN) {
    store<u32>(out, NAN_QUOTE)
    return out + 4
  }
  store<u8>(out, Byte.Minus)
  out += negative
  store<u64>(out, INFINITY)
  store<u8>(out, Byte.Quote, 8)
  return out + 9
}

/** The entry with the lowest label in [col, cols), or `entries`. */
function firstEntry(labels: usize, entries: u32, col: u32, cols: u32): u32 {
  let found = entries
  let lowest = <i32>cols
  for (let entry: u32 = 0; entry < entries; entry++) {
    const label = load<i32>(labels + (<usize>entry << 2))
    if (label >= <i32>col && label < lowest) {
      lowest = label
      found = entry
    }
  }
  return found
}

/** Fills `bytes` bytes with copies of [source, source + length), doubling what is there. */
function repeat(out: usize, source: usize, length: usize, bytes: usize): void {
  let done = min(length, bytes)
  memory.copy(out, source, done)
  while (done < bytes) {
    const step = min(done, bytes - done)
    memory.copy(out + done, out, step)
    done += step
  }
}

// @ts-ignore: decorator
@inline
function sameBits<T extends number>(a: usize, b: usize): bool {
  return sizeof<T>() == 4 ? load<u32>(a) == load<u32>(b) : load<u64>(a) == load<u64>(b)
}
