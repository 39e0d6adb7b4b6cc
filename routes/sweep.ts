import type { FastifyInstance } from 'fastify'
import { SweepAnswer } from '../schemas/answers.ts'
import { SweepBody } from '../schemas/sweep.ts'
import type { Services } from '../src/app.ts'
import { evaluationRoute } from './evaluation.ts'

export function sweepRoute(app: FastifyInstance, services: Services): void {
  evaluationRoute(app, services, {
    operation: 'sweep',
    summary: 'Evaluate one loss along the values of one of its parameters',
    description:
      'Gives loss and gradient norm at each value. Where a loss is affine in label smoothing the whole curve costs one softmax; ' +
      'otherwise values times rows times classes are bounded.',
    body: SweepBody,
    answer: SweepAnswer,
    examples: {
      label_smoothing: {
        summary: 'Three smoothing factors',
        value: {
          logits: [
            [2, 1, 0.1],
            [0.5, 2.5, 0.3],
          ],
          targets: [0, 1],
          parameter: 'label_smoothing',
          values: [0, 0.1, 0.2],
        },
      },
    },
  })
}
