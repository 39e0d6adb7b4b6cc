import { formatF32 } from '../../src/kernels/scalar-printer.ts'

/** Below 10^-343 even a mantissa of 64 bits rounds to 0; 10^324 scales the smallest subnormal to an integer. */
const MIN_POWER = -343
const MAX_POWER = 324

/** Decimal exponents (of the first digit) a float32 can have, and those JavaScript prints in plain form. */
const MIN_EXPONENT_F32 = -45
const MAX_EXPONENT_F32 = 38
const MIN_PLAIN = -6
const MAX_PLAIN = 20

/** Bytes of a printer's slot: the digits of a float32, a mark of zero, its row of LAYOUTS_F32 plus a bias. */
const DIGITS_F32 = 9
const ZERO_MARK = 14
const ROW_BIAS = 128
/** The layout of zero stands behind those of the exponents. */
const ZERO_ROW = MAX_EXPONENT_F32 + 1 - MIN_EXPONENT_F32

/** A float32 is c * 2^(exponent - 150) with its biased exponent, a subnormal one with that of the least normal one. */
const BIAS_F32 = 150
const FRACTION_BITS_F32 = 23
const NOT_FINITE = 255
/**
 * What the reach of even float32 is longer and that of odd ones shorter, in units of the last digit. More than a float64 product is
 * off where a decimal is the end of an interval (2^-25.2), less than any other decimal is away from one (2^-24.4).
 */
const END_F32 = 2 ** -25

/** Bytes of the longest float64 in plain form, and the digit from which on the last of them are taken. */
const DIGITS_F64 = 17
const BYTES_F64 = 24
const SECOND_DIGIT_F64 = 8

/** Bytes that the bulk reader moves at once, and a lane number that gives 0. */
const LANES = 16
const NO_LANE = 255

const LINE = 120

/** The top 128 bits of 10^power, rounded down. */
function powerOfTen(power: number): bigint {
  const magnitude = 10n ** BigInt(Math.abs(power))
  const bits = magnitude.toString(2).length
  if (power >= 0) return bits <= 128 ? magnitude << BigInt(128 - bits) : magnitude >> BigInt(bits - 128)
  const quotient = (1n << BigInt(bits + 127)) / magnitude
  return quotient >> 128n === 0n ? quotient : quotient >> 1n
}

/** The first bytes of a printed number in plain form: digits by their place, and others. */
function bytesOf(exponent: number, digits: number, size: number): (number | string)[] {
  const all = [...range(0, digits - 1), ...Array<string>(size - digits).fill('0')]
  const bytes = exponent < 0 ? [...`0.${'0'.repeat(-exponent - 1)}`, ...all] : all.toSpliced(exponent + 1, 0, '.')
  return bytes.slice(0, size)
}

function lanesOf(bytes: (number | string)[], first: number): number[] {
  return bytes.map((byte) => (typeof byte === 'number' ? byte - first : NO_LANE))
}

function addendOf(bytes: (number | string)[]): string {
  return bytes.map((byte) => (typeof byte === 'number' ? '0' : byte)).join('')
}

/** How many of them a number of so many digits has. */
function lengthOf(exponent: number, digits: number, size: number): number {
  if (exponent < 0) return 1 - exponent + digits
  return digits > exponent + 1 ? digits + 1 : Math.min(exponent + 1, size)
}

/** What follows: an exponent, or the zeros of a large number that 16 bytes do not hold, and a comma. */
function suffixOf(exponent: number): string {
  if (isPlain(exponent)) return `${'0'.repeat(Math.max(0, exponent + 1 - LANES))},`
  return `e${exponent < 0 ? '-' : '+'}${Math.abs(exponent)},`
}

function isPlain(exponent: number): boolean {
  return exponent >= MIN_PLAIN && exponent <= MAX_PLAIN
}

/** A row of LAYOUTS_F32. */
function layoutOf(exponent: number): number[] {
  const form = isPlain(exponent) ? exponent : 0
  const bytes = bytesOf(form, DIGITS_F32, LANES)
  const row = Buffer.alloc(4 * LANES)
  row.set(lanesOf(bytes, 0))
  row.write(addendOf(bytes), LANES)
  row.write(suffixOf(exponent), 2 * LANES)
  row.writeUInt8(suffixOf(exponent).length, 2 * LANES + 8)
  row.set(
    range(0, DIGITS_F32).map((digits) => lengthOf(form, digits, LANES)),
    3 * LANES,
  )
  return [...row]
}

/** The same of zero, which has no digits. */
function layoutOfZero(): number[] {
  return [...Array(LANES).fill(NO_LANE), ...layoutOf(0).slice(LANES)]
}

/** A row of FORMS_F64. */
function formOf(exponent: number): number[] {
  const bytes = bytesOf(exponent, DIGITS_F64, BYTES_F64)
  const row = Buffer.alloc(6 * LANES)
  row.set(lanesOf(bytes.slice(0, LANES), 0))
  row.write(addendOf(bytes.slice(0, LANES)), LANES)
  row.set(lanesOf(bytes.slice(LANES), SECOND_DIGIT_F64), 2 * LANES)
  row.write(addendOf(bytes.slice(LANES)), 3 * LANES)
  row.set(
    range(0, DIGITS_F64).map((digits) => lengthOf(exponent, digits, BYTES_F64)),
    4 * LANES,
  )
  return [...row]
}

/** An entry of SCALES_F32. */
function scaleOf(kind: 'even' | 'odd' | 'power', biased: number): string[] {
  if (biased === NOT_FINITE) return entryOf(0, 0, 0)
  const exponent = Math.max(biased, 1) - BIAS_F32
  if (kind === 'power')
    return biased === 0 ? entryOf(0, -1, ZERO_ROW + ZERO_MARK, 1) : powerOfTwo(2 ** (exponent + FRACTION_BITS_F32))
  const scale = Math.floor(exponent * Math.log10(2))
  const half = 2 ** (exponent - 1) / Number(`1e${scale}`)
  return entryOf(roundedUp(-scale), kind === 'even' ? half + END_F32 : half - END_F32, rowOf(scale))
}

function powerOfTwo(value: number): string[] {
  const [digits, exponent] = Number(formatF32(value)).toExponential().replace('.', '').split('e') as [string, string]
  return entryOf(Number(digits) / value, -1, rowOf(Number(exponent) - digits.length + 1))
}

/** The row of LAYOUTS_F32 for the first of nine digits. */
function rowOf(scale: number): number {
  return scale + DIGITS_F32 - 1 - MIN_EXPONENT_F32
}

function entryOf(factor: number, reach: number, row: number, mark = 0): string[] {
  const words = new BigUint64Array(Float64Array.of(factor, reach).buffer)
  const bytes = (BigInt(row + ROW_BIAS) << 8n) | BigInt(mark)
  return [hex(words[0]!, 8), hex((words[1]! & ~0xffffn) | bytes, 8)]
}

/** 10^power as float64, rounded up. */
function roundedUp(power: number): number {
  const top = powerOfTen(power)
  const isExact = power >= 0 && top % 2n ** 75n === 0n
  return Number((top >> 75n) + (isExact ? 0n : 1n)) * 2 ** (Math.floor(power * Math.log2(10)) - 52)
}

/**
 * The lanes that move the digits of a number without sign to the end of 16 lanes; `point` is the place of its point, or `length`. Where
 * the point has no digit before or behind it, it is moved too, and fails as a digit.
 */
function movesOf(length: number, point: number): number[] {
  const misplaced = point === 0 || point === length - 1
  if (misplaced) return Array(LANES).fill(point)
  const digits = range(0, length - 1).filter((lane) => lane !== point)
  return [...Array(LANES - digits.length).fill(NO_LANE), ...digits]
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function wordsOf(bytes: number[]): string[] {
  const buffer = Buffer.from(bytes)
  return range(0, bytes.length / 8 - 1).map((word) => hex(buffer.readBigUInt64LE(8 * word), 8))
}

function hex(value: bigint | number, bytes: number): string {
  return `0x${value.toString(16).padStart(2 * bytes, '0')}`
}

function table(doc: string, name: string, type: string, items: string[]): string {
  const lines: string[] = []
  let line = ' '
  for (const item of items) {
    if (line.length + item.length + 2 > LINE) {
      lines.push(line)
      line = ' '
    }
    line += ` ${item},`
  }
  return `/** ${doc} */\nexport const ${name}: usize = memory.data<${type}>([\n${[...lines, line].join('\n')}\n])\n`
}

const powers = range(MIN_POWER, MAX_POWER).map(powerOfTen)
const moves = range(0, LANES * LANES + LANES).map((row) => {
  const length = Math.min(Math.floor(row / LANES), LANES)
  const point = row - LANES * length
  return point > length ? Array(LANES).fill(NO_LANE) : movesOf(length, point)
})
const scales = (['even', 'odd', 'power'] as const).flatMap((kind) =>
  range(0, NOT_FINITE).flatMap((biased) => scaleOf(kind, biased)),
)
const layouts = [...range(MIN_EXPONENT_F32, MAX_EXPONENT_F32).map(layoutOf), layoutOfZero()]
const forms = [...range(MIN_PLAIN, MAX_PLAIN), 0].map(formOf)

const text = [
  '// Generated by scripts/generate.ts.\n',
  `export const MIN_POWER: i32 = ${MIN_POWER}`,
  `export const MAX_POWER: i32 = ${MAX_POWER}\n`,
  table(
    'The top 128 bits of 10^q from MIN_POWER to MAX_POWER, rounded down: high word, low word.',
    'POWERS',
    'u64',
    powers.flatMap((power) => [hex(power >> 64n, 8), hex(power & 0xffff_ffff_ffff_ffffn, 8)]),
  ),
  table(
    'Of the even, the odd and the powers of two among float32, by biased exponent, see shortest-f32.ts: factor, reach.',
    'SCALES_F32',
    'u64',
    scales,
  ),
  table(
    'Rows of 64 bytes by decimal exponent of a float32, from the least one, and at last of zero: see print-f32.ts.',
    'LAYOUTS_F32',
    'u64',
    layouts.flatMap(wordsOf),
  ),
  table(
    'Rows of 96 bytes by decimal exponent of a float64 in plain form, and at last of exponent form: see print-f64.ts.',
    'FORMS_F64',
    'u64',
    forms.flatMap(wordsOf),
  ),
  table(
    'Row 16 * length + point: the lane numbers that move the digits of a number to the end of 16 lanes; 255 gives 0.',
    'MOVES',
    'u64',
    moves.flatMap(wordsOf),
  ),
]
/** `assembly/tables.ts`: the constants of the number reader and printer. */
export function kernelTables(): string {
  return text.join('\n')
}
