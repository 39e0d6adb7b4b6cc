import { z } from 'zod'
import { softmaxFamily } from '../families/softmax.ts'
import { distributions } from '../target-kinds.ts'
import { classWeightsMoveOptimum } from './class-weights.ts'
import { crossEntropyOfDistributions, crossEntropyOfLabels, isSparse } from './cross-entropy-routes.ts'
import { type Block, defineLoss } from './definition.ts'
import { evaluateModified, isPlain } from './modified-logits.ts'
import { logSoftmax, weightedCrossEntropy } from './reference.ts'

export const crossEntropy = defineLoss({
  name: 'cross_entropy',
  title: 'Cross entropy',
  summary:
    'Log-softmax followed by the negative log-likelihood, over class indices or probabilities, with label smoothing.',
  whenToUse:
    'The default for one class out of many. With label smoothing it keeps the model from growing its logits without bound.',
  formula: String.raw`\ell_n = -\sum_k w_k\, q_{nk} \log p_{nk} + \lambda\, \mathrm{lse}(z'_n)^2, \quad p_n = \mathrm{softmax}(z'_n), \quad z' = \tfrac{c}{T} \tanh \tfrac{z}{c}`,
  gradient: String.raw`\frac{\partial \ell_n}{\partial z_{nj}} = \Big(p_{nj} \sum_k w_k q_{nk} - w_j q_{nj} + 2 \lambda\, \mathrm{lse}(z'_n)\, p_{nj}\Big) \tfrac{1}{T} \Big(1 - \tanh^2 \tfrac{z_{nj}}{c}\Big)`,
  references: [
    {
      authors: 'Szegedy, Vanhoucke, Ioffe, Shlens, Wojna',
      title: 'Rethinking the Inception Architecture for Computer Vision',
      year: 2016,
      url: 'https://arxiv.org/abs/1512.00567',
    },
    {
      authors: 'Chowdhery et al.',
      title: 'PaLM: Scaling Language Modeling with Pathways (z-loss)',
      year: 2022,
      url: 'https://arxiv.org/abs/2204.02311',
    },
    {
      authors: 'Gemma Team',
      title: 'Gemma 2: Improving Open Language Models at a Practical Size (softcap)',
      year: 2024,
      url: 'https://arxiv.org/abs/2408.00118',
    },
    {
      authors: 'Hsu et al.',
      title: 'Liger Kernel: Efficient Triton Kernels for LLM Training',
      year: 2024,
      url: 'https://arxiv.org/abs/2410.10989',
    },
  ],
  torch:
    'F.cross_entropy(logits, targets, weight=class_weights, ignore_index=-100, reduction="mean", label_smoothing=0.1)',
  others: [
    'keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)(one_hot, logits)',
    'optax.softmax_cross_entropy(logits, optax.smooth_labels(one_hot, 0.1)).mean()',
    'fairseq.criterions.label_smoothed_cross_entropy.label_smoothed_nll_loss(F.log_softmax(logits, dim=-1), targets, epsilon=0.1)[0]  # smoothing: "others", reduction: "sum"',
    'liger_kernel.transformers.LigerCrossEntropyLoss(label_smoothing=0.1, lse_square_scale=z_loss, softcap=softcap)(logits, targets)',
  ],
  oracle: `
    if softcap is not None:
        z = torch.where(z == -torch.inf, z, softcap * torch.tanh(z / softcap))
    z = z if temperature == 1 else z / temperature
    if y is not None:
        loss = F.cross_entropy(z, y, weight=w, reduction='none', label_smoothing=s)
    else:
        loss = F.cross_entropy(z, q, weight=w, reduction='none')
    return loss if z_loss == 0 else loss + unweighted * z_loss * torch.logsumexp(z, dim=-1) ** 2`,
  family: softmaxFamily,
  targets: distributions,
  params: {
    z_loss: z
      .number()
      .min(0)
      .default(0)
      .describe('Weight lambda >= 0 of the squared logsumexp, which keeps logits near 0; no class weighs it.'),
    softcap: z
      .number()
      .positive()
      .describe('Bends logits into (-c, c) first; a class at -Infinity stays there.')
      .optional(),
    temperature: z.number().positive().default(1).describe('Divides the logits by T > 0, after the cap.'),
  },
  variants: [{ z_loss: 0.01 }, { softcap: 3 }, { temperature: 2.5 }, { z_loss: 0.001, softcap: 30, temperature: 0.5 }],
  example: {
    logits: [
      [2, 1, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
    label_smoothing: 0.1,
  },
  affineInSmoothing: isPlain,
  warnings: classWeightsMoveOptimum,

  evaluate: (block, modifiers) =>
    isPlain(modifiers) ? plainCrossEntropy(block) : evaluateModified(block, modifiers, plainCrossEntropy),

  reference({ scores, target, classWeights, unweighted }, { z_loss: zLoss, softcap, temperature }) {
    const logits = scores.map((score) => {
      const isCapped = softcap !== undefined && score !== Number.NEGATIVE_INFINITY
      return (isCapped ? softcap * Math.tanh(score / softcap) : score) / temperature
    })
    const logProbabilities = logSoftmax(logits)
    const top = logits.indexOf(Math.max(...logits))
    const logPartition = logits[top]! - logProbabilities[top]!
    return weightedCrossEntropy(target, classWeights, logProbabilities) + unweighted * zLoss * logPartition ** 2
  },
})

function plainCrossEntropy(block: Block): number {
  return isSparse(block.targets) ? crossEntropyOfLabels(block, block.targets) : crossEntropyOfDistributions(block)
}
