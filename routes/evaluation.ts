import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { problemResponses } from '../schemas/problem.ts'
import { SafetensorsContainer } from '../schemas/safetensors.ts'
import type { Services } from '../src/app.ts'
import type { Formats, OperationName } from '../src/evaluate.ts'
import { sendAnswer } from '../src/plugins/large-answers.ts'
import { sendProblem } from '../src/plugins/problems.ts'
import { clock, type TaskResult, type WorkReport } from '../src/pool/message.ts'
import type { ProblemCode } from '../src/problems.ts'
import { negotiate } from './negotiation.ts'

export interface EvaluationRoute {
  /** Also its path. */
  readonly operation: OperationName
  /** Where the operation's name is not made of letters. */
  readonly operationId?: string
  readonly summary: string
  readonly description: string
  readonly body: z.ZodType
  readonly answer: z.ZodType
  readonly examples: Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>
}

const safetensorsContent = { 'application/vnd.safetensors': { schema: SafetensorsContainer } }

/** A POST path that hands the bytes of its body to a worker and answers with the worker's. */
export function evaluationRoute(app: FastifyInstance, services: Services, route: EvaluationRoute): void {
  app.post(
    `/${route.operation}`,
    {
      config: { isEvaluation: true },
      schema: {
        operationId: route.operationId ?? route.operation,
        summary: route.summary,
        description: route.description,
        tags: ['evaluation'],
        body: {
          content: { 'application/json': { schema: route.body, examples: route.examples }, ...safetensorsContent },
        },
        response: {
          200: {
            description: 'The outputs that were asked for.',
            content: { 'application/json': { schema: route.answer }, ...safetensorsContent },
          },
          ...problemResponses(...EVALUATION_PROBLEMS),
        },
      } as never,
    },
    async (request, reply) => {
      const { formats, mediaType } = negotiate(request)
      const result = await evaluateBody(services, route.operation, formats, request, reply)
      return sendResult(request, reply, result, mediaType)
    },
  )
}

/** Hands the bytes of the body to a worker, counts what that cost and says so in a header. */
export async function evaluateBody(
  { pool, metrics }: Services,
  operation: OperationName,
  formats: Formats,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<TaskResult> {
  const body = (request.body ?? new Uint8Array(0)) as Uint8Array
  const bodyBytes = body.byteLength
  const queuedAt = clock()
  const result = await pool.evaluate(operation, body, formats, request.deadline)
  const queueMs = result.report.startedAt - queuedAt
  const answerBytes = (result.body?.byteLength ?? 0) + (result.insertion?.bytes.byteLength ?? 0)
  metrics.observeWork(result.report, queueMs, bodyBytes, answerBytes)
  reply.header('server-timing', serverTiming(result.report, queueMs))
  return result
}

/** What an evaluation may be refused with. */
export const EVALUATION_PROBLEMS = [
  'json_invalid',
  'tensor_invalid',
  'unauthorized',
  'not_acceptable',
  'body_too_large',
  'media_type_unsupported',
  'validation_failed',
  'shape_mismatch',
  'target_out_of_range',
  'targets_not_a_distribution',
  'logits_not_finite',
  'rate_limited',
  'internal',
  'overloaded',
  'draining',
  'deadline_exceeded',
] as const satisfies readonly ProblemCode[]

function serverTiming({ decodeMs, computeMs, encodeMs }: WorkReport, queueMs: number): string {
  return `${stage('queue', queueMs)}, ${stage('decode', decodeMs)}, ${stage('compute', computeMs)}, ${stage('encode', encodeMs)}`
}

function stage(name: string, ms: number): string {
  return `${name};dur=${ms.toFixed(3)}`
}

function sendResult(request: FastifyRequest, reply: FastifyReply, result: TaskResult, mediaType: string): FastifyReply {
  if (result.problem) return sendProblem(request, reply, result.problem)
  return sendAnswer(reply.type(mediaType), result)
}
