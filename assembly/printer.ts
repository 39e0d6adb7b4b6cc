import { Byte } from './bytes'
import { CHUNK } from './chunk'
import { prepareF32, SLOT_F32, SLOTS_F32, writeF32 } from './print-f32'
import { prepareF64, SLOT_F64, SLOTS_F64, writeF64 } from './print-f64'

/**
 * Rows of numbers as JSON text. A number is written with stores of fixed width that may reach beyond its end, but not beyond the
 * PRINT_BYTES_F32 / PRINT_BYTES_F64 that the caller reserves for each.
 */

/** `NaN"`, `",` and `Infinity` as little-endian words. */
const NAN_QUOTE: u32 = 0x224e614e
const QUOTE_COMMA: u16 = 0x2c22
const INFINITY: u64 = 0x7974696e69666e49
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

/** Chunks go over the ends of rows, which may be short. */
function printRows<T extends number>(values: usize, rows: u32, cols: u32, out: usize): usize {
  let col: u32 = 0
  for (let at: u32 = 0, total = rows * cols; at < total; ) {
    const count = min(total - at, CHUNK)
    prepare<T>(values, count)
    for (let done: u32 = 0; done < count; ) {
      if (col == 0) out = openRow(at + done, out)
      const run = min(cols - col, count - done)
      out = writeRun<T>(values, done, run, out)
      done += run
      col += run
      if (col == cols) {
        store<u8>(out - 1, Byte.CloseArray)
        col = 0
      }
    }
    values += <usize>count * sizeof<T>()
    at += count
  }
  return out
}

// @ts-ignore: decorator
@inline
function prepare<T extends number>(values: usize, count: u32): void {
  if (sizeof<T>() == 4) prepareF32(values, count)
  else prepareF64(values, count)
}

/** Numbers [first, first + count) of the chunk prepared last, whose values these are, each with a comma behind it. Two a step. */
function writeRun<T extends number>(values: usize, first: u32, count: u32, out: usize): usize {
  const size = slotSize<T>()
  let value = values + <usize>first * sizeof<T>()
  let slot = (sizeof<T>() == 4 ? SLOTS_F32 : SLOTS_F64) + <usize>first * size
  for (const end = slot + <usize>(count & ~1) * size; slot < end; slot += 2 * size, value += 2 * sizeof<T>()) {
    out = writeOne<T>(value, slot, out)
    out = writeOne<T>(value + sizeof<T>(), slot + size, out)
  }
  return count & 1 ? writeOne<T>(value, slot, out) : out
}

/** One number and a comma. */
function writeSingle<T extends number>(value: usize, out: usize): usize {
  prepare<T>(value, 1)
  return writeRun<T>(value, 0, 1, out)
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
      length = writeSingle<T>(base, TEXT) - TEXT
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
      if (entry < entries) out = writeSingle<T>(values + <usize>entry * sizeof<T>(), out)
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

// @ts-ignore: decorator
@inline
function writeOne<T extends number>(value: usize, slot: usize, out: usize): usize {
  if (sizeof<T>() == 4) {
    const bits = load<u32>(value)
    const isNegative = bits >> 31
    if (bits << 1 >= 0xff000000) return writeNamed(bits << 9 != 0, isNegative, out)
    return writeF32(isNegative, slot, out)
  } else {
    const bits = load<u64>(value)
    const isNegative = <u32>(bits >> 63)
    if (bits << 1 >= 0xffe0000000000000) return writeNamed(bits << 12 != 0, isNegative, out)
    return writeF64(bits << 1 == 0, isNegative, slot, out)
  }
}

// @ts-ignore: decorator
@inline
function slotSize<T extends number>(): usize {
  return sizeof<T>() == 4 ? SLOT_F32 : SLOT_F64
}

/** NaN or an infinity. */
function writeNamed(isNaN: bool, isNegative: u32, out: usize): usize {
  store<u8>(out++, Byte.Quote)
  if (isNaN) {
    store<u32>(out, NAN_QUOTE)
    store<u8>(out, Byte.Comma, 4)
    return out + 5
  }
  store<u8>(out, Byte.Minus)
  out += isNegative
  store<u64>(out, INFINITY)
  store<u16>(out, QUOTE_COMMA, 8)
  return out + 10
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
