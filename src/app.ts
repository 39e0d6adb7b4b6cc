import Fastify, { type FastifyInstance, type FastifyServerOptions, LogController } from 'fastify'
import { calibrationRoute } from '../routes/calibration.ts'
import { equivalenceRoute } from '../routes/equivalence.ts'
import { gradientCheckRoute } from '../routes/gradient-check.ts'
import { healthRoutes } from '../routes/health.ts'
import { lossRoute } from '../routes/loss.ts'
import { lossesRoutes } from '../routes/losses.ts'
import { metricsRoute } from '../routes/metrics.ts'
import { negotiate } from '../routes/negotiation.ts'
import { openApiRoutes } from '../routes/openapi.ts'
import { problemsRoute } from '../routes/problems.ts'
import { smoothingRoute } from '../routes/smoothing.ts'
import { sweepRoute } from '../routes/sweep.ts'
import { targetsRoute } from '../routes/targets.ts'
import { v2Routes } from '../routes/v2.ts'
import type { Config } from './config.ts'
import { registerBodyReader } from './plugins/body.ts'
import { registerCompression } from './plugins/compression.ts'
import { registerDeadline } from './plugins/deadline.ts'
import { registerDocs, registerOpenApi } from './plugins/docs.ts'
import { type Lifecycle, registerLifecycle } from './plugins/lifecycle.ts'
import { refuseMalformed } from './plugins/malformed.ts'
import { collectPaths, registerMethodNotAllowed } from './plugins/methods.ts'
import { type Metrics, registerMetrics } from './plugins/metrics.ts'
import { refuseUnrouted, registerProblems } from './plugins/problems.ts'
import { registerRequests, requestId } from './plugins/requests.ts'
import { registerSecurity } from './plugins/security.ts'
import { createPool, type Pool } from './pool/pool.ts'
import { version } from './version.ts'
import { formats } from './wire/index.ts'

/** What routes work with. */
export interface Services {
  readonly config: Config
  readonly pool: Pool
  readonly metrics: Metrics
  readonly lifecycle: Lifecycle
}

export interface App {
  readonly server: FastifyInstance
  readonly services: Services
}

/** The whole service, wired and not listening. Closing the server closes the pool. */
export async function buildApp(config: Config, options: Pick<FastifyServerOptions, 'logger'> = {}): Promise<App> {
  const server = Fastify({
    logger: options.logger ?? {
      level: config.logLevel,
      redact: ['req.headers.authorization', 'req.headers["x-api-key"]'],
    },
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (message) => requestId(message as never),
    requestIdHeader: false,
    // Draining is announced by the lifecycle plugin, in the words of the contract.
    return503OnClosing: false,
    frameworkErrors: refuseUnrouted,
    clientErrorHandler: (error, socket) => refuseMalformed(server, error, socket, lifecycle.endAfterAnswers),
    bodyLimit: config.maxBodyBytes,
  })
  const pool = createPool(config)
  server.addHook('onClose', () => pool.close())
  // The pipeline validates bodies, in the worker; here the zod schemas are the contract that the documents are made from.
  server.setValidatorCompiler(() => () => true)
  server.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  const paths = collectPaths(server)

  registerProblems(server)
  registerRequests(server)
  const lifecycle = registerLifecycle(server, pool)
  const metrics = registerMetrics(server, pool)
  registerDeadline(server, config.requestTimeoutMs)
  await registerSecurity(server, config)
  await registerCompression(server, config.compressAnswers)
  registerBodyReader(
    server,
    Object.values(formats).flatMap((format) => format.mediaTypes),
    config.maxBodyBytes,
    pool.newBody,
    negotiate,
  )
  await registerOpenApi(server, version)

  const services: Services = { config, pool, metrics, lifecycle }
  lossRoute(server, services)
  targetsRoute(server, services)
  equivalenceRoute(server, services)
  sweepRoute(server, services)
  gradientCheckRoute(server, services)
  calibrationRoute(server, services)
  smoothingRoute(server, services)
  lossesRoutes(server)
  problemsRoute(server)
  healthRoutes(server, services)
  metricsRoute(server, services)
  await v2Routes(server, services)
  openApiRoutes(server)
  await registerDocs(server)
  registerMethodNotAllowed(server, paths)
  return { server, services }
}
