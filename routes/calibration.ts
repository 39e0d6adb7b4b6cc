import type { FastifyInstance } from 'fastify'
import { CalibrationAnswer } from '../schemas/answers.ts'
import { CalibrationBody } from '../schemas/calibration.ts'
import type { Services } from '../src/app.ts'
import { evaluationRoute } from './evaluation.ts'

export function calibrationRoute(app: FastifyInstance, services: Services): void {
  evaluationRoute(app, services, {
    operation: 'calibration',
    summary: 'Compare the confidence of a classifier with its accuracy',
    description:
      'Calibration errors, Brier score and reliability bins of top-1 confidence, and the temperature that minimises the negative log-likelihood.',
    body: CalibrationBody,
    answer: CalibrationAnswer,
    examples: {
      overconfident: {
        summary: 'Five bins of four rows, one of them wrong and sure',
        value: {
          logits: [
            [4, 0, 0],
            [0, 3, 0],
            [5, 0, 1],
            [1, 0, 2],
          ],
          targets: [0, 1, 2, 2],
          bins: 5,
        },
      },
    },
  })
}
