/**
 * Numbers printed at a time, in loops of few steps each, so that a processor has several numbers under way in every one of them. Twice
 * as many take 8 % longer where exponents are of all sizes, since less of the tables stays in the nearest cache.
 */
export const CHUNK: u32 = 128
