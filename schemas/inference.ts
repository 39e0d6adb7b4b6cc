import { z } from 'zod'
import type { LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import { PROBLEMS, type ProblemCode } from '../src/problems.ts'
import { DATATYPES, INFERENCE_OUTPUTS, MODEL_VERSION } from '../src/wire/inference.ts'
import { lossShape } from './loss.ts'
import { tensorKinds } from './tensor.ts'

/** The Open Inference Protocol v2 as the service speaks it: every loss is a model. */

const Shape = z.array(z.int())
const Datatype = z.enum(Object.keys(DATATYPES) as [string, ...string[]])

/** Numbers of any nesting. */
const Data = z.custom<unknown>().meta({
  override: ({ jsonSchema }: { jsonSchema: object }) =>
    void Object.assign(jsonSchema, {
      description: 'Row-major, flat or nested. Numbers that JSON lacks are the strings "NaN", "Infinity", "-Infinity".',
      type: 'array',
      items: { anyOf: [{ $ref: '#/components/schemas/Number' }, { $ref: '#/components/schemas/Array1' }] },
    }),
})

const BinarySize = z.int().min(0).describe('Bytes of the tensor behind the JSON, in the order of the tensors.')

const InputTensor = z.object({
  name: z.string().describe('A tensor field of POST /loss: logits, targets, class_weights, mixup.lam, ...'),
  datatype: Datatype,
  shape: Shape,
  data: Data.optional().describe('Not for FP16 and BF16, which are sent as binary data only.'),
  parameters: z.object({ binary_data_size: BinarySize.optional() }).optional(),
})

const RequestedOutput = z.object({
  name: z.enum(Object.keys(INFERENCE_OUTPUTS) as [string, ...string[]]),
  parameters: z
    .object({ binary_data: z.boolean().optional().describe('Default: binary_data_output of the request.') })
    .optional(),
})

export const InferenceRequest = z
  .object({
    id: z.string().optional().describe('Given back in the answer.'),
    model_name: z.string().optional().describe('That of the path.'),
    model_version: z.literal(MODEL_VERSION).optional(),
    parameters: z
      .looseObject({
        binary_data_output: z
          .boolean()
          .default(false)
          .describe('Write outputs as binary data unless they say otherwise.'),
      })
      .optional()
      .describe(
        'Every field of POST /loss that is no tensor: label_smoothing, reduction, dtype, ...; those of mixup as "mixup.lam" and "mixup.pairing".',
      ),
    inputs: z.array(InputTensor),
    outputs: z.array(RequestedOutput).optional().describe('Default: the default outputs of POST /loss.'),
  })
  .meta({ id: 'InferenceRequest' })

export const InferenceResponse = z
  .object({
    model_name: z.string(),
    model_version: z.string(),
    id: z.string().optional(),
    parameters: z
      .object({ warnings: z.string().describe('The warnings of POST /loss as JSON text.') })
      .optional()
      .describe('Left out where there are none.'),
    outputs: z.array(
      z.object({
        name: z.string(),
        datatype: z.enum(['FP32', 'FP64', 'INT32']),
        shape: Shape.describe('Single numbers have the shape [1].'),
        data: z
          .array(
            z.custom<number>().meta({
              override: ({ jsonSchema }: { jsonSchema: object }) =>
                void Object.assign(jsonSchema, { $ref: '#/components/schemas/Number' }),
            }),
          )
          .optional()
          .describe('Flat, row-major.'),
        parameters: z.object({ binary_data_size: BinarySize }).optional(),
      }),
    ),
  })
  .meta({ id: 'InferenceResponse' })

/** The JSON of a message with the binary data of its tensors behind it. */
export const BinaryMessage = z.custom<Uint8Array>().meta({
  id: 'BinaryInferenceMessage',
  override: ({ jsonSchema }: { jsonSchema: object }) =>
    void Object.assign(jsonSchema, {
      description:
        'The JSON, as long as the header Inference-Header-Content-Length says, and behind it the little-endian data of every tensor with binary_data_size.',
      type: 'string',
      format: 'binary',
    }),
})

export const ServerMetadata = z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })

const TensorMetadata = z.object({
  name: z.string(),
  datatype: Datatype,
  shape: Shape.describe('-1 is any length.'),
  parameters: z.object({ optional: z.literal(true) }).optional(),
})

export const ModelMetadata = z
  .object({
    name: z.string(),
    versions: z.array(z.string()),
    platform: z.string(),
    inputs: z.array(TensorMetadata),
    outputs: z.array(TensorMetadata),
  })
  .meta({ id: 'ModelMetadata' })

export const RepositoryIndex = z.array(
  z.object({
    name: z.string(),
    version: z.string(),
    state: z.enum(['READY', 'UNAVAILABLE']),
    reason: z.string(),
  }),
)

const names = losses.map((loss) => loss.name) as [string, ...string[]]

export const ModelParams = z.object({ loss: z.enum(names) })
export const ModelVersionParams = ModelParams.extend({ version: z.literal(MODEL_VERSION) })

/** What a model takes and gives, derived from its loss. Rows may have more dimensions than the shapes say; targets, other datatypes. */
export function modelMetadata(definition: LossDefinition): z.input<typeof ModelMetadata> {
  return {
    name: definition.name,
    versions: [MODEL_VERSION],
    platform: 'lossd',
    inputs: tensorKinds(lossShape(definition))
      .toSorted((a, b) => Number(a.isOptional) - Number(b.isOptional))
      .map(({ path, rank, holds, isOptional }) => ({
        name: path,
        datatype: holds === 'indices' ? 'INT64' : 'FP32',
        shape: Array<number>(rank).fill(-1),
        ...(isOptional ? { parameters: { optional: true } } : {}),
      })),
    outputs: Object.entries(INFERENCE_OUTPUTS).map(([name, { datatype, shape, isPrediction }]) => ({
      name,
      datatype,
      shape: isPrediction && definition.family.predictsFor === 'class' ? [-1, -1] : [...shape],
    })),
  }
}

const InferenceError = z
  .object({ error: z.string().describe('What was expected and what came.') })
  .meta({ id: 'InferenceError' })

/** Responses of these problems, for a route's schema. */
export function inferenceErrors(...codes: readonly ProblemCode[]) {
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))]
  return Object.fromEntries(
    statuses.map((status) => [
      String(status),
      {
        description: codes
          .filter((code) => PROBLEMS[code].status === status)
          .map((code) => PROBLEMS[code].title)
          .join('. '),
        content: { 'application/json': { schema: InferenceError } },
      },
    ]),
  )
}
