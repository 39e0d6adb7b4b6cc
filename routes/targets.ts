import type { FastifyInstance } from 'fastify'
import { TargetsAnswer } from '../schemas/answers.ts'
import { TargetsBody } from '../schemas/targets.ts'
import type { Services } from '../src/app.ts'
import { evaluationRoute } from './evaluation.ts'

export function targetsRoute(app: FastifyInstance, services: Services): void {
  evaluationRoute(app, services, {
    operation: 'targets',
    summary: 'Smooth and mix targets alone',
    description:
      'Needs no logits. For class indices the values on and off the class are given too: 1 - s + s/K and s/K.',
    body: TargetsBody,
    answer: TargetsAnswer,
    examples: {
      smoothed: { summary: 'Smoothed class indices', value: { targets: [0, 2], num_classes: 3, label_smoothing: 0.1 } },
      mixed: {
        summary: 'Smoothed and mixed with the flipped batch',
        value: { targets: [0, 2], num_classes: 3, label_smoothing: 0.1, mixup: { lam: 0.3 } },
      },
    },
  })
}
