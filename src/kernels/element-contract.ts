/**
 * The kernels of losses that are sums over elements, beside those of `contract.ts`, whose rules hold here too: pointers, types, sizes, and a plain
 * TypeScript twin.
 */
export interface ElementKernels {
  /** Logarithm of each of `count` float64, in place, to its last digits next to 1 too; of less than 2^-1022 that of 2^-1022. No NaN, none infinite. */
  logarithms(values: number, count: number): void

  /**
   * Binary cross entropy of each element, summed over each row: with p = sigmoid(z)
   *   losses[n]    = -sum_k onWeight_k q_k log p_k + offWeight_k (1 - q_k) log(1 - p_k)
   *   gradients[n] = rowScale[n] * (offWeight (1 - q) p - onWeight q (1 - p))
   * What is 0 of a label that is on costs nothing at -Infinity.
   *
   * @param targets    [N, K] of the element type, in [0, 1]
   * @param onWeights  [K] of the element type, >= 0
   * @param offWeights [K] of the element type, >= 0
   * @param rowScale   float64 [N], multiplies the gradient only
   * @param losses     float64 [N], written
   * @param gradients  [N, K], written; never aliases `logits`; 0 = not wanted
   * @returns the first row that holds NaN or +Infinity or nothing but -Infinity, or -1. Later rows may be unwritten.
   */
  binaryCrossEntropyF32: BinaryCrossEntropy
  binaryCrossEntropyF64: BinaryCrossEntropy

  /**
   * Binary cross entropy of each class of a row times a power of how wrong it is, summed: with p = sigmoid(z), p_m = max(p - clip, 0), label q,
   *   r = q (1 - p) + (1 - q) p_m      gamma = q gammaOn + (1 - q) gammaOff      alpha likewise
   *   result = sum_k -weight alpha r^gamma (q log p + (1 - q) log(1 - p_m))
   * A label that is off costs nothing at -Infinity.
   *
   * @param on        and `off`, `logOn`, `logOff`: float64 [K], what `sigmoidF32` wrote
   * @param labels    float64 [K], in [0, 1]
   * @param weights   float64 [K], >= 0
   * @param scale     multiplies the gradient only
   * @param gradients [K] of the element type, written; 0 = not wanted
   */
  focusF32: Focus
  focusF64: Focus

  /**
   * How far the classes come within a margin of that of the label: with v_k = max(0, z_k - z_label + margin), 0 for the label itself,
   *   losses[n]    = sum_k v_k, or sum_k v_k^2
   *   gradients[n] = factors[n] * ([v > 0], or v), less their sum on the label
   *
   * @param labels    int32 [N]
   * @param isSquared 1 or 0
   * @param factors   float64 [N]
   * @param losses    float64 [N], written
   * @param gradients [N, K], written; never aliases `logits`; 0 = not wanted. NaN or infinite where a logit is
   */
  marginsF32: Margins
  marginsF64: Margins

  /**
   * log of a softmax, from what `softmaxF32` wrote.
   *
   * @param logits [N, K]
   * @param out    [N, K], written: (z - rowMax) - logSum; may be `logits`
   */
  logSoftmaxF32: LogSoftmax
  logSoftmaxF64: LogSoftmax

  /**
   * How far a softmax q is from a distribution p: KL(p to q), 0 log 0 = 0.
   *   losses[n] = sum_k p_k (log p_k - log q_k)      gradients[n] = factors[n] * (q - p)
   *
   * @param p       [N, K]
   * @param logP    [N, K], finite where p is not 0
   * @param logits  [N, K], and `rowMax` and `logSum`, what `softmaxF32` wrote of them
   * @param factors float64 [N]
   * @param losses  float64 [N], written
   * @param q       [N, K]: the softmax; written: the gradients
   */
  divergenceF32: Divergence
  divergenceF64: Divergence

  /**
   * The other way round, of one row: how far a softmax q is from what has these logarithms, KL(q to target). With r_k = log q_k - logTarget_k and
   * h_k = weight * r_k, which is 0 where r is infinite or q is 0,
   *   result = sum_k q_k r_k      q_k = factor * q_k (h_k - sum_j q_j h_j)
   *
   * @param logits    [K], and `rowMax` and `logSum`, what `softmaxF32` wrote of them
   * @param logTarget float64 [K]; not +Infinity
   * @param q         [K]: the softmax; written: the gradients
   */
  towardsF32: Towards
  towardsF64: Towards

  /** sum_k p_k (logP_k - logTarget_k) of one row of `count` classes, 0 log 0 = 0; `logTarget` is float64. */
  awayF32: Away
  awayF64: Away

  /** (z - m) / temperature of each row, m its largest: so nothing overflows. NaN in a row that has no softmax. `out` is [N, K], not `logits`. */
  temperF32: Temper
  temperF64: Temper

  /** to += factor * values, `count` of them; `to` is float64. */
  addScaledF32: AddScaled
  addScaledF64: AddScaled
}

type BinaryCrossEntropy = (
  logits: number,
  numRows: number,
  numClasses: number,
  targets: number,
  onWeights: number,
  offWeights: number,
  rowScale: number,
  losses: number,
  gradients: number,
) => number

type Margins = (
  logits: number,
  numRows: number,
  numClasses: number,
  labels: number,
  margin: number,
  isSquared: number,
  factors: number,
  losses: number,
  gradients: number,
) => void

type LogSoftmax = (
  logits: number,
  numRows: number,
  numClasses: number,
  rowMax: number,
  logSum: number,
  out: number,
) => void

type Divergence = (
  p: number,
  logP: number,
  logits: number,
  numRows: number,
  numClasses: number,
  rowMax: number,
  logSum: number,
  factors: number,
  losses: number,
  q: number,
) => void

type Towards = (
  logits: number,
  numClasses: number,
  rowMax: number,
  logSum: number,
  logTarget: number,
  weight: number,
  factor: number,
  q: number,
) => number

type Temper = (logits: number, numRows: number, numClasses: number, temperature: number, out: number) => void

type AddScaled = (values: number, count: number, factor: number, to: number) => void

type Focus = (
  on: number,
  off: number,
  logOn: number,
  logOff: number,
  labels: number,
  weights: number,
  numClasses: number,
  gammaOn: number,
  gammaOff: number,
  clip: number,
  alphaOn: number,
  alphaOff: number,
  scale: number,
  gradients: number,
) => number

type Away = (p: number, logP: number, count: number, logTarget: number) => number
