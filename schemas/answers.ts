import { z } from 'zod'
import { tensorJsonSchema } from './tensor.ts'

/** A number of an answer, or the string that stands for one JSON lacks. */
const AnswerNumber = z.custom<number>().meta({
  override: ({ jsonSchema }: { jsonSchema: object }) =>
    void Object.assign(jsonSchema, { $ref: '#/components/schemas/Number' }),
})

function answerTensor(shape: string, ranks: readonly number[], description: string) {
  return z.custom().meta({
    description: `${shape}. ${description}`,
    override: ({ jsonSchema }: { jsonSchema: object }) => void Object.assign(jsonSchema, tensorJsonSchema(ranks)),
  })
}

/** What `POST /loss` answers: the outputs that were asked for. */
export const LossAnswer = z
  .object({
    loss: AnswerNumber.optional().describe(
      'The reduced loss; left out with reduction "none". "NaN" for a mean over nothing.',
    ),
    normalizer: AnswerNumber.describe('What "mean" divided by; 1 for "sum" and "none".'),
    losses: answerTensor(
      '[N]',
      [1, 2, 3],
      "Each row's loss before reduction: loss = sum(losses) / normalizer; 0 for an ignored row.",
    ).optional(),
    gradients: answerTensor(
      '[N, K]',
      [2, 3, 4],
      'd loss / d logits after reduction; all 0 for an ignored row.',
    ).optional(),
    smoothed_targets: answerTensor(
      '[N, K]',
      [2, 3, 4],
      'The target distribution after smoothing and mixing; all 0 for an ignored row.',
    ).optional(),
    probabilities: answerTensor(
      '[N, K]',
      [2, 3, 4],
      'softmax(logits); sigmoid(logits) of losses that ask each class a question of its own.',
    ).optional(),
    log_probabilities: answerTensor('[N, K]', [2, 3, 4], 'Their logarithms.').optional(),
    predictions: answerTensor(
      '[N]',
      [1, 2, 3, 4],
      'The class of the largest logit, the lowest on a tie; of sigmoid losses 1 or 0 for each class [N, K]: whether its logit is above 0.',
    ).optional(),
    metrics: z
      .object({
        accuracy: AnswerNumber.describe(
          'Share of counted rows whose prediction is the class the target gives most; of sigmoid losses share of their elements.',
        ),
        nll: AnswerNumber.describe(
          'Mean negative log-likelihood of the unsmoothed targets, without weights; of sigmoid losses the mean over elements.',
        ),
        perplexity: AnswerNumber.describe('exp(nll).'),
      })
      .optional(),
    per_class: z
      .object({
        count: answerTensor(
          '[K]',
          [1],
          'Number of counted rows whose target the class is: the one it gives most; of sigmoid losses the rows whose label of it is above 1/2.',
        ),
        loss: answerTensor('[K]', [1], 'Mean of `losses` over them; "NaN" where there are none, as in the others.'),
        accuracy: answerTensor('[K]', [1], 'Share of them that are predicted to be of the class.'),
        confidence: answerTensor('[K]', [1], 'Mean probability of what is predicted of them.'),
      })
      .optional(),
    hardest_rows: z
      .object({
        index: answerTensor('[H, 1]', [2], 'Where each row is: its indices in `losses`.'),
        loss: answerTensor('[H]', [1], 'As in `losses`, the largest first.'),
        target: answerTensor(
          '[H]',
          [1, 2],
          'The class the target gives most; of sigmoid losses 1 or 0 for each class [H, K].',
        ),
        prediction: answerTensor('[H]', [1, 2], 'As in `predictions`.'),
      })
      .optional()
      .describe('The counted rows of the largest loss, as many as `hardest` says.'),
    warnings: z
      .array(z.object({ code: z.string().describe('Stable.'), detail: z.string() }))
      .optional()
      .describe('Choices in the request that are known traps; left out where there are none.'),
  })
  .meta({ id: 'LossAnswer' })

export const TargetsAnswer = z
  .object({
    smoothed_targets: answerTensor('[N, K]', [2, 3, 4], 'The target distribution after smoothing and mixing.'),
    on_value: AnswerNumber.optional().describe('Value on the class of an index target, before mixing.'),
    off_value: AnswerNumber.optional().describe('Value on every other class, before mixing.'),
  })
  .meta({ id: 'TargetsAnswer' })

const Differences = z.object({ loss: AnswerNumber, losses: AnswerNumber, gradients: AnswerNumber })

export const EquivalenceAnswer = z
  .object({
    formulations: z.array(
      z.object({
        name: z.enum(['nll_uniform', 'soft_target', 'mixed_losses']),
        loss: AnswerNumber.optional(),
        normalizer: AnswerNumber,
        losses: answerTensor('[N]', [1, 2, 3], "Each row's loss by this formulation."),
      }),
    ),
    max_abs_difference: Differences,
    max_rel_difference: Differences.describe(
      'Losses relative to the larger one; gradients relative to the factor that p - q is multiplied by.',
    ),
    tolerance: AnswerNumber,
    equivalent: z.boolean().describe('Every relative difference is within the tolerance.'),
    notes: z
      .array(z.object({ code: z.string(), detail: z.string() }))
      .describe('Why the formulations differ, where they do.'),
    decomposition: z
      .object({
        nll: AnswerNumber,
        uniform: AnswerNumber,
        target_entropy: AnswerNumber,
        kl_target_model: AnswerNumber,
        kl_uniform_model: AnswerNumber,
      })
      .describe('Means over the rows that count, without weights.'),
    optimum: z
      .object({ on_value: AnswerNumber, off_value: AnswerNumber, logit_gap: AnswerNumber })
      .optional()
      .describe("Where a row's loss is smallest: p = q, at a logit gap of log(on / off)."),
  })
  .meta({ id: 'EquivalenceAnswer' })

export const SweepAnswer = z
  .object({
    parameter: z.string(),
    normalizer: AnswerNumber.optional().describe(
      'What "mean" divided by; 1 for "sum". Left out where it depends on the parameter.',
    ),
    points: z.array(
      z.object({
        value: AnswerNumber.describe('Of the parameter.'),
        loss: AnswerNumber.describe('The reduced loss.'),
        gradient_norm: AnswerNumber.describe('L2 norm of the reduced gradient over the whole batch.'),
      }),
    ),
    best: z
      .object({ value: AnswerNumber, loss: AnswerNumber })
      .optional()
      .describe('The first point of the smallest loss; left out where every loss is "NaN".'),
  })
  .meta({ id: 'SweepAnswer' })

export const CalibrationAnswer = z
  .object({
    count: AnswerNumber.describe('Rows that count; every mean is over them, and "NaN" where there are none.'),
    accuracy: AnswerNumber,
    confidence: AnswerNumber.describe('Mean probability of the predicted class, the lowest class on a tie.'),
    nll: AnswerNumber,
    brier: AnswerNumber.describe('Mean of sum_k (p_k - [k = y])^2: 0 to 2.'),
    ece: AnswerNumber.describe(
      'Expected calibration error: mean over rows of the gap |accuracy - confidence| of their bin.',
    ),
    mce: AnswerNumber.describe('Maximum calibration error: the largest gap.'),
    rmsce: AnswerNumber.describe('Root mean square calibration error.'),
    temperature: z
      .object({
        value: AnswerNumber.describe('The T that minimises the nll of softmax(z / T), within [0.001, 1000].'),
        at_limit: z
          .boolean()
          .describe('Nll falls on beyond the limit: the rows are separable, or the logits say nothing.'),
        nll: AnswerNumber.describe('With that temperature.'),
        ece: AnswerNumber.describe('With that temperature.'),
      })
      .optional()
      .describe('Left out where no temperature has a finite nll.'),
    bins: z
      .array(
        z.object({
          lower: AnswerNumber,
          upper: AnswerNumber,
          count: AnswerNumber,
          accuracy: AnswerNumber,
          confidence: AnswerNumber,
        }),
      )
      .describe('Rows by confidence in (lower, upper].'),
  })
  .meta({ id: 'CalibrationAnswer' })

export const GradientCheckAnswer = z
  .object({
    checked: AnswerNumber.describe('Coordinates that were compared.'),
    skipped: AnswerNumber.describe(
      'Coordinates without a difference to take: at -Infinity, next to a kink, or of a loss that is infinite or hides the difference in its rounding.',
    ),
    max_abs_error: AnswerNumber,
    max_rel_error: AnswerNumber.describe(
      'Relative to the gradient or, where that is smaller, to the factor that the reduction and the class weights multiply it by.',
    ),
    worst: z
      .object({
        pointer: z.string().describe('JSON pointer to the coordinate of the largest relative error.'),
        analytic: AnswerNumber.describe('The gradient that POST /loss answers there.'),
        numeric: AnswerNumber.describe('The central difference.'),
      })
      .optional()
      .describe('Left out where nothing was compared.'),
    tolerance: AnswerNumber.describe('1e-6 for float64, 5e-5 for float32.'),
    ok: z.boolean().describe('No relative error is beyond the tolerance.'),
  })
  .meta({ id: 'GradientCheckAnswer' })

const ConventionAnswer = z.object({
  convention: z.enum(['uniform', 'others', 'half']),
  reduction: z.enum(['mean', 'sum']).optional().describe('That of the library, where one was named.'),
  label_smoothing: AnswerNumber.optional(),
  on_value: AnswerNumber.optional().describe('What the class of a target gets.'),
  off_value: AnswerNumber.optional().describe('What every other class gets.'),
})

export const SmoothingAnswer = z
  .object({
    exact: z.boolean().describe('Whether a factor in [0, 1] gives the same targets.'),
    label_smoothing: AnswerNumber.optional().describe('That factor; left out where there is none.'),
    detail: z.string().optional().describe('Why there is none.'),
    from: ConventionAnswer,
    to: ConventionAnswer,
  })
  .meta({ id: 'SmoothingAnswer' })
