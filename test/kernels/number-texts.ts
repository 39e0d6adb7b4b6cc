/** Texts for the number codec's tests: JSON's grammar case by case (named as JSONTestSuite names them), and random ones from a seed. */

/** Values that JSON allows, one text each. */
export const VALID = {
  y_array_arraysWithSpaces: '[[]   ]',
  y_array_empty: '[]',
  y_array_heterogeneous: '[null, 1, "1", {}]',
  y_array_with_1_and_newline: '[1\n]',
  y_array_with_leading_and_trailing_space: '[ 1 ]',
  y_number_0e1: '[0e1]',
  y_number_0e_plus_1: '[0e+1]',
  y_number_after_space: '[ 4]',
  y_number_double_close_to_zero: `[-0.${'0'.repeat(77)}1]`,
  y_number_int_with_exp: '[20e1]',
  y_number_minus_zero: '[-0]',
  y_number_negative_int: '[-123]',
  y_number_real_capital_e: '[1E22]',
  y_number_real_capital_e_neg_exp: '[1E-2]',
  y_number_real_capital_e_pos_exp: '[1E+2]',
  y_number_real_exponent: '[123e45]',
  y_number_real_fraction_exponent: '[123.456e78]',
  y_number_exp_leading_zeros: '[1e-00000000000000000002]',
  y_number_simple_real: '[123.456789]',
  y_number_zero_point_zero: '[0.0]',
  y_object_basic: '{"asd":"sdf"}',
  y_object_duplicated_key: '{"a":"b","a":"c"}',
  y_object_empty: '{}',
  y_object_empty_key: '{"":0}',
  y_object_escaped_null_in_key: '{"foo\\u0000bar": 42}',
  y_object_nested: '{"a":[{"b":[[],{}]},{}]}',
  y_object_with_newlines: '{\n"a"\r\n:\t"b"\n}',
  y_string_allowed_escapes: '["\\"\\\\\\/\\b\\f\\n\\r\\t"]',
  y_string_backslash_and_u_escaped_zero: '["\\\\u0000"]',
  y_string_escape_upper_and_lower_hex: '["\\uaBcD\\uDEF0"]',
  y_string_lone_surrogate: '["\\ud800"]',
  y_string_empty: '[""]',
  y_string_del_character: '["\x7f"]',
  y_string_utf8: '["é漢🐘\u2028\u2029"]',
  y_string_long: `["${'a'.repeat(31)}\\n${'b'.repeat(16)}"]`,
  y_structure_lonely_false: 'false',
  y_structure_lonely_int: '42',
  y_structure_lonely_negative_real: '-0.1',
  y_structure_lonely_null: 'null',
  y_structure_lonely_string: '"asd"',
  y_structure_lonely_true: 'true',
  y_structure_string_empty: '""',
  y_structure_trailing_newline: '["a"]\n',
  y_structure_whitespace_array: ' [] ',
} as const

/** Texts that JSON doesn't allow, with the byte that can't be where it is (a length where the text breaks off). */
export const INVALID: Record<string, readonly [text: string, position: number]> = {
  n_array_1_true_without_comma: ['[1 true]', 3],
  n_array_colon_instead_of_comma: ['["": 1]', 3],
  n_array_comma_and_number: ['[,1]', 1],
  n_array_double_comma: ['[1,,2]', 3],
  n_array_double_extra_comma: ['["x",,]', 5],
  n_array_extra_comma: ['["",]', 4],
  n_array_incomplete: ['["x"', 4],
  n_array_incomplete_invalid_value: ['[x', 1],
  n_array_inner_array_no_comma: ['[3[4]]', 2],
  n_array_items_separated_by_semicolon: ['[1:2]', 2],
  n_array_just_comma: ['[,]', 1],
  n_array_just_minus: ['[-]', 2],
  n_array_missing_value: ['[   , ""]', 4],
  n_array_newlines_unclosed: ['["a",\n4\n,1,', 11],
  n_array_number_and_comma: ['[1,]', 3],
  n_array_spaces_vertical_tab_formfeed: ['["\va"\\f]', 2],
  n_array_star_inside: ['[*]', 1],
  n_array_unclosed: ['[""', 3],
  n_array_unclosed_with_object_inside: ['[{}', 3],
  n_incomplete_false: ['[fals]', 5],
  n_incomplete_null: ['[nul]', 4],
  n_incomplete_true: ['[tru]', 4],
  n_number_plus_plus: ['[++1234]', 1],
  n_number_plus_1: ['[+1]', 1],
  n_number_plus_Inf: ['[+Inf]', 1],
  n_number_minus_01: ['[-01]', 3],
  n_number_minus_1_dot_0_dot: ['[-1.0.]', 5],
  n_number_minus_2_dot: ['[-2.]', 4],
  n_number_minus_NaN: ['[-NaN]', 2],
  n_number_dot_minus_1: ['[.-1]', 1],
  n_number_dot_2e_minus_3: ['[.2e-3]', 1],
  n_number_0_dot_1_dot_2: ['[0.1.2]', 4],
  n_number_0_dot_3e_plus: ['[0.3e+]', 6],
  n_number_0_dot_3e: ['[0.3e]', 5],
  n_number_0_dot_e1: ['[0.e1]', 3],
  n_number_0_capital_E: ['[0E]', 3],
  n_number_0_capital_E_plus: ['[0E+]', 4],
  n_number_1_0e_minus: ['[1.0e-]', 6],
  n_number_1_000: ['[1 000.0]', 3],
  n_number_1eE2: ['[1eE2]', 3],
  n_number_2_dot_e_plus_3: ['[2.e+3]', 3],
  n_number_9_dot_e_plus: ['[9.e+]', 3],
  n_number_Inf: ['[Inf]', 1],
  n_number_NaN: ['[NaN]', 1],
  n_number_U_FF11_fullwidth_digit_one: ['[１]', 1],
  n_number_expression: ['[1+2]', 2],
  n_number_hex_1_digit: ['[0x1]', 2],
  n_number_Infinity: ['[Infinity]', 1],
  n_number_invalid_plus_minus: ['[0e+-1]', 4],
  n_number_invalid_negative_real: ['[-123.123foo]', 9],
  n_number_minus_infinity: ['[-Infinity]', 2],
  n_number_minus_sign_with_trailing_garbage: ['[-foo]', 2],
  n_number_minus_space_1: ['[- 1]', 2],
  n_number_neg_int_starting_with_zero: ['[-012]', 3],
  n_number_neg_real_without_int_part: ['[-.123]', 2],
  n_number_neg_with_garbage_at_end: ['[-1x]', 3],
  n_number_real_garbage_after_e: ['[1ea]', 3],
  n_number_real_without_fractional_part: ['[1.]', 3],
  n_number_starting_with_dot: ['[.123]', 1],
  n_number_with_alpha: ['[1.2a-3]', 4],
  n_number_with_leading_zero: ['[012]', 2],
  n_number_with_slash: ['[1/2]', 2],
  n_number_two_signs: ['[1--2]', 2],
  n_object_bad_value: ['["x", truth]', 9],
  n_object_comma_instead_of_colon: ['{"x", null}', 4],
  n_object_double_colon: ['{"x"::"b"}', 5],
  n_object_garbage_at_end: ['{"a":"a" 123}', 9],
  n_object_key_with_single_quotes: ["{key: 'value'}", 1],
  n_object_missing_colon: ['{"a" b}', 5],
  n_object_missing_key: ['{:"b"}', 1],
  n_object_missing_semicolon: ['{"a" "b"}', 5],
  n_object_missing_value: ['{"a":', 5],
  n_object_no_colon: ['{"a"', 4],
  n_object_non_string_key: ['{1:1}', 1],
  n_object_several_trailing_commas: ['{"id":0,,}', 8],
  n_object_trailing_comma: ['{"id":0,}', 8],
  n_object_unquoted_key: ['{a: "b"}', 1],
  n_object_unterminated_value: ['{"a":"a', 7],
  n_object_closed_as_array: ['{"a":1]', 6],
  n_array_closed_as_object: ['[1}', 2],
  n_string_1_surrogate_then_escape_u: ['["\\uD800\\u"]', 10],
  n_string_incomplete_escaped_character: ['["\\u00A"]', 7],
  n_string_invalid_unicode_escape: ['["\\uqqqq"]', 4],
  n_string_invalid_escape: ['["\\a"]', 3],
  n_string_escape_x: ['["\\x00"]', 3],
  n_string_escaped_ctrl_char_tab: ['["\\\t"]', 3],
  n_string_escaped_emoji: ['["\\🌀"]', 3],
  n_string_newline: ['["new\nline"]', 5],
  n_string_null: ['["a\u0000a"]', 3],
  n_string_unescaped_tab: ['["\t"]', 2],
  n_string_tab_behind_16: [`["${'a'.repeat(40)}\t"]`, 42],
  n_string_single_quote: ["['single quote']", 1],
  n_string_start_escape_unclosed: ['["\\', 3],
  n_string_unclosed: ['["abc', 5],
  n_structure_angle_bracket: ['[<null>]', 1],
  n_structure_array_with_unclosed_string: ['["asd]', 6],
  n_structure_capitalized_True: ['[True]', 1],
  n_structure_no_data: ['', 0],
  n_structure_only_space: [' ', 1],
  n_structure_open_array_comma: ['[,', 1],
  n_structure_open_array_object: ['[{"":[{"":', 10],
  n_structure_open_open: ['["\\{["\\{["\\{["\\{', 3],
  n_structure_uescaped_LF_before_string: ['[\\u000A""]', 1],
  n_structure_UTF8_BOM: ['\ufeff[]', 0],
  n_structure_whitespace_formfeed: ['[\f]', 1],
  n_structure_whitespace_U_00A0: ['[\u00a0]', 1],
}

/** Numbers that are read wrongly by readers that almost work. */
export const NUMBERS = [
  ...['0', '-0', '-0.0', '0e999999', '-0e-999999', '1e-400', '-1e-400', '0.1e39', '123456789012345678901234567890'],
  ...[
    '9007199254740991',
    '9007199254740992',
    '9007199254740993',
    '9007199254740993.0',
    '9007199254740992.9999999999999',
  ],
  ...[
    '9007199254740993.00000000000000000000000000000000000001',
    '4503599627370497.5',
    '4503599627370496.5',
    '1e22',
    '1e23',
  ],
  ...[
    '5e-324',
    '2.4703282292062327e-324',
    '2.4703282292062328e-324',
    '4.9406564584124654e-324',
    '7.4109846876186982e-324',
  ],
  ...[
    '2.2250738585072011e-308',
    '2.2250738585072012e-308',
    '2.2250738585072014e-308',
    '2.225073858507201136057409796709e-308',
  ],
  ...[
    '1.7976931348623157e308',
    '8.41e21',
    '9.114e-28',
    '6.9294956446009195e15',
    '3.5844466002796428e298',
    '1.2e-10',
    '7.3879e20',
  ],
  ...['1.00000005960464477539062500000', '1.00000005960464477539062500001', '1.00000005960464477539062499999'],
  ...['7.038531e-26', '7.0385307e-26', '3.4028234663852886e38', '3.4028235677973362e38', '1.1754943508222875e-38'],
  ...[
    '1.1754942106924411e-38',
    '1.401298464324817e-45',
    '7.006492321624085e-46',
    '7.006492321624086e-46',
    '16777217',
    '16777219',
  ],
  ...[
    '33554435',
    '0.3',
    '0.1',
    '2.5',
    '1.5e1',
    '1E+2',
    '12345678.90123456789',
    '0.000001',
    '0.0000000000000000000000000000001',
  ],
  ...['1234567890123456', '12345678901234567', '1234567890123456789', '12345678901234567890', '18446744073709551615'],
  ...[
    '18446744073709551616',
    '99999999999999999999',
    '0.12345678901234567890123456789012',
    '3.14159265358979323846264338327950288',
  ],
  ...[
    `1${'0'.repeat(37)}`,
    `0.${'0'.repeat(400)}1`,
    `${'1'.repeat(30)}e-30`,
    `1${'0'.repeat(400)}e-400`,
    `0.${'0'.repeat(300)}1e300`,
  ],
] as const

export type Random = () => number

/** Mulberry32: uniform in [0, 1), the same for the same seed. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[below(random, items.length)]!
}

function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => below(random, 10)).join('')
}

/** A number in any form JSON allows, of any size. */
export function randomNumber(random: Random): string {
  const sign = random() < 0.4 ? '-' : ''
  const form = below(random, 8)
  if (form === 0) return pick(random, NUMBERS)
  if (form === 1) return sign + String(below(random, 1000))
  if (form === 2) return String(Math.fround((random() - 0.5) * 20))
  if (form === 3) return String((random() - 0.5) * 10 ** (below(random, 60) - 30))
  if (form === 4) return sign + (random() * 10).toFixed(below(random, 20))
  const whole =
    random() < 0.5 ? String(below(random, 10)) : `${1 + below(random, 9)}${digits(random, below(random, 25))}`
  const fraction = random() < 0.7 ? `.${digits(random, 1 + below(random, 25))}` : ''
  const exponent = random() < 0.3 ? pick(random, ['e', 'E', 'e+', 'e-', 'E-']) + below(random, 350) : ''
  return sign + whole + fraction + exponent
}

/** A nested array of numbers, mostly rectangular, with white space here and there. */
export function randomArray(random: Random): string {
  const rank = below(random, 4)
  const shape = Array.from({ length: rank }, () => (random() < 0.05 ? 0 : 1 + below(random, rank === 1 ? 40 : 5)))
  const separator = pick(random, [',', ', ', ' ,\n'])
  const strange = random() < 0.2
  const element = (): string => {
    if (!strange || random() < 0.9) return randomNumber(random)
    return pick(random, [
      '"NaN"',
      '"Infinity"',
      '"-Infinity"',
      '"nan"',
      'null',
      'true',
      '{"a":[1]}',
      '[1]',
      '[]',
      '"\\u00e9"',
      '-',
      '01',
    ])
  }
  const build = (depth: number): string => {
    if (depth === rank) return element()
    const length = strange && random() < 0.05 ? below(random, 6) : shape[depth]!
    return `[${Array.from({ length }, () => build(depth + 1)).join(separator)}]`
  }
  return build(0)
}

const ALPHABET = [...'0123456789.,-+eE[]{}":\\ \n\tnulltrue', '\0', '\x80', '\xff'].map((letter) =>
  letter.charCodeAt(0),
)

/** The bytes with up to three of them removed, changed, added, or cut off. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  let mutated = [...bytes]
  for (let count = below(random, 4); count > 0; count--) {
    const at = below(random, mutated.length + 1)
    const kind = below(random, 4)
    if (kind === 0) mutated.splice(at, 1)
    else if (kind === 1) mutated.splice(at, 1, pick(random, ALPHABET))
    else if (kind === 2) mutated.splice(at, 0, pick(random, ALPHABET))
    else mutated = mutated.slice(0, at)
  }
  return Uint8Array.from(mutated)
}

/** The decimal expansion of numerator * 2^exponent, with all its digits. */
export function exactDecimal(numerator: bigint, exponent: number): string {
  if (exponent >= 0) return String(numerator << BigInt(exponent))
  const scaled = String(numerator * 5n ** BigInt(-exponent)).padStart(1 - exponent, '0')
  return `${scaled.slice(0, exponent)}.${scaled.slice(exponent)}`
}
