/** A number as the codec prints it, see `NumberCodec.printRowsF32`. */
type Format = (value: number) => string

/** Digits that always suffice to tell a float32 from its neighbours. */
const MAX_DIGITS_F32 = 9
/** Digits after the first that give a float32's decimal expansion whole, or all of it that can decide a rounding. */
const EXACT_DIGITS = 100

/** Shortest decimal of a float64: the engine's own, by ECMA-262 Number::toString. */
export function formatF64(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0' : String(value)
}

/**
 * Shortest decimal of a float32, by the rule ECMA-262 has for float64 (Number::toString): the fewest digits that read back, then the
 * closest, then the even one. With p digits only the two neighbours of the value can be the closest, so they are all that is tried.
 */
export function formatF32(value: number): string {
  if (!Number.isFinite(value) || value === 0) return formatF64(value)
  const magnitude = Math.abs(value)
  const [mantissa, exponent] = magnitude.toExponential(EXACT_DIGITS).split('e') as [string, string]
  const exact = mantissa.replace('.', '')
  for (let count = 1; count < MAX_DIGITS_F32; count++) {
    const scale = Number(exponent) - count + 1
    const below = Number(exact.slice(0, count))
    const readsBack = (digits: number) => Math.fround(Number(`${digits}e${scale}`)) === magnitude
    const fits = [below, below + 1].filter(readsBack)
    if (fits.length > 0) return signed(value, fits.length === 1 ? fits[0]! : closest(below, exact.slice(count)), scale)
  }
  return signed(
    value,
    Number(
      magnitude
        .toExponential(MAX_DIGITS_F32 - 1)
        .split('e')[0]!
        .replace('.', ''),
    ),
    Number(exponent) - 8,
  )
}

/** `below` or its successor, by the digits that follow it. */
function closest(below: number, rest: string): number {
  const half = '5'.padEnd(rest.length, '0')
  if (rest !== half) return rest < half ? below : below + 1
  return below % 2 === 0 ? below : below + 1
}

function signed(value: number, digits: number, scale: number): string {
  return (value < 0 ? '-' : '') + numberForm(String(digits), scale)
}

/** digits * 10^scale in JavaScript's choice of plain or exponent form. */
function numberForm(digits: string, scale: number): string {
  const point = digits.length + scale
  const kept = digits.replace(/0+$/, '')
  if (point > 21 || point <= -6) {
    const sign = point > 0 ? '+' : '-'
    return `${kept[0]}${kept.length > 1 ? '.' : ''}${kept.slice(1)}e${sign}${Math.abs(point - 1)}`
  }
  if (point <= 0) return `0.${'0'.repeat(-point)}${kept}`
  if (kept.length <= point) return kept.padEnd(point, '0')
  return `${kept.slice(0, point)}.${kept.slice(point)}`
}

/** [rows, cols] as `[a,b],[c,d]`; returns the pointer behind it. */
export function printRows(
  format: Format,
  values: ArrayLike<number>,
  rows: number,
  cols: number,
  bytes: Uint8Array,
  out: number,
): number {
  return join(rows, bytes, out, (row, printed) => {
    for (let col = 0; col < cols; col++) printed.push(format(values[row * cols + col]!))
  })
}

/** The same for rows that are `base` everywhere but at their labels. */
export function printSparseRows(
  format: Format,
  base: ArrayLike<number>,
  labels: ArrayLike<number>,
  values: ArrayLike<number>,
  entries: number,
  rows: number,
  cols: number,
  bytes: Uint8Array,
  out: number,
): number {
  return join(rows, bytes, out, (row, printed) => {
    const text = format(base[row]!)
    for (let col = 0; col < cols; col++) printed.push(text)
    for (let entry = row * entries; entry < (row + 1) * entries; entry++) {
      if (labels[entry]! >= 0) printed[labels[entry]!] = format(values[entry]!)
    }
  })
}

function join(rows: number, bytes: Uint8Array, out: number, fill: (row: number, printed: string[]) => void): number {
  const encoder = new TextEncoder()
  let at = out
  for (let row = 0; row < rows; row++) {
    const printed: string[] = []
    fill(row, printed)
    at += encoder.encodeInto(`${row === 0 ? '' : ','}[${printed.join(',')}]`, bytes.subarray(at)).written
  }
  return at
}
