import { defineConfig } from 'vitest/config'

/** The pages in a real browser; skipped where there is none. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    globalSetup: ['test/helpers/build.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
})
