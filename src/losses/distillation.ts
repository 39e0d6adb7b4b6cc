import { z } from 'zod'
import { softmaxFamily } from '../families/softmax.ts'
import { countedRows } from '../reduction.ts'
import { teacher } from '../target-kinds.ts'
import { softmaxAt } from '../temperature.ts'
import { ELEMENT_BYTES, viewOf } from '../wire/tensor.ts'
import { type Block, defineLoss } from './definition.ts'
import { logSoftmax } from './reference.ts'

export const distillation = defineLoss({
  name: 'distillation',
  title: 'Knowledge distillation',
  summary: "How far the student's softmax is from that of a teacher, both at a temperature.",
  whenToUse:
    "Training a small model towards a large one's distributions, of which a higher temperature shows more. With beta near 1 the student looks for one of the teacher's answers rather than all of them.",
  formula: String.raw`\ell_n = T^2 \sum_k P_{nk} (\log P_{nk} - \log Q_{nk}), \quad P = \mathrm{softmax}(t / T), \quad Q = \mathrm{softmax}(z / T); \qquad 0 < \beta < 1:\ T^2 \big(\beta\, \mathrm{KL}(P \| M) + (1-\beta)\, \mathrm{KL}(Q \| M)\big), \quad M = \beta P + (1-\beta) Q; \qquad \beta = 1:\ T^2\, \mathrm{KL}(Q \| P)`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = T (Q_{nj} - P_{nj}); \qquad \beta > 0:\ T \Big(h_{nj} - Q_{nj} \sum_k h_{nk}\Big), \quad h = (1-\beta)\, Q (\log Q - \log M), \quad \beta = 1:\ h = Q (\log Q - \log P)`,
  references: [
    {
      authors: 'Hinton, Vinyals, Dean',
      title: 'Distilling the Knowledge in a Neural Network',
      year: 2015,
      url: 'https://arxiv.org/abs/1503.02531',
    },
    {
      authors: 'Agarwal, Vieillard, Zhou, Stanczyk, Ramos, Geist, Bachem',
      title: 'On-Policy Distillation of Language Models: Learning from Self-Generated Mistakes',
      year: 2024,
      url: 'https://arxiv.org/abs/2306.13649',
    },
  ],
  torch:
    'temperature ** 2 * F.kl_div(F.log_softmax(logits / temperature, dim=-1), F.log_softmax(teacher_logits / temperature, dim=-1), log_target=True, reduction="batchmean")',
  others: [
    'liger_kernel.transformers.LigerJSD(beta=0.5)(F.log_softmax(logits, dim=-1), F.log_softmax(teacher_logits, dim=-1))  # beta: 0.5, temperature: 1',
    'liger_kernel.chunked_loss.jsd_loss.LigerFusedLinearJSDFunction.distillation_loss_fn(logits, teacher_logits, beta=0.5)  # beta: 0.5, temperature: 1, reduction: "sum"',
    'temperature ** 2 * optax.losses.kl_divergence_with_log_targets(jax.nn.log_softmax(logits / temperature), jax.nn.log_softmax(teacher_logits / temperature)).mean()',
  ],
  oracle: `
    student = F.log_softmax(z / temperature, dim=-1)
    master = F.log_softmax(t / temperature, dim=-1)
    divergence = lambda log_q, log_p: F.kl_div(log_q, log_p, log_target=True, reduction='none').sum(dim=-1)
    if beta is None or beta == 0:
        return temperature ** 2 * divergence(student, master)
    if beta == 1:
        return temperature ** 2 * divergence(master, student)
    mixture = torch.log(beta * master.exp() + (1 - beta) * student.exp())
    return temperature ** 2 * (beta * divergence(mixture, master) + (1 - beta) * divergence(mixture, student))`,
  family: softmaxFamily,
  targets: teacher,
  params: {
    temperature: z
      .number()
      .positive()
      .default(1)
      .describe(
        'T, which both logits are divided by, > 0; the loss is multiplied by its square, so that gradients keep their size.',
      ),
    beta: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        'Share of the teacher in the mixture that both are compared with, in [0, 1]: the generalised Jensen-Shannon divergence. 0 is the loss without beta, 1 compares student to teacher.',
      ),
  },
  variants: [
    { temperature: 2 },
    { temperature: 0.5 },
    { beta: 0 },
    { beta: 0.5 },
    { beta: 1 },
    { beta: 0.1, temperature: 3 },
  ],
  identities: [
    { says: 'beta 0 it is what it is without', params: { beta: 0 }, equals: 'distillation', with: {} },
    {
      says: 'beta 0 at another temperature it is what it is without',
      params: { beta: 0, temperature: 3 },
      equals: 'distillation',
      with: { temperature: 3 },
    },
  ],
  denominator: () => countedRows,
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    teacher_logits: [
      [3, 0.5, 0],
      [0, 2, 1],
    ],
    temperature: 2,
  },

  evaluate: evaluateDistillation,

  reference({ scores, hardTarget }, { temperature, beta = 0 }) {
    const x = logSoftmax(scores.map((score) => score / temperature))
    const log = (p: number) => (p === 0 ? Number.NEGATIVE_INFINITY : Math.log(p))
    const y = hardTarget.map(log)
    const divergence = (logP: readonly number[], logQ: readonly number[]) =>
      logP.reduce((sum, each, k) => (Math.exp(each) === 0 ? sum : sum + Math.exp(each) * (each - logQ[k]!)), 0)
    if (beta === 0) return temperature ** 2 * divergence(y, x)
    if (beta === 1) return temperature ** 2 * divergence(x, y)
    const mixture = y.map((each, k) => log(beta * Math.exp(each) + (1 - beta) * Math.exp(x[k]!)))
    return temperature ** 2 * (beta * divergence(y, mixture) + (1 - beta) * divergence(x, mixture))
  },
})

interface Params {
  readonly temperature: number
  readonly beta?: number | undefined
}

/** Of a class that the student gives something and a teacher at beta 1 gives nothing, the slope, which is infinite, is left out. */
function evaluateDistillation(block: Block, { temperature, beta = 0 }: Params): number {
  const { engine, dtype, numRows, numClasses, targets } = block
  const { memory, typed, kernels } = engine
  const size = numRows * numClasses
  if (targets.kind === 'sparse' || targets.logs === undefined) throw new Error('expected a teacher. This is a bug.')
  const { values, logs } = targets
  return memory.scratch(() => {
    // The gradient starts as the probabilities.
    const probabilities = block.gradients === 0 ? memory.allocate(size * ELEMENT_BYTES[dtype]) : block.gradients
    const softmax = softmaxAt(engine, dtype, block.scores, numRows, numClasses, temperature, probabilities)
    if (softmax.faulty !== -1) return softmax.faulty
    const { shifted, rowMax, logSum } = softmax
    const factors = memory.allocate(numRows * ELEMENT_BYTES.F64)
    const logTarget = beta === 0 ? 0 : memory.allocate(numClasses * ELEMENT_BYTES.F64)
    const losses = memory.f64(block.losses, numRows)
    const factor = memory.f64(factors, numRows)
    const scales = memory.f64(block.gradientScale, numRows)
    for (let n = 0; n < numRows; n++) factor[n] = temperature * scales[n]!
    if (beta === 0) {
      const { divergence } = typed[dtype]
      divergence(values, logs, shifted, numRows, numClasses, rowMax, logSum, factors, block.losses, probabilities)
    } else {
      const target = memory.f64(logTarget, numClasses)
      const logP = viewOf(memory, dtype, logs, size)
      const maxima = memory.f64(rowMax, numRows)
      const logSums = memory.f64(logSum, numRows)
      const { addScaled, away, towards } = typed[dtype]
      for (let n = 0; n < numRows; n++) {
        const start = n * numClasses
        const offset = start * ELEMENT_BYTES[dtype]
        let loss = 0
        if (beta === 1) target.set(logP.subarray(start, start + numClasses))
        else {
          target.fill(0)
          addScaled(values + offset, numClasses, beta, logTarget)
          addScaled(probabilities + offset, numClasses, 1 - beta, logTarget)
          kernels.logarithms(logTarget, numClasses)
          loss = beta * away(values + offset, logs + offset, numClasses, logTarget)
        }
        const share = beta === 1 ? 1 : 1 - beta
        const [z, q] = [shifted + offset, probabilities + offset]
        loss += share * towards(z, numClasses, maxima[n]!, logSums[n]!, logTarget, share, factor[n]!, q)
        losses[n] = loss
      }
    }
    for (let n = 0; n < numRows; n++) losses[n] = temperature * temperature * losses[n]! + 0
    return -1
  })
}
