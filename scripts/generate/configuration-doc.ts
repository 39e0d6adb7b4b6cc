import { Environment } from '../../src/config.ts'
import { GENERATED, table } from './markdown.ts'

/** The environment variables, from the schema that checks them. */
export function configurationDoc(): string {
  const rows = Object.entries(Environment.shape).map(([name, schema]) => {
    const parsed = schema.safeParse(undefined)
    const preset = (schema.meta()?.preset as string | undefined) ?? JSON.stringify(parsed.data)
    return [`\`${name}\``, preset === '[]' ? 'none' : preset.replaceAll('"', ''), schema.description ?? '']
  })
  return [
    GENERATED,
    '# Configuration',
    'The process reads these environment variables once, when it starts. An empty one counts as absent. A bad value stops the process with a message that names every bad variable.',
    table(['variable', 'default', 'meaning'], rows),
    '',
  ].join('\n\n')
}
