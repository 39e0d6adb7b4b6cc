import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type NumberCodec, ReadStatus } from '../../src/kernels/contract.ts'
import { createDesk, type ElementType } from './codec-desk.ts'
import { below, exactDecimal, INVALID, NUMBERS, pick, randomNumber, randomOf, VALID } from './number-texts.ts'

const TYPES: readonly ElementType[] = ['F32', 'F64']
const ROUND = { F32: Math.fround, F64: (value: number) => value }
/** Bytes that would change a number, a string or a structure if they were read. */
const NEIGHBOURS = [...'9.e-"\\],[ }'].map((letter) => letter.charCodeAt(0))

/**
 * What every number codec does, see `NumberCodec`.
 *
 * @param samples how many random numbers the properties look at
 */
export function describeNumberCodec(
  name: string,
  create: (memory: WebAssembly.Memory) => NumberCodec,
  samples: number,
): void {
  const desk = createDesk(create)
  const seed = Number(process.env.LOSSD_FUZZ_SEED ?? Date.now() % 2 ** 31)

  function expectRead(type: ElementType, text: string, what = text): void {
    const value = JSON.parse(text) as unknown
    const flat = [value].flat(8) as number[]
    const reading = desk.read(type, text)
    expect(reading.status, `status of ${what}`).toBe(ReadStatus.ok)
    expect(reading.values, what).toEqual(flat.map(ROUND[type]))
  }

  describe(`${name} reads`, () => {
    for (const type of TYPES) {
      test.each(NUMBERS)(`${type} %s as JSON.parse does`, (number) => {
        if (!Number.isFinite(ROUND[type](Number(number)))) return
        expectRead(type, `[${number}]`)
        expectRead(type, `[${'8,'.repeat(20)}${number.startsWith('-') ? number : `-${number}`}${',8'.repeat(40)}]`)
      })

      test(`${type} points halfway between neighbours, and decimals just beside them`, () => {
        const random = randomOf(seed)
        const bits = new DataView(new ArrayBuffer(8))
        for (let sample = 0; sample < 200; sample++) {
          bits.setBigUint64(0, (BigInt(below(random, 2 ** 31)) << 32n) | BigInt(below(random, 2 ** 32)))
          if (sample < 20) bits.setUint16(0, sample >> 1)
          const exponent = (bits.getUint16(0) >> 4) & 0x7ff
          if (exponent === 0x7ff) continue
          const fraction = bits.getBigUint64(0) & ((1n << 52n) - 1n)
          const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n)
          const halfway = exactDecimal(2n * mantissa + 1n, Math.max(exponent, 1) - 1076)
          const point = halfway.includes('.') ? '' : '.'
          for (const text of [halfway, `${halfway}${point}0000001`, `${halfway.slice(0, -1)}49999`]) {
            if (Number.isFinite(ROUND[type](Number(text)))) expectRead(type, `[${text}]`, `seed ${seed}: ${text}`)
          }
        }
      })

      test(`${type} random numbers in random forms as JSON.parse does`, () => {
        fc.assert(
          fc.property(fc.integer(), fc.integer({ min: 1, max: 60 }), (inner, count) => {
            const random = randomOf(inner)
            const finite = Array.from({ length: count }, () => randomNumber(random)).filter((text) =>
              Number.isFinite(ROUND[type](Number(text))),
            )
            if (finite.length > 0) expectRead(type, `[${finite.join(pick(random, [',', ', ', ' , ', ',\n']))}]`)
          }),
          { seed, numRuns: samples / 200 },
        )
      })

      test(`${type} refuses a number that overflows, with its place`, () => {
        const overflowing = ['0.1e400', '1e999', '-1e400', '1.7976931348623159e308', `1${'0'.repeat(400)}`]
        if (type === 'F32')
          overflowing.push('1e39', '3.4028235677973366e38', '-3.40282356779733661637539395458142568448e38')
        for (const number of overflowing) {
          const reading = desk.read(type, `[[1, 2], [3, ${number}], "x"] `)
          const token = [13, 13 + number.length]
          const position = number.length + 20
          expect(reading, number).toMatchObject({ status: ReadStatus.outOfRange, path: [1, 1], token, position })
        }
      })

      test(`${type} the quoted names of what JSON has no number for, and no others`, () => {
        const text = '["NaN", 1, "Infinity", "-Infinity", 2]'
        expect(desk.read(type, text).values).toEqual([
          Number.NaN,
          1,
          Number.POSITIVE_INFINITY,
          Number.NEGATIVE_INFINITY,
          2,
        ])
        expect(desk.read(type, '"NaN"')).toMatchObject({ status: ReadStatus.ok, shape: [], values: [Number.NaN] })
        for (const other of [
          '"nan"',
          '"-NaN"',
          '"+Infinity"',
          '"Infinit"',
          '"Infinityy"',
          '"\\u004eaN"',
          '"NaN "',
          '""',
          '"1"',
        ]) {
          const token = [1, 1 + other.length]
          expect(desk.read(type, `[${other}]`), other).toMatchObject({
            status: ReadStatus.notANumber,
            path: [0],
            token,
          })
        }
      })

      test(`${type} shapes up to 8 dimensions, empty ones too`, () => {
        const shapes = [
          '1',
          '[]',
          '[[]]',
          '[[],[]]',
          '[1,2,3]',
          '[[1,2],[3,4],[5,6]]',
          '[[[1],[2]],[[3],[4]]]',
          '[[[],[]]]',
        ]
        const expected = [[], [0], [1, 0], [2, 0], [3], [3, 2], [2, 2, 1], [1, 2, 0]]
        expect(shapes.map((text) => desk.read(type, text).shape)).toEqual(expected)
        const deep = desk.read(type, `${'['.repeat(8)}7${']'.repeat(8)}`)
        expect(deep).toMatchObject({ status: ReadStatus.ok, shape: Array(8).fill(1), values: [7] })
      })

      test(`${type} rows of every length with every separator`, () => {
        const random = randomOf(seed)
        for (const separator of [',', ', ', ' ,', '\n,\t']) {
          for (const rows of [1, 2, 3, 30]) {
            for (const cols of [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 70]) {
              const row = () =>
                `[${Array.from({ length: cols }, () => Math.fround(random() * 20 - 10)).join(separator)}]`
              const text = `[${Array.from({ length: rows }, row).join(separator)}]`
              expectRead(type, text, `seed ${seed}: ${rows}x${cols} by ${JSON.stringify(separator)}`)
              expect(desk.read(type, text).shape).toEqual([rows, cols])
            }
          }
        }
      })
    }

    test('faults with the path of the element, its bytes and the end of the value', () => {
      const cases: [string, object][] = [
        ['[[1,2],[3]]', { status: ReadStatus.ragged, path: [1], expected: 2, got: 1, token: [7, 10] }],
        ['[[1,2],[3,4,5],[6]]', { status: ReadStatus.ragged, path: [1], expected: 2, got: 3, token: [7, 14] }],
        ['[[1,2],[3,4],[]]', { status: ReadStatus.ragged, path: [2], expected: 2, got: 0, token: [13, 15] }],
        ['[[],[1]]', { status: ReadStatus.ragged, path: [1], expected: 0, got: 1, token: [4, 7] }],
        ['[[[1]],[]]', { status: ReadStatus.ragged, path: [1], expected: 1, got: 0, token: [7, 9] }],
        ['[[1,2],3]', { status: ReadStatus.ragged, path: [1], expected: 2, got: -1, token: [7, 8] }],
        ['[[1,2],"NaN"]', { status: ReadStatus.ragged, path: [1], expected: 2, got: -1, token: [7, 12] }],
        ['[[1,2],1e999]', { status: ReadStatus.ragged, path: [1], expected: 2, got: -1, token: [7, 12] }],
        ['[1,[2, {}],3]', { status: ReadStatus.ragged, path: [1], expected: 0, got: -2, token: [3, 10] }],
        ['[[1],[[]]]', { status: ReadStatus.ragged, path: [1, 0], expected: 0, got: -2, token: [6, 8] }],
        ['null', { status: ReadStatus.notANumber, path: [], token: [0, 4] }],
        ['[[1,2],null]', { status: ReadStatus.notANumber, path: [1], token: [7, 11] }],
        ['[[1,2],[3,{"a":[1,"]"]}]]', { status: ReadStatus.notANumber, path: [1, 1], token: [10, 23] }],
        ['[[1,2],[3,4,true]]', { status: ReadStatus.notANumber, path: [1, 2], token: [12, 16] }],
        ['[[[[[[[[[1]]]]]]]]]', { status: ReadStatus.tooDeep, path: Array(8).fill(0), token: [8, 11] }],
        ['[[[[[[[[[]]]]]]]]]', { status: ReadStatus.tooDeep, path: Array(8).fill(0), token: [8, 10] }],
      ]
      for (const type of TYPES) {
        for (const [text, expected] of cases) {
          const reading = desk.read(type, `${text},9`)
          expect(reading, text).toMatchObject({ position: text.length, values: [], ...expected })
        }
      }
    })

    test('the first of several faults, unless the text is not JSON at all', () => {
      expect(desk.read('F32', '[1,null,[2],1e99]')).toMatchObject({
        status: ReadStatus.notANumber,
        path: [1],
        position: 17,
      })
      expect(desk.read('F32', '[1,null,[2}')).toMatchObject({ status: ReadStatus.syntax, position: 10 })
      expect(desk.read('F32', '[1,null,"\\x"]')).toMatchObject({ status: ReadStatus.syntax, position: 10 })
      expect(desk.read('F32', '[1,null')).toMatchObject({ status: ReadStatus.syntax, position: 7 })
    })

    test('the path of a fault far into a tensor', () => {
      const rows = Array.from({ length: 300 }, (_, row) => Array.from({ length: 50 }, (_, col) => row + col / 64))
      const text = JSON.stringify(rows).replace(`${217 + 33 / 64}`, '"x"')
      expect(desk.read('F64', text)).toMatchObject({ status: ReadStatus.notANumber, path: [217, 33] })
    })

    test('no byte outside the text, whatever is around it and wherever it starts', () => {
      const texts = [
        '7',
        '-1.5',
        '[1,2]',
        '[1.25,-3e2,"NaN"]',
        `[${'1.2345678,'.repeat(30)}0.5]`,
        `[0.12345678901234567,${'9'.repeat(18)}]`,
      ]
      for (const type of TYPES) {
        for (const text of texts) {
          const expected = desk.read(type, text)
          for (const around of NEIGHBOURS) {
            for (let offset = 0; offset < 17; offset++) expect(desk.read(type, text, around, offset)).toEqual(expected)
          }
        }
      }
    })

    test('a text broken off at any byte as a fault at its end', () => {
      const text = ' [[1.5, -2e-3, 1234567890.12345678901], ["NaN", 0, null], {"a\\u00e9\\n": [true, false]}]'
      for (let length = 0; length < text.length; length++) {
        const cut = text.slice(0, length)
        for (const around of NEIGHBOURS) {
          expect(desk.read('F32', cut, around), cut).toMatchObject({ status: ReadStatus.syntax, position: length })
          expect(desk.skip(cut, around), cut).toEqual({ status: ReadStatus.syntax, position: length })
        }
      }
      const plain = `[${'-1.2345,'.repeat(40)}1]`
      for (let length = 1; length < plain.length; length++) {
        const cut = plain.slice(0, length)
        expect(desk.read('F32', cut, 0x39), cut).toMatchObject({ status: ReadStatus.syntax, position: length })
      }
    })
  })

  describe(`${name} skips`, () => {
    test.each(Object.entries(VALID))('%s', (_, text) => {
      expect(() => JSON.parse(text)).not.toThrow()
      expect(desk.skip(text)).toEqual({ status: ReadStatus.ok, position: byteLength(text.trimEnd()) })
    })

    test.each(Object.entries(INVALID))('not %s', (_, [text, position]) => {
      expect(() => JSON.parse(text)).toThrow()
      expect(desk.skip(text)).toEqual({ status: ReadStatus.syntax, position })
      for (const type of TYPES) expect(desk.read(type, text)).toMatchObject({ status: ReadStatus.syntax, position })
    })

    test('strings with bytes that are not UTF-8: that is for their decoder', () => {
      const bytes = Uint8Array.of(0x22, 0xff, 0x80, 0xc3, 0x22)
      expect(desk.skip(bytes)).toEqual({ status: ReadStatus.ok, position: 5 })
      expect(desk.skip(Uint8Array.of(0x5b, 0x80, 0x5d))).toEqual({ status: ReadStatus.syntax, position: 1 })
    })

    test('up to the first byte behind the value', () => {
      expect(desk.skip('{"a":1}}')).toEqual({ status: ReadStatus.ok, position: 7 })
      expect(desk.skip('01')).toEqual({ status: ReadStatus.ok, position: 1 })
      expect(desk.skip('"a""b"')).toEqual({ status: ReadStatus.ok, position: 3 })
    })

    test('100000 brackets, open or closed', () => {
      const open = '['.repeat(100_000)
      expect(desk.skip(open)).toEqual({ status: ReadStatus.syntax, position: 100_000 })
      expect(desk.skip(`${open}${']'.repeat(100_000)}`)).toEqual({ status: ReadStatus.ok, position: 200_000 })
      expect(desk.read('F32', open)).toMatchObject({ status: ReadStatus.syntax, position: 100_000 })
      const reading = desk.read('F32', `[1,${open}${']'.repeat(100_000)}]`)
      expect(reading).toMatchObject({ status: ReadStatus.ragged, path: [1], got: -2, position: 200_004 })
    })

    test('more levels than any fixed stack holds, and still knows which bracket closes which', () => {
      const levels = 3_500_000
      const { opened, closed } = deepText(levels, seed)
      const text = Buffer.concat([opened, closed])
      expect(desk.skip(text), `seed ${seed}`).toEqual({ status: ReadStatus.ok, position: text.length })
      for (const level of [0, 1, 1 << 20, (1 << 20) + 1, 2 << 20, levels - 1]) {
        const at = text.length - 1 - level
        const right = text[at]!
        text[at] = right === 0x5d ? 0x7d : 0x5d
        expect(desk.skip(text), `seed ${seed}`).toEqual({ status: ReadStatus.syntax, position: at })
        text[at] = right
      }
    })
  })

  describe(`${name} prints`, () => {
    const special = [
      0,
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      1,
      -1,
      10,
      100,
      0.1,
      1e20,
      1e21,
      123456789,
    ]
    const small = [
      1e-5,
      1e-6,
      1e-7,
      1.5e-7,
      0.000012345,
      5e-324,
      1e-323,
      2 ** -149,
      2 ** -126,
      2 ** -1022,
      1e-10,
      1e-100,
    ]
    const large = [
      1e15,
      1e16,
      1e17,
      123456789012345680000,
      2 ** 60,
      3.4028234663852886e38,
      1.7976931348623157e308,
      1e100,
      1e22,
    ]

    test('zeros, names, and both sides of every change of form', () => {
      const values = [...special, ...small, ...large].flatMap((value) => [value, -value])
      expect(desk.print('F64', values, 1, values.length)).toBe(`[${values.map(textOfF64).join(',')}]`)
      const singles = values.map(Math.fround).filter(Number.isFinite)
      for (const text of desk.print('F32', singles, 1, singles.length).slice(1, -1).split(',')) {
        expect(text).toMatch(/^-?(\d{1,21}|\d+\.\d*[1-9]|0\.0{0,5}[1-9]\d*|\d(\.\d*[1-9])?e[+-]\d+)$/)
      }
    })

    test('float32 by known shortest decimals', () => {
      const known = [
        '0.1',
        '0.3',
        '1e-45',
        '3.4028235e+38',
        '16777216',
        '1.1754944e-38',
        '9.999999e-8',
        '0.000001',
        '2097152.2',
      ]
      known.push(
        '33554432',
        '1.2345679e+30',
        '7.0385307e-26',
        '7.038531e-26',
        '123456790',
        '1e+21',
        '100000000000000000000',
      )
      const values = known.map(Number).map(Math.fround)
      expect(desk.print('F32', values, 1, values.length)).toBe(`[${known.join(',')}]`)
      expect(desk.print('F32', [2097152.25, 2097152.75], 1, 2)).toBe('[2097152.2,2097152.8]')
    })

    test('each number as it prints alone, wherever among others it stands', () => {
      const awkward = [...special, ...small, ...large].flatMap((value) => [value, -value])
      awkward.push(Number.NaN, 2 ** -140, 3 * 2 ** -149, 7.038531e-26, 0.0009765625, 123456.789)
      for (const type of TYPES) {
        const values = awkward.map(ROUND[type])
        const alone = values.map((value) => desk.print(type, [value], 1, 1).slice(1, -1))
        for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 9, 127, 128, 129, 130, 131, 132, 257]) {
          for (let start = 0; start < 8; start++) {
            const order = Array.from({ length: count }, (_, at) => (start + 5 * at) % values.length)
            const printed = desk.print(
              type,
              order.map((at) => values[at]!),
              1,
              count,
            )
            expect(printed, `${count} from ${start}`).toBe(`[${order.map((at) => alone[at]).join(',')}]`)
          }
        }
      }
    })

    test('rows in brackets with commas between', () => {
      expect(desk.print('F32', [1, 2, 3, 4, 5, 6], 2, 3)).toBe('[1,2,3],[4,5,6]')
      expect(desk.print('F64', [1, 2, 3], 3, 1)).toBe('[1],[2],[3]')
      const many = Array.from({ length: 3 * 700 }, (_, index) => index / 8)
      const rows = [0, 700, 1400].map((start) => JSON.stringify(many.slice(start, start + 700)))
      for (const type of TYPES) {
        expect(desk.print(type, many, 3, 700)).toBe(rows.join(','))
        for (const cols of [1, 2, 3, 5, 127, 128, 129]) {
          const count = Math.floor(many.length / cols)
          const narrow = Array.from({ length: count }, (_, row) => many.slice(row * cols, (row + 1) * cols))
          expect(desk.print(type, narrow.flat(), count, cols)).toBe(narrow.map((row) => JSON.stringify(row)).join(','))
        }
      }
    })

    test('no byte behind the room for the longest numbers', () => {
      for (const text of [
        '-1.2345678901234568e-300',
        '-0.0000012345678901234567',
        '-123456789012345680000',
        '-1234567.1234567892',
      ]) {
        const value = Number(text)
        expect(desk.print('F64', [value, value], 2, 1)).toBe(`[${value}],[${value}]`)
        desk.print('F32', [Math.fround(value), Math.fround(value)], 2, 1)
      }
    })

    test('float64 of any bits as JSON.stringify does', () => {
      const bits = randomBits(2 * samples, seed)
      const values = [...new Float64Array(bits.buffer)]
      const plain = randomDecimals(samples, seed)
      expect(firstDifference(desk.printBits('F64', bits), values.map(textOfF64)), `seed ${seed}`).toBeUndefined()
      expect(
        firstDifference(desk.print('F64', plain, 1, plain.length), plain.map(textOfF64)),
        `seed ${seed}`,
      ).toBeUndefined()
    })

    test('float32 of any bits by the fewest digits that read back, and the closest of them', () => {
      const bits = randomBits(samples, seed)
      for (let power = 0; power < 255; power++) bits[power] = power << 23
      const values = new Float32Array(bits.buffer)
      const texts = desk.printBits('F32', bits).slice(1, -1).split(',')
      const wrong = texts.findIndex((text, index) => {
        const value = values[index]!
        if (!Number.isFinite(value)) return text !== JSON.stringify(String(value))
        return !Object.is(Math.fround(Number(text)), value) || (index < samples / 8 && !isShortest(text, value))
      })
      expect(wrong === -1 ? undefined : [texts[wrong], values[wrong]], `seed ${seed}`).toBeUndefined()
    })

    test('sparse rows with the bytes of the dense rows', () => {
      const random = randomOf(seed)
      for (let round = 0; round < 300; round++) {
        const type = pick(random, TYPES)
        const rows = 1 + below(random, 5)
        const cols = 1 + below(random, pick(random, [3, 12, 400]))
        const entries = 1 + below(random, 3)
        const same = random()
        const base = Array.from({ length: rows }, () =>
          ROUND[type](pick(random, [same, same, 0, -0, Number.NaN, random()])),
        )
        const values = Array.from({ length: rows * entries }, () =>
          ROUND[type](pick(random, [random(), -random(), 1e-9, 0])),
        )
        const labels = base.flatMap(() => distinctLabels(random, entries, cols))
        const dense = base.flatMap((value, row) => {
          const filled = Array<number>(cols).fill(value)
          for (let entry = row * entries; entry < (row + 1) * entries; entry++) {
            if (labels[entry]! >= 0) filled[labels[entry]!] = values[entry]!
          }
          return filled
        })
        const printed = desk.printSparse(type, { base, labels, values, entries, cols })
        expect(printed, `seed ${seed}, round ${round}`).toBe(desk.print(type, dense, rows, cols))
      }
    })
  })
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}

function textOfF64(value: number): string {
  if (!Number.isFinite(value)) return JSON.stringify(String(value))
  return Object.is(value, -0) ? '-0' : String(value)
}

function firstDifference(printed: string, expected: readonly string[]): string | undefined {
  const texts = printed.slice(1, -1).split(',')
  const index = texts.findIndex((text, at) => text !== expected[at])
  if (index === -1 && texts.length === expected.length) return undefined
  return `${texts[index]} instead of ${expected[index]} at ${index}`
}

function randomBits(count: number, seed: number): Uint32Array<ArrayBuffer> {
  const random = randomOf(seed)
  return Uint32Array.from({ length: count }, () => random() * 2 ** 32)
}

/** Numbers of few digits, as people write them. */
function randomDecimals(count: number, seed: number): number[] {
  const random = randomOf(seed)
  return Array.from(
    { length: count },
    () => Math.round((random() - 0.5) * 10 ** below(random, 20)) / 10 ** below(random, 12),
  )
}

function distinctLabels(random: () => number, entries: number, cols: number): number[] {
  const labels: number[] = []
  for (let entry = 0; entry < entries; entry++) {
    const label = below(random, cols + 1) - 1
    labels.push(labels.includes(label) ? -1 : label)
  }
  return labels
}

/** Whether no decimal with a digit less reads back as the float32, and of those with as many the closest does not or is this one. */
function isShortest(text: string, value: number): boolean {
  if (value === 0) return true
  const magnitude = Math.abs(value)
  const [digits, exponent] = magnitude.toExponential(100).split('e') as [string, string]
  const exact = digits.replace('.', '')
  const at = (mantissa: number, count: number) => Number(`${mantissa}e${Number(exponent) - count + 1}`)
  const readsBack = (mantissa: number, count: number) => Math.fround(at(mantissa, count)) === magnitude
  const count = text.replace(/e.*|\D/g, '').replace(/^0+|0+$/g, '').length
  const shorter = Number(exact.slice(0, count - 1))
  if (count > 1 && (readsBack(shorter, count - 1) || readsBack(shorter + 1, count - 1))) return false
  const below = Number(exact.slice(0, count))
  const rest = exact.slice(count)
  const isTie = /^50*$/.test(rest)
  const closest = rest < '5' || (isTie && below % 2 === 0) ? below : below + 1
  return !readsBack(closest, count) || at(closest, count) === Math.abs(Number(text))
}

/** Nested arrays and objects, among them values that hold brackets and quotes themselves. */
function deepText(levels: number, seed: number): { opened: Buffer; closed: Buffer } {
  const random = randomOf(seed)
  const parts: string[] = []
  const closed = Buffer.alloc(levels)
  for (let level = 0; level < levels; level++) {
    const object = random() < 0.5
    if (object) parts.push(random() < 0.01 ? '{"]\\"[{":[],"":' : '{"":')
    else parts.push(random() < 0.01 ? '["}\\\\",{"a":[]},' : '[')
    closed[levels - 1 - level] = object ? 0x7d : 0x5d
  }
  return { opened: Buffer.from(`${parts.join('')}0`), closed }
}
