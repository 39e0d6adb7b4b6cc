import { faultPosition } from './grammar'

/** ReadStatus and Report of src/kernels/contract.ts. A report's words that don't apply are 0. */

export const SYNTAX: u32 = 1
export const NOT_A_NUMBER: u32 = 2
export const RAGGED: u32 = 3
export const OUT_OF_RANGE: u32 = 4
export const TOO_DEEP: u32 = 5

export const GOT_NUMBER: u32 = -1
export const GOT_ARRAY: u32 = -2

const WORDS: usize = 25
const STATUS: usize = 0 << 2
const POSITION: usize = 1 << 2
const RANK: usize = 2 << 2
const COUNT: usize = 3 << 2
const SHAPE: usize = 4 << 2
const PATH_LENGTH: usize = 12 << 2
const PATH: usize = 13 << 2
const EXPECTED: usize = 21 << 2
const GOT: usize = 22 << 2
const TOKEN: usize = 23 << 2
const TOKEN_END: usize = 24 << 2

export function reportPosition(report: usize, position: usize): void {
  memory.fill(report, 0, WORDS << 2)
  store<u32>(report, <u32>position, POSITION)
}

export function reportSyntax(report: usize): void {
  reportPosition(report, faultPosition())
  store<u32>(report, SYNTAX, STATUS)
}

/** @param lengths u32 [rank] */
export function reportTensor(report: usize, position: usize, rank: u32, count: u32, lengths: usize): void {
  reportPosition(report, position)
  store<u32>(report, rank, RANK)
  store<u32>(report, count, COUNT)
  memory.copy(report + SHAPE, lengths, <usize>rank << 2)
}

/** @param indices u32 [depth] */
export function reportFault(
  report: usize, status: u32, position: usize, depth: u32, indices: usize, expected: u32, got: u32, token: usize, tokenEnd: usize,
): void {
  reportPosition(report, position)
  store<u32>(report, status, STATUS)
  store<u32>(report, depth, PATH_LENGTH)
  memory.copy(report + PATH, indices, <usize>depth << 2)
  store<u32>(report, expected, EXPECTED)
  store<u32>(report, got, GOT)
  store<u32>(report, <u32>token, TOKEN)
  store<u32>(report, <u32>tokenEnd, TOKEN_END)
}
