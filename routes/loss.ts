import type { FastifyInstance } from 'fastify'
import { LossAnswer } from '../schemas/answers.ts'
import { LossBody } from '../schemas/loss.ts'
import type { Services } from '../src/app.ts'
import { losses } from '../src/losses/index.ts'
import { evaluationRoute } from './evaluation.ts'

export function lossRoute(app: FastifyInstance, services: Services): void {
  evaluationRoute(app, services, {
    operation: 'loss',
    summary: 'Evaluate one loss over a batch of logits',
    description:
      'Gives the loss, the loss of each row, the gradient with respect to the logits and the smoothed targets.',
    body: LossBody,
    answer: LossAnswer,
    examples: Object.fromEntries(
      losses.map(({ name, title, example }) => [name, { summary: title, value: { loss: name, ...example } }]),
    ),
  })
}
