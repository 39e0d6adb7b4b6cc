import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/slow/**', 'test/peers/**', 'test/browser/**'],
    globalSetup: ['test/helpers/build.ts'],
    // One fewer, as by default, would be one on two cores.
    maxWorkers: availableParallelism(),
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
