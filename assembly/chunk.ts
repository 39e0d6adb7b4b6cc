/** Numbers printed at a time, in loops of few steps each, so that a processor has several numbers under way in every one of them. */
export const CHUNK: u32 = 256
