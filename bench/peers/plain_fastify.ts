import Fastify from 'fastify'
import { z } from 'zod'

/**
 * Cross entropy as a service in the plain way: Fastify's JSON parser, a nested zod array, arrays of numbers, JSON.stringify.
 * Usage: PORT=... plain_fastify.ts
 */
const BODY_LIMIT_BYTES = 64 * 2 ** 20

const LossRequest = z.object({
  logits: z.array(z.array(z.number()).min(1)).min(1),
  targets: z.array(z.int().min(0)),
  label_smoothing: z.number().min(0).max(1).default(0),
})

const app = Fastify({ bodyLimit: BODY_LIMIT_BYTES })
app.get('/readyz', () => ({ status: 'ready' }))
app.post('/loss', (request, reply) => {
  const parsed = LossRequest.safeParse(request.body)
  if (!parsed.success) return reply.code(422).send({ errors: parsed.error.issues.slice(0, 10) })
  const { logits, targets, label_smoothing } = parsed.data
  return reply.type('application/json').send(JSON.stringify(evaluate(logits, targets, label_smoothing)))
})
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })

function evaluate(logits: number[][], targets: number[], smoothing: number) {
  const numRows = logits.length
  const numClasses = logits[0]!.length
  const offValue = smoothing / numClasses
  const onValue = 1 - smoothing + offValue
  const losses: number[] = []
  const gradients: number[][] = []
  const smoothedTargets: number[][] = []
  for (let n = 0; n < numRows; n++) {
    const row = logits[n]!
    const target = targets[n]!
    let max = row[0]!
    for (let k = 1; k < numClasses; k++) if (row[k]! > max) max = row[k]!
    const exponentials = new Array<number>(numClasses)
    let sum = 0
    for (let k = 0; k < numClasses; k++) sum += exponentials[k] = Math.exp(row[k]! - max)
    const logSum = Math.log(sum)
    const gradient = new Array<number>(numClasses)
    const smoothed = new Array<number>(numClasses)
    let loss = 0
    for (let k = 0; k < numClasses; k++) {
      const q = k === target ? onValue : offValue
      loss -= q * (row[k]! - max - logSum)
      gradient[k] = (exponentials[k]! / sum - q) / numRows
      smoothed[k] = q
    }
    losses.push(loss)
    gradients.push(gradient)
    smoothedTargets.push(smoothed)
  }
  const loss = losses.reduce((total, each) => total + each, 0) / numRows
  return { loss, losses, gradients, smoothed_targets: smoothedTargets }
}
