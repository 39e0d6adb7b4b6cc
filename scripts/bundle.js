// The process and its worker as one file each: finding and opening some six hundred modules takes longer than everything else a start does.
import { build } from 'esbuild'

// What esbuild leaves of CommonJS in an ES module asks for these.
const banner = `import { createRequire as requireFrom } from 'node:module'
import { fileURLToPath as pathOf } from 'node:url'
const require = requireFrom(import.meta.url), __filename = pathOf(import.meta.url), __dirname = pathOf(new URL('.', import.meta.url))`

await build({
  entryPoints: { server: 'dist/src/server.js', worker: 'dist/src/pool/worker.js' },
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  banner: { js: banner },
  // They open files of their own package by its place: piscina its thread, the UI its assets.
  external: ['piscina', '@fastify/swagger-ui'],
  logLevel: 'warning',
})
