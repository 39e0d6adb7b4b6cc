ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The sources that the prepare script would build come in the next layers; no dependency needs a script of its own.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json asconfig.json ./
COPY assembly assembly
COPY schemas schemas
COPY routes routes
COPY src src
COPY scripts/bundle.js scripts/bundle.js
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
# Nothing is installed or built from here on.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
    /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-*
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 3000
# node:http, not fetch: it starts faster and takes an IPv6 HOST as it is. A connection to 0.0.0.0 reaches this container.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["node", "-e", "require('node:http').get({ host: process.env.HOST || '0.0.0.0', port: process.env.PORT || 3000, path: '/readyz' }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# In a small container Node's own heap limit is above the memory limit, so the kernel would kill the process before V8 collects.
# Tensors live outside the heap, hence half.
CMD ["node", "--max-old-space-size-percentage=50", "dist/server.js"]
