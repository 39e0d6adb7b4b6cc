import { DEFAULT_LOSS } from '../../schemas/loss.ts'
import type { LossDefinition } from '../losses/definition.ts'
import { losses } from '../losses/index.ts'
import { refuseAt, shown } from '../problems.ts'
import type { Envelope } from '../wire/format.ts'
import { suggestion } from './validate.ts'

const definitions: ReadonlyMap<string, LossDefinition> = new Map(losses.map((loss) => [loss.name, loss]))

/** The loss a request names, or the default one; refuses a name that no loss has. */
export function selectLoss(envelope: Envelope): LossDefinition {
  const name = envelope.loss === undefined ? DEFAULT_LOSS : envelope.loss
  const definition = typeof name === 'string' ? definitions.get(name) : undefined
  if (definition) return definition
  const known = [...definitions.keys()]
  const meant = typeof name === 'string' ? suggestion(name, known) : ''
  throw refuseAt('validation_failed', ['loss'], `expected one of ${known.join(', ')}, got ${shown(name)}${meant}`)
}
