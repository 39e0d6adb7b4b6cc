import type { FastifyInstance } from 'fastify'
import { GradientCheckAnswer } from '../schemas/answers.ts'
import { GradientCheckBody } from '../schemas/gradient-check.ts'
import type { Services } from '../src/app.ts'
import { evaluationRoute } from './evaluation.ts'

export function gradientCheckRoute(app: FastifyInstance, services: Services): void {
  evaluationRoute(app, services, {
    operation: 'gradient-check',
    operationId: 'checkGradient',
    summary: 'Check the gradient of a loss against central differences',
    description:
      'Moves sampled logits up and down and compares what the reduced loss does with the gradient that POST /loss answers.',
    body: GradientCheckBody,
    answer: GradientCheckAnswer,
    examples: {
      every_coordinate: {
        summary: 'Every logit of two rows',
        value: {
          logits: [
            [2, 1, 0.1],
            [0.5, 2.5, 0.3],
          ],
          targets: [0, 1],
          label_smoothing: 0.1,
          dtype: 'float64',
        },
      },
    },
  })
}
