import type { LossDefinition } from '../losses/definition.ts'
import { isPresetName, PRESETS } from '../presets.ts'
import type { Envelope } from '../wire/format.ts'

/** The fields of a request with the defaults of its preset, where it has one and the loss smooths. What it gives itself stays. */
export function withPreset(envelope: Envelope, { targets }: Pick<LossDefinition, 'targets'>): Envelope {
  if (!isPresetName(envelope.preset) || targets.smooths === undefined) return envelope
  const preset = PRESETS[envelope.preset]
  return { smoothing: preset[targets.smooths], reduction: preset.reduction, ...envelope }
}
