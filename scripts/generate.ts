import { readFileSync, writeFileSync } from 'node:fs'
import { configurationDoc } from './generate/configuration-doc.ts'
import { errorsDoc } from './generate/errors-doc.ts'
import { lossesDoc } from './generate/losses-doc.ts'
import { openApiYaml } from './generate/openapi.ts'
import { kernelTables } from './generate/tables.ts'

/** Every file that is derived from the code. `--check` writes nothing and fails where one is stale. */
const files: Record<string, () => string | Promise<string>> = {
  'openapi.yaml': openApiYaml,
  'docs/losses.md': lossesDoc,
  'docs/errors.md': errorsDoc,
  'docs/configuration.md': configurationDoc,
  'assembly/tables.ts': kernelTables,
}

const isCheck = process.argv.includes('--check')
const stale: string[] = []
for (const [path, generate] of Object.entries(files)) {
  const fresh = await generate()
  if (read(path) === fresh) continue
  stale.push(path)
  if (!isCheck) writeFileSync(path, fresh)
}
if (isCheck && stale.length > 0) {
  process.stderr.write(`stale: ${stale.join(', ')}; run \`npm run generate\` and commit what it writes\n`)
  process.exitCode = 1
} else if (!isCheck) {
  process.stdout.write(stale.length === 0 ? 'everything was fresh\n' : `wrote ${stale.join(', ')}\n`)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
