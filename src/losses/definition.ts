import type { z } from 'zod'
import type { Engine } from '../kernels/engine.ts'
import type { TargetRows } from '../target-rows.ts'
import type { Family } from './families.ts'
import type { ReferenceRow } from './reference.ts'

/** Consecutive rows that count, with everything a loss needs to evaluate them. A block never holds an ignored row. */
export interface Block {
  readonly engine: Engine
  /** Element type of `scores`, `gradients` and dense targets. */
  readonly dtype: 'F32' | 'F64'
  readonly numRows: number
  readonly numClasses: number
  /** [numRows, numClasses]: logits, or what the family reads in their place. */
  readonly scores: number
  /** Unsmoothed, mixed targets of these rows, and their smoothing. */
  readonly targets: TargetRows
  /** float64 [numClasses]; undefined: every class weighs 1. */
  readonly classWeights: Float64Array | undefined
  /** float64 [numRows]: what the reduction multiplies the gradient of each row by. */
  readonly gradientScale: number
  /** float64 [numRows], written: the loss of each row before sample weights and reduction. */
  readonly losses: number
  /** [numRows, numClasses], written: d loss / d scores of each row times its `gradientScale`; 0 = not wanted. */
  readonly gradients: number
}

export interface Reference {
  readonly authors: string
  readonly title: string
  readonly year: number
  readonly url: string
}

/**
 * A loss: data and maths. Everything shared (schema branch, OpenAPI, catalogue, docs, metrics label, tests, benchmark row) is
 * derived from it; nothing shared asks which loss it has.
 */
export interface LossDefinition<Params extends z.ZodRawShape = z.ZodRawShape> {
  /** Wire name. */
  readonly name: string
  readonly title: string
  readonly summary: string
  /** LaTeX of the loss of one row. */
  readonly formula: string
  /** LaTeX of its gradient with respect to the scores. */
  readonly gradient: string
  readonly references: readonly Reference[]
  /** The same call in PyTorch or the library it comes from. */
  readonly torch: string
  /** What the scores are and how they become probabilities. */
  readonly family: Family
  /** Parameters of its own, and common fields whose default differs. */
  readonly params: Params
  /** A request that runs, for the documents. */
  readonly example: Record<string, unknown>
  /**
   * Fills `losses` and `gradients` of a block.
   *
   * @returns the first row whose scores no distribution can be made of, or -1
   */
  evaluate(block: Block, params: z.output<z.ZodObject<Params>>): number
  /** The loss of one row in plain float64: what the tests hold `evaluate` against. */
  reference(row: ReferenceRow, params: z.output<z.ZodObject<Params>>): number
}

/** Keeps the types of the parameters between `params`, `evaluate` and `reference`. */
export function defineLoss<Params extends z.ZodRawShape>(definition: LossDefinition<Params>): LossDefinition {
  return definition as unknown as LossDefinition
}
