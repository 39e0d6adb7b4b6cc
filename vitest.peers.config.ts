import { defineConfig } from 'vitest/config'

/** Clients in other languages, against the service as a process; skipped where their packages are missing. */
export default defineConfig({
  test: {
    include: ['test/peers/**/*.test.ts'],
    globalSetup: ['test/helpers/build.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
