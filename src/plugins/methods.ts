import type { FastifyInstance, HTTPMethods } from 'fastify'
import { excerpt, Refusal } from '../problems.ts'

/** Paths, as routes are added to this scope. */
export function collectPaths(app: FastifyInstance): ReadonlySet<string> {
  const paths = new Set<string>()
  app.addHook('onRoute', ({ url }) => {
    paths.add(url)
  })
  return paths
}

/** Refuses (405, with `Allow`) every method a path does not take. Call it when every route is known. */
export function registerMethodNotAllowed(app: FastifyInstance, paths: ReadonlySet<string>): void {
  for (const url of paths) {
    // The CORS plugin's catch-all for preflight requests: no path of the service.
    if (url === '*') continue
    const methods = app.supportedMethods.filter((method) => !app.hasRoute({ url, method }))
    // A scope within has refused them already.
    if (methods.length === 0) continue
    const allow = app.supportedMethods
      .filter((method) => !methods.includes(method))
      .sort()
      .join(', ')
    app.route({
      method: methods as HTTPMethods[],
      url: url.slice(app.prefix.length),
      schema: { hide: true },
      // Before any body is read.
      onRequest: (request, reply, done) => {
        reply.header('allow', allow)
        const [path] = request.url.split('?', 1)
        done(new Refusal('method_not_allowed', `${excerpt(path!, 128)} takes ${allow}, got ${request.method}`))
      },
      handler: () => undefined,
    })
  }
}
