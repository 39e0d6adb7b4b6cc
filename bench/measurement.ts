/** What one party took for one case: a line of the history without its provenance. */
export interface Measurement {
  readonly level: string
  readonly case: string
  readonly provider: string
  readonly unit: string
  readonly p20: number
  readonly p50: number
  readonly p80: number
  /** Samples the quantiles are of. */
  readonly n: number
}

export interface LevelOptions {
  /** Fewer and shorter samples: shows that everything works, not how fast it is. */
  readonly quick: boolean
  /** Tells a person what is being done. */
  readonly say: (text: string) => void
}

/** One layer of the service, measured. Checks every answer before it times anything. */
export type Level = (options: LevelOptions) => AsyncIterable<Measurement>

export type Quantiles = Pick<Measurement, 'p20' | 'p50' | 'p80' | 'n'>

/** Nearest rank, so that a quantile is a sample. */
export function quantiles(samples: readonly number[]): Quantiles {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
  return { p20: at(0.2), p50: at(0.5), p80: at(0.8), n: sorted.length }
}
