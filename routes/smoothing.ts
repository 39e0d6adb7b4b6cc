import type { FastifyInstance } from 'fastify'
import { SmoothingAnswer } from '../schemas/answers.ts'
import { SmoothingBody } from '../schemas/smoothing.ts'
import type { Services } from '../src/app.ts'
import { evaluationRoute } from './evaluation.ts'

export function smoothingRoute(app: FastifyInstance, services: Services): void {
  evaluationRoute(app, services, {
    operation: 'smoothing/convert',
    operationId: 'convertSmoothing',
    summary: 'Convert a smoothing factor from one convention to another',
    description:
      'Gives the factor with which another convention, or library, smooths to the same targets; or says why there is none.',
    body: SmoothingBody,
    answer: SmoothingAnswer,
    examples: {
      fairseq_to_pytorch: {
        summary: "fairseq's factor in PyTorch",
        value: { label_smoothing: 0.1, num_classes: 10, from: 'fairseq', to: 'pytorch' },
      },
      half: {
        summary: 'A convention that no other equals',
        value: { label_smoothing: 0.1, num_classes: 10, from: 'half', to: 'uniform' },
      },
    },
  })
}
