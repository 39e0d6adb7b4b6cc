import type { FastifyInstance } from 'fastify'
import { EquivalenceAnswer } from '../schemas/answers.ts'
import { EquivalenceBody } from '../schemas/loss.ts'
import type { Services } from '../src/app.ts'
import { evaluationRoute } from './evaluation.ts'

export function equivalenceRoute(app: FastifyInstance, services: Services): void {
  evaluationRoute(app, services, {
    operation: 'equivalence',
    summary: 'Evaluate every formulation of label-smoothed cross entropy on one batch',
    description:
      'Each formulation is computed by its own code path: (1-s) nll + s mean(-log p); dense on/off targets; the mix of two losses. ' +
      'Says how far apart they are and why, and decomposes the loss.',
    body: EquivalenceBody,
    answer: EquivalenceAnswer,
    examples: {
      equal: {
        summary: 'Three formulations, one loss',
        value: {
          logits: [
            [2, 1, 0.1],
            [0.5, 2.5, 0.3],
          ],
          targets: [0, 1],
          label_smoothing: 0.1,
          mixup: { lam: 0.7 },
        },
      },
      weighted: {
        summary: 'Class weights: the denominators differ',
        value: {
          logits: [
            [2, 1, 0.1],
            [0.5, 2.5, 0.3],
          ],
          targets: [0, 1],
          label_smoothing: 0.1,
          class_weights: [1, 2, 3],
        },
      },
    },
  })
}
