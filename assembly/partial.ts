/** Elements of one partial sum in float64: among 131072 equal terms one sum would lose three digits. */
export const PARTIAL: usize = 512
