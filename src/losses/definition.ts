import type { z } from 'zod'
import type { Family } from '../families/family.ts'
import type { Engine } from '../kernels/engine.ts'
import type { KernelMemory } from '../kernels/memory.ts'
import type { Denominator } from '../reduction.ts'
import type { TargetKind } from '../target-kinds.ts'
import type { TargetRows, Targets } from '../target-rows.ts'
import type { Tensor } from '../wire/tensor.ts'
import type { ReferenceRow } from './reference.ts'

/** Consecutive rows that count, with everything a loss needs to evaluate them. A block never holds an ignored row. */
export interface Block {
  readonly engine: Engine
  /** Element type of `scores`, `gradients` and dense targets. */
  readonly dtype: 'F32' | 'F64'
  /** With `rowsTogether` a multiple of it: the rows of a group lie next to each other. */
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
  /**
   * Multiply with this the part of a loss that class weights do not touch, for example a penalty of the logits alone: it is then averaged
   * over the rows that count, although the mean divides by the weights of their classes. 1 where nothing is divided by class weights.
   */
  readonly unweighted: number
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

/** What a loss is where its parameters have certain values: times * (another loss) + plus, row by row, and so are the gradients. */
export interface Identity {
  /** The same in words. */
  readonly says: string
  readonly params: Readonly<Record<string, unknown>>
  /** Name of the other loss, and its parameters. */
  readonly equals: string
  readonly with: Readonly<Record<string, unknown>>
  /** Default 1. */
  readonly times?: number
  /** minus_target_entropy: sum_k w_k q_k log q_k, a number that does not depend on the scores. */
  readonly plus?: 'minus_target_entropy'
  /** Holds where the whole target is on one class: class indices, no smoothing, no mixing. */
  readonly onlyHard?: true
}

/** A choice in a request that is a known trap, said beside the answer. */
export interface Warning {
  /** Stable: part of the contract. */
  readonly code: string
  readonly detail: string
}

/** What a request came to, as far as a warning may depend on it. */
export interface Judged {
  readonly memory: KernelMemory
  readonly numClasses: number
  readonly targets: Targets
  /** [numClasses] */
  readonly classWeights: Float64Array | undefined
}

/** A parameter of this value stands for one number >= 0 for each class, in `variants`. */
export const PER_CLASS = 'per_class'

/** Parameters as the maths takes them: a tensor of the request has become a weight for each class. */
export type Operands<Params extends z.ZodRawShape> = {
  readonly [Name in keyof z.output<z.ZodObject<Params>>]: Tensor extends z.output<z.ZodObject<Params>>[Name]
    ? Exclude<z.output<z.ZodObject<Params>>[Name], Tensor> | Float64Array
    : z.output<z.ZodObject<Params>>[Name]
}

/**
 * A loss: data and maths. Everything shared (schema branch, OpenAPI, catalogue, docs, metrics label, tests, goldens, benchmark row)
 * is derived from it; nothing shared asks which loss it has.
 */
export interface LossDefinition<Params extends z.ZodRawShape = z.ZodRawShape> {
  /** Wire name. */
  readonly name: string
  readonly title: string
  readonly summary: string
  /** In a sentence or two. */
  readonly whenToUse: string
  /** LaTeX of the loss of one row. */
  readonly formula: string
  /** LaTeX of its gradient with respect to the scores. */
  readonly gradient: string
  readonly references: readonly Reference[]
  /**
   * The same call in PyTorch or the library it comes from, on the `example`: the goldens' script runs it. It may name the fields of the
   * request, the parameters, `one_hot` and `q`, the targets before and after smoothing, and `num_classes`; a comment behind it holds what the
   * request says beside the example, as `# reduction: "sum"`.
   */
  readonly torch: string
  /** Matching calls in other libraries: timm, Keras, optax, Liger, fairseq, kornia. */
  readonly others?: readonly string[]
  /**
   * The source of the goldens, and what benchmarks run in PyTorch: the body of a Python function that returns the losses [N] of rows that
   * count, before sample weights, made by the library's own function where it has one. It is given
   *
   *   z       scores [N, K], float64 or float32, with requires_grad
   *   y       class indices [N] where targets are that, not mixed, and smoothed towards the uniform distribution if at all; else None
   *   t, q    targets [N, K] before and after smoothing; t is the teacher's logits where a teacher stands for targets
   *   w       class weights [K], ones where there are none
   *   s, K    smoothing factor, for use with y; number of classes
   *   unweighted  the factor of that name of `Block`
   *   params  the parameters, as `params.gamma`; also by their own names, but for those above
   *   torch, F, timm  with `F` torch.nn.functional and `timm` holding `timm.loss` and `timm.data.mixup`
   *
   * With `rowsTogether` rows are in the client's order. A loss with a denominator of its own returns (losses, denominator).
   */
  readonly oracle: string
  /** What the scores are and how they become probabilities. */
  readonly family: Family
  /** What it compares them with. */
  readonly targets: TargetKind
  /** Parameters of its own, and fields of its targets whose default differs. */
  readonly params: Params
  /** Settings of the parameters that tests and goldens go through beside the default. */
  readonly variants?: readonly Readonly<Record<string, unknown>>[]
  /** What "mean" divides by; default `labelWeights`. */
  denominator?(params: Operands<Params>): Denominator
  /** The number m of rows that it needs to see together: i, i + N/m, i + 2N/m, ... of the client's rows. Default 1. */
  rowsTogether?(params: z.output<z.ZodObject<Params>>): number
  /** Traps of this loss; those of every loss are in `src/warnings.ts`. Asked for every answer, so it looks at no score. */
  warnings?(judged: Judged, params: Operands<Params>): readonly Warning[]
  /**
   * Whether, with these parameters, the loss of a row is -sum_k w_k q_k log p_k of p = softmax(scores) and nothing else: it and its gradient
   * are then affine in label smoothing, and a whole curve costs one softmax. Default: no.
   */
  affineInSmoothing?(params: Operands<Params>): boolean
  /** Where it is another loss; tested on real requests. */
  readonly identities?: readonly Identity[]
  /** A request that runs, for the documents. */
  readonly example: Readonly<Record<string, unknown>>
  /**
   * Fills `losses` and `gradients` of a block.
   *
   * @returns the first row whose scores no distribution can be made of, or -1
   */
  evaluate(block: Block, params: Operands<Params>): number
  /** The loss of one row in plain float64: what the tests hold `evaluate` against. */
  reference(row: ReferenceRow, params: Operands<Params>): number
  /** How far the scores of a row are from the nearest place where the loss has no derivative; tests take no differences across one. */
  distanceToKink?(row: ReferenceRow, params: Operands<Params>): number
}

/** Keeps the types of the parameters between `params`, `evaluate` and `reference`. */
export function defineLoss<Params extends z.ZodRawShape>(definition: LossDefinition<Params>): LossDefinition {
  return definition as unknown as LossDefinition
}
