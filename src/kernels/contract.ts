import type { ElementKernels } from './element-contract.ts'
import type { RowKernels } from './row-contract.ts'

/**
 * The kernel contract: what the WebAssembly module (`assembly/`) and its plain TypeScript twin both implement, held equal
 * by one test suite. Every pointer is a byte offset into one `WebAssembly.Memory` shared by caller and kernel. Arrays are
 * row-major and packed; a pointer is aligned to its element size and no more. Kernels check nothing but what is said here:
 * the caller has validated shapes and allocated every region. The suffix `F32` / `F64` names the element type of the
 * [N, K] arrays; per-row results are always float64, because a row's sum is.
 *
 * N = numRows >= 1, K = numClasses >= 1.
 */
export interface LossKernels extends RowKernels {
  /**
   * Softmax of each row, stable for every finite row and for rows with some -Infinity.
   *
   * @param logits        [N, K]
   * @param probabilities [N, K], written; may be the same pointer as `logits`; 0 = not wanted
   * @param rowMax        float64 [N], written: m = max of the row
   * @param logSum        float64 [N], written: log(sum exp(z - m)) as log1p(sum over all but one maximum), so that a confident row
   *                      keeps its digits: [50, 0, 0] gives 3.857e-22, not 0. logsumexp = rowMax + logSum
   * @returns the first row that holds NaN or +Infinity or nothing but -Infinity, or -1. Later rows may be unwritten.
   */
  softmaxF32(
    logits: number,
    numRows: number,
    numClasses: number,
    probabilities: number,
    rowMax: number,
    logSum: number,
  ): number
  softmaxF64(
    logits: number,
    numRows: number,
    numClasses: number,
    probabilities: number,
    rowMax: number,
    logSum: number,
  ): number

  /**
   * Cross entropy with a target distribution that is never built: target_n = base + sum_j coefficient_nj * e_label_nj.
   * `base` carries smoothing (uniform or prior, class weights multiplied in), the entries carry the labels (class weights
   * multiplied in). With S = sum of the whole target:
   *   losses[n]    = sum_k target_k (m - z_k) + S * logSum          each term >= 0, so nothing cancels
   *   gradients[n] = rowScale[n] * (S p - target)
   * A target of 0 on a class at -Infinity costs 0; a target > 0 there gives the loss +Infinity and the same gradient.
   *
   * @param labels       int32 [N, J], each in [0, K); a row's labels may be equal
   * @param coefficients float64 [N, J], >= 0; an entry of 0 has no effect
   * @param entries      J, 1 or 2
   * @param base         [K] of the element type, >= 0, the same for every row; or 0: then `baseValue` stands for every class
   * @param baseValue    float64 >= 0, used when `base` is 0
   * @param baseSum      float64, the sum of the base over the K classes
   * @param rowScale     float64 [N], multiplies the gradient only
   * @param losses       float64 [N], written
   * @param gradients    [N, K], written; never aliases `logits`; 0 = not wanted
   * @returns as `softmaxF32`
   */
  crossEntropySparseF32(
    logits: number,
    numRows: number,
    numClasses: number,
    labels: number,
    coefficients: number,
    entries: number,
    base: number,
    baseValue: number,
    baseSum: number,
    rowScale: number,
    losses: number,
    gradients: number,
  ): number
  crossEntropySparseF64(
    logits: number,
    numRows: number,
    numClasses: number,
    labels: number,
    coefficients: number,
    entries: number,
    base: number,
    baseValue: number,
    baseSum: number,
    rowScale: number,
    losses: number,
    gradients: number,
  ): number

  /**
   * Cross entropy with a dense target: -sum_k w_k q_k log p_k, the same formulas with target = classWeights * targets.
   *
   * @param targets      [N, K] of the element type, >= 0
   * @param classWeights [K] of the element type, >= 0; or 0: every weight is 1
   */
  crossEntropyDenseF32(
    logits: number,
    numRows: number,
    numClasses: number,
    targets: number,
    classWeights: number,
    rowScale: number,
    losses: number,
    gradients: number,
  ): number
  crossEntropyDenseF64(
    logits: number,
    numRows: number,
    numClasses: number,
    targets: number,
    classWeights: number,
    rowScale: number,
    losses: number,
    gradients: number,
  ): number

  /**
   * Sigmoid of each logit and of its negative, and their logs, for losses that ask each class a question of its own. Float32 logits give
   * float64 of float32 accuracy, so that a loop over them sees one type.
   *
   * @param on     float64 [N, K], written: sigmoid(z)
   * @param off    float64 [N, K], written: sigmoid(-z), to all its digits where `on` is next to 1
   * @param logOn  float64 [N, K], written: log sigmoid(z)
   * @param logOff float64 [N, K], written: log sigmoid(-z)
   * @returns as `softmaxF32`, but every row is written: +Infinity gives 1 and 0, and a NaN is one in all four
   */
  sigmoidF32(
    logits: number,
    numRows: number,
    numClasses: number,
    on: number,
    off: number,
    logOn: number,
    logOff: number,
  ): number
  sigmoidF64(
    logits: number,
    numRows: number,
    numClasses: number,
    on: number,
    off: number,
    logOn: number,
    logOff: number,
  ): number

  /** Index of the largest value of each row, the lowest on a tie; the first NaN if the row has one. indices: int32 [N], written. */
  argmaxF32(values: number, numRows: number, numClasses: number, indices: number): void
  argmaxF64(values: number, numRows: number, numClasses: number, indices: number): void
}

/** What a reader found. The numbers are the wire between kernel and host. */
export const ReadStatus = {
  ok: 0,
  /** Not JSON; `position` is the offending byte (or the end). */
  syntax: 1,
  /** An element that is JSON but neither a number nor one of "NaN", "Infinity", "-Infinity" (nor an array where one belongs). */
  notANumber: 2,
  /** A row whose length, or an element whose depth, differs from the first one's. */
  ragged: 3,
  /** A number that overflows the element type (1e999; 1e39 for float32). */
  outOfRange: 4,
  /** More than 8 dimensions. */
  tooDeep: 5,
} as const

/**
 * Layout of the report a reader writes: int32 words at the pointer `report` (REPORT_WORDS of them).
 * `position` is a byte pointer: behind the value, or at the fault for `syntax`.
 * For faults other than `syntax` the reader stops storing numbers but goes on to the end of the value, so `position` is still behind it.
 * `path` holds the index at each depth of the fault (`/3/17` = [3, 17]), `pathLength` of them.
 * `expected` / `got`: for `ragged`, lengths of a row (got = -1: a number where an array belongs, -2: an array where a number belongs).
 * `token` / `tokenEnd`: byte range of the element at fault, for the message (0 where there is none).
 */
export const Report = {
  status: 0,
  position: 1,
  rank: 2,
  count: 3,
  shape: 4,
  pathLength: 12,
  path: 13,
  expected: 21,
  got: 22,
  token: 23,
  tokenEnd: 24,
} as const
export const REPORT_WORDS = 25
export const MAX_RANK = 8

/** The number codec: JSON text in memory to tensor in memory and back, no JavaScript number per element in between. */
export interface NumberCodec {
  /**
   * Reads the JSON value that starts at `text` (no leading white space) as a nested, rectangular array of numbers.
   * Grammar is RFC 8259, exactly what JSON.parse accepts. Each number is Math.fround(JSON.parse(x)) / JSON.parse(x) to the last bit;
   * the strings "NaN", "Infinity", "-Infinity" (unescaped) are numbers too.
   *
   * @param end    behind the last byte of the body
   * @param values written; room for (end - text) / 2 + 1 elements
   */
  readArrayF32(text: number, end: number, values: number, report: number): void
  readArrayF64(text: number, end: number, values: number, report: number): void

  /** Checks that one JSON value of any kind starts at `text`; reports `ok` or `syntax` and the position. Any nesting depth a body can hold. */
  skipValue(text: number, end: number, report: number): void

  /**
   * Prints values [rows, cols] as `[a,b],[c,d]`: rows joined by commas, no outer brackets, no spaces. Each number is the shortest
   * decimal that reads back to the same value of its type (among the shortest the closest), -0 as `-0`, in JavaScript's choice of
   * plain or exponent form; NaN and infinities as the strings "NaN", "Infinity", "-Infinity".
   *
   * @param out room for PRINT_BYTES_F32 / PRINT_BYTES_F64 a number and 3 a row
   * @returns pointer behind the last byte written
   */
  printRowsF32(values: number, rows: number, cols: number, out: number): number
  printRowsF64(values: number, rows: number, cols: number, out: number): number

  /**
   * Prints rows that hold one value almost everywhere, without formatting it again: row n is base[n] in every column but
   * labels[n, j], where it is values[n, j]; a label of -1 is no entry. The bytes equal printRows of the dense rows.
   *
   * @param base   [N] of the element type
   * @param labels int32 [N, J]; the labels of a row differ
   * @param values [N, J] of the element type
   */
  printSparseRowsF32(
    base: number,
    labels: number,
    values: number,
    entries: number,
    rows: number,
    cols: number,
    out: number,
  ): number
  printSparseRowsF64(
    base: number,
    labels: number,
    values: number,
    entries: number,
    rows: number,
    cols: number,
    out: number,
  ): number
}

/** Most bytes one printed number and its comma take, in JavaScript's number form ("-1.2345678e-38," / "-1.2345678901234567e-308,"; plain form up to 1e21). */
export const PRINT_BYTES_F32 = 24
export const PRINT_BYTES_F64 = 27

export interface Kernels extends LossKernels, ElementKernels, NumberCodec {
  readonly name: 'simd' | 'scalar'
  /** First byte of memory that is free for the caller. */
  heapBase(): number
}
