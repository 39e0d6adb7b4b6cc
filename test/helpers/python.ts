import { spawnSync } from 'node:child_process'

/** The interpreter with the packages of requirements-peers.txt. */
export const python = process.env.PYTHON ?? 'python3'

/** Why peers cannot run here, or undefined. */
export function missingPackages(modules: readonly string[]): string | undefined {
  const missing = modules.filter((name) => spawnSync(python, ['-c', `import ${name}`]).status !== 0)
  if (missing.length === 0) return undefined
  const reason = `${python} cannot import ${missing.join(', ')}: pip install -r requirements-peers.txt`
  process.stdout.write(`skipped: ${reason}\n`)
  return reason
}
