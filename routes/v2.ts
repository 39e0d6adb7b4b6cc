import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  BinaryMessage,
  InferenceRequest,
  InferenceResponse,
  inferenceErrors,
  ModelMetadata,
  ModelParams,
  ModelVersionParams,
  modelMetadata,
  RepositoryIndex,
  ServerMetadata,
} from '../schemas/inference.ts'
import type { Services } from '../src/app.ts'
import { losses } from '../src/losses/index.ts'
import { registerBodyReader } from '../src/plugins/body.ts'
import { sendAnswer } from '../src/plugins/large-answers.ts'
import { collectPaths, registerMethodNotAllowed } from '../src/plugins/methods.ts'
import { registerProblems, sendInferenceError } from '../src/plugins/problems.ts'
import { excerpt, Refusal, shown } from '../src/problems.ts'
import { version } from '../src/version.ts'
import { MODEL_VERSION } from '../src/wire/inference.ts'
import { EVALUATION_PROBLEMS, evaluateBody } from './evaluation.ts'

interface ModelRequest {
  Params: { loss: string; version?: string }
}

const MEDIA_TYPES = ['application/json', 'application/octet-stream']
/** More digits than any body has. */
const HEADER_LENGTH = /^\d{1,12}$/
const HEADER_LENGTH_DESCRIPTION = 'Bytes of the JSON in front of binary data, where there is some.'

/** The Open Inference Protocol v2: every loss is a model. Its errors are `{"error": "..."}`, so it has a scope of its own. */
export async function v2Routes(app: FastifyInstance, services: Services): Promise<void> {
  await app.register(
    async (scope) => {
      const paths = collectPaths(scope)
      registerProblems(scope, sendInferenceError)
      // Any, since published clients send none; the check leaves what the protocol knows.
      registerBodyReader(scope, ['*'], services.config.maxBodyBytes, services.pool.newBody, checkHeaders)
      serverRoutes(scope, services)
      for (const path of ['/models/:loss', '/models/:loss/versions/:version']) modelRoutes(scope, services, path)
      registerMethodNotAllowed(scope, paths)
    },
    { prefix: '/v2' },
  )
}

function serverRoutes(scope: FastifyInstance, { lifecycle }: Services): void {
  const Live = z.object({ live: z.boolean() })
  const Ready = z.object({ ready: z.boolean() })
  scope.get(
    '',
    { schema: describe('v2Server', 'Describe the server', { 200: answer('The server.', ServerMetadata) }) },
    () => ({ name: 'lossd', version, extensions: ['binary_tensor_data'] }),
  )
  scope.get(
    '/health/live',
    { logLevel: 'warn', schema: describe('v2Live', 'Is the process alive?', { 200: answer('It answers.', Live) }) },
    () => ({ live: true }),
  )
  scope.get(
    '/health/ready',
    {
      logLevel: 'warn',
      schema: describe('v2Ready', 'May requests be sent here?', {
        200: answer('Workers are warm.', Ready),
        503: answer('Workers are coming up, or the server is shutting down.', Ready),
      }),
    },
    (_request, reply) => reply.code(lifecycle.isReady ? 200 : 503).send({ ready: lifecycle.isReady }),
  )
  scope.post(
    '/repository/index',
    { schema: describe('v2Index', 'List every model', { 200: answer('The models.', RepositoryIndex) }) },
    () => {
      const state = lifecycle.isReady ? 'READY' : 'UNAVAILABLE'
      return losses.map(({ name }) => ({ name, version: MODEL_VERSION, state, reason: '' }))
    },
  )
}

function modelRoutes(scope: FastifyInstance, services: Services, path: string): void {
  const isVersioned = path.includes(':version')
  const params = isVersioned ? ModelVersionParams : ModelParams
  const suffix = isVersioned ? 'Version' : ''
  // Before any body is read.
  const onRequest = ({ params }: FastifyRequest<ModelRequest>, _reply: FastifyReply, done: (error?: Error) => void) =>
    done(missingModel(params))
  const notFound = inferenceErrors('not_found')

  scope.get<ModelRequest>(
    path,
    {
      onRequest,
      schema: describe(
        `v2Model${suffix}`,
        'Describe one model',
        {
          200: answer('Its inputs and outputs.', ModelMetadata),
          ...notFound,
        },
        { params },
      ),
    },
    ({ params: { loss } }) => modelMetadata(losses.find(({ name }) => name === loss)!),
  )
  scope.get<ModelRequest>(
    `${path}/ready`,
    {
      onRequest,
      schema: describe(
        `v2ModelReady${suffix}`,
        'Is the model ready?',
        {
          200: answer('It is.', ModelReady),
          503: answer('Workers are coming up, or the server is shutting down.', ModelReady),
          ...notFound,
        },
        { params },
      ),
    },
    ({ params: { loss } }, reply) => {
      const ready = services.lifecycle.isReady
      return reply.code(ready ? 200 : 503).send({ name: loss, ready })
    },
  )
  scope.post<ModelRequest>(
    `${path}/infer`,
    {
      config: { isEvaluation: true },
      onRequest,
      schema: describe(
        `v2Infer${suffix}`,
        'Evaluate one loss over a batch',
        {
          200: {
            description: 'The outputs that were asked for.',
            headers: { 'inference-header-content-length': { type: 'string', description: HEADER_LENGTH_DESCRIPTION } },
            content: {
              'application/json': { schema: InferenceResponse },
              'application/octet-stream': { schema: BinaryMessage },
            },
          },
          ...inferenceErrors('not_found', ...EVALUATION_PROBLEMS.filter((code) => code !== 'not_acceptable')),
        },
        {
          params,
          headers: z.object({
            'inference-header-content-length': z.string().optional().describe(HEADER_LENGTH_DESCRIPTION),
          }),
          body: {
            content: {
              'application/json': { schema: InferenceRequest, examples: INFERENCE_EXAMPLES },
              'application/octet-stream': { schema: BinaryMessage },
            },
          },
        },
      ),
    },
    async (request, reply) => {
      const hints = { loss: request.params.loss, ...headerLengthOf(request) }
      const formats = { request: 'inference', response: 'inference', hints }
      const result = await evaluateBody(services, 'loss', formats, request, reply)
      if (result.problem) return sendInferenceError(request, reply, result.problem)
      return sendAnswer(reply.headers(result.headers ?? {}).type(result.mediaType!), result)
    },
  )
}

const ModelReady = z.object({ name: z.string(), ready: z.boolean() })

const INFERENCE_EXAMPLES = {
  label_smoothing: {
    summary: 'Two rows of three classes',
    value: {
      parameters: { label_smoothing: 0.1 },
      inputs: [
        { name: 'logits', datatype: 'FP32', shape: [2, 3], data: [2, 1, 0.1, 0.5, 2.5, 0.3] },
        { name: 'targets', datatype: 'INT64', shape: [2], data: [0, 1] },
      ],
      outputs: [{ name: 'loss' }, { name: 'gradients' }],
    },
  },
}

function describe(operationId: string, summary: string, response: object, more: object = {}) {
  return { operationId, summary, tags: ['inference protocol'], response, ...more } as never
}

function answer(description: string, schema: z.ZodType) {
  return { description, content: { 'application/json': { schema } } }
}

function missingModel({ loss, version: wanted = MODEL_VERSION }: ModelRequest['Params']): Refusal | undefined {
  if (!losses.some(({ name }) => name === loss)) {
    const names = losses.map(({ name }) => name).join(', ')
    return new Refusal('not_found', `no model is called ${shown(loss)}; there are ${names}`)
  }
  if (wanted === MODEL_VERSION) return undefined
  return new Refusal('not_found', `${loss} has no version ${shown(wanted)}; it has ${MODEL_VERSION}`)
}

/** Refuses what the headers alone say cannot be read. */
function checkHeaders(request: FastifyRequest): void {
  headerLengthOf(request)
  const given = request.headers['content-type']
  if (given === undefined || MEDIA_TYPES.includes(given.split(';', 1)[0]!.trim().toLowerCase())) return
  throw new Refusal('media_type_unsupported', `expected ${MEDIA_TYPES.join(', ')} or none, got ${excerpt(given)}`)
}

function headerLengthOf({ headers }: FastifyRequest): { headerLength?: number } {
  const given = headers['inference-header-content-length']
  if (given === undefined) return {}
  if (typeof given === 'string' && HEADER_LENGTH.test(given)) return { headerLength: Number(given) }
  throw new Refusal(
    'tensor_invalid',
    `expected Inference-Header-Content-Length to be a number of bytes, got ${shown(given)}`,
  )
}
