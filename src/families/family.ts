import type { z } from 'zod'
import type { DenseOutput } from '../answer.ts'
import type { Engine } from '../kernels/engine.ts'
import type { Layout } from '../layout.ts'
import type { Targets } from '../target-rows.ts'

/** Scores of a batch whose counted rows are known to be sound. */
export interface Scored {
  readonly engine: Engine
  readonly layout: Layout
  readonly dtype: 'F32' | 'F64'
  /** [numRows, numClasses] */
  readonly scores: number
  readonly targets: Targets
}

/** NaN where no row counts. */
export interface Metrics {
  readonly accuracy: number
  readonly nll: number
  readonly perplexity: number
}

/** What the scores of a loss are. Losses of one family share the field they read and what can be said of it without a loss. */
export interface Family {
  readonly name: string
  /** Field of the request that holds the scores. */
  readonly field: 'logits' | 'log_probabilities'
  readonly schema: z.ZodType
  /** What there is one prediction for: a row, or every class of it. */
  readonly predictsFor: 'row' | 'class'
  /** [N, K]. An ignored row may hold anything: what has no value there is NaN, as in PyTorch. */
  probabilities(scored: Scored): DenseOutput
  /** [N, K] */
  logProbabilities(scored: Scored): DenseOutput
  /** int32, [N] or [N, K] */
  predictions(scored: Scored): DenseOutput
  /** int32, [numRows] or [numRows, numClasses]: what `predictions` would have to be; -1 or 0 in an ignored row. */
  targetsOf(scored: Omit<Scored, 'scores'>): Int32Array
  /** [numRows] or [numRows, numClasses]: the probability that is given to the prediction. */
  confidences(scored: Scored): Float64Array
  /** Over what counts, each as much as the other; of the unsmoothed targets. */
  metrics(scored: Scored): Metrics
}
