import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { fastifyZodOpenApiPlugin, fastifyZodOpenApiTransformers } from 'fastify-zod-openapi'
import { tensorComponents } from '../../schemas/tensor.ts'

const DESCRIPTION = `Evaluates classification losses: batched logits and targets in; losses, gradients and smoothed targets out.

Numbers are PyTorch's. Names are its argument names. Numbers that JSON lacks are the strings "NaN", "Infinity" and "-Infinity".`

/** OpenAPI from the routes' zod schemas. Register it before the routes. */
export async function registerOpenApi(app: FastifyInstance, version: string): Promise<void> {
  // Tensors are zod's custom type; their metadata says what they look like on the wire.
  await app.register(fastifyZodOpenApiPlugin, { documentOpts: { allowEmptySchema: { custom: true } } })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: { title: 'lossd', version, description: DESCRIPTION, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: '/' }],
      // Keys are asked for where the server is configured with some.
      security: [{}, { bearer: [] }, { apiKey: [] }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
        },
        schemas: tensorComponents as never,
      },
      tags: [
        { name: 'evaluation', description: 'Losses, targets, and tools over them.' },
        { name: 'inference protocol', description: 'Open Inference Protocol v2: every loss is a model.' },
        { name: 'catalogue', description: 'What there is.' },
        { name: 'operations', description: 'Health and metrics.' },
      ],
    },
    ...documentTransformers(),
  })
}

interface Content {
  [mediaType: string]: { examples?: unknown }
}

type Transformers = Required<Pick<FastifyDynamicSwaggerOptions, 'transform' | 'transformObject'>>

/**
 * The transformers from zod, and around them what two libraries leave out: of a body that has several media types @fastify/swagger drops the
 * examples and takes the description of the last for that of all, and zod-openapi can make a document only once, which is then both the JSON and the YAML.
 */
function documentTransformers(): Transformers {
  const { transform, transformObject } = fastifyZodOpenApiTransformers as Transformers
  const bodies: { path: string; method: string; content: Content }[] = []
  let document: ReturnType<Transformers['transformObject']> | undefined
  return {
    transform(route) {
      const content = (route.schema?.body as { content?: Content } | undefined)?.content
      const path = route.url.replace(/:(\w+)/g, '{$1}')
      if (content) bodies.push({ path, method: String(route.route.method).toLowerCase(), content })
      return transform(route)
    },
    transformObject(input) {
      document ??= transformObject(input)
      const paths = document.paths as Record<
        string,
        Record<string, { requestBody: { description?: string; content: Content } }>
      >
      for (const { path, method, content } of bodies) {
        const body = paths[path]?.[method]?.requestBody
        if (!body) continue
        body.description = 'In the format that Content-Type names.'
        for (const [mediaType, { examples }] of Object.entries(content))
          if (examples && body.content[mediaType]) body.content[mediaType].examples = examples
      }
      return document
    },
  }
}

/** Swagger UI at /docs, every asset served by this process. */
export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // Highlighting freezes the page on answers of more than about 1 MB.
    uiConfig: {
      syntaxHighlight: false,
      tryItOutEnabled: true,
      displayRequestDuration: true,
      validatorUrl: null,
    } as never,
  })
}
