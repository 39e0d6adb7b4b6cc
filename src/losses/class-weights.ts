import { smoothedValue } from '../smoothing.ts'
import type { Judged, Warning } from './definition.ts'

/** Classes that one warning names. */
const MOST_NAMED = 10

/**
 * Of losses sum_k w_k q_k f(p_k) with a falling f: the smallest of them is where p follows w q and not q, so that a class with a large weight can get more than the
 * class of the target although smoothing gives it little (pytorch 104776).
 */
export function classWeightsMoveOptimum({ memory, numClasses, targets, classWeights }: Judged): Warning[] {
  const { rows, counted } = targets
  const { smoothing } = rows
  if (!classWeights || rows.kind === 'dense' || smoothing.mass === 0) return []
  let heaviest = 0
  const offWeight = (k: number) => classWeights[k]! * smoothedValue(smoothing, k, 0)
  for (let k = 1; k < numClasses; k++) if (offWeight(k) > offWeight(heaviest)) heaviest = k
  const off = smoothedValue(smoothing, heaviest, 0)
  const isOvertaken = (label: number) => {
    const on = smoothedValue(smoothing, label, 1)
    return label !== heaviest && off <= on && offWeight(heaviest) > classWeights[label]! * on
  }

  const labels = memory.i32(rows.labels, counted.length * rows.entries)
  const shares = memory.f64(rows.shares, labels.length)
  const present = new Set<number>()
  for (let i = 0; i < labels.length; i++)
    if (counted[Math.floor(i / rows.entries)] && shares[i]! > 0) present.add(labels[i]!)
  const overtaken = [...present].filter(isOvertaken).sort((a, b) => a - b)
  if (overtaken.length === 0) return []
  const named = overtaken.slice(0, MOST_NAMED).join(', ')
  const more = overtaken.length > MOST_NAMED ? ` and ${overtaken.length - MOST_NAMED} more` : ''
  return [
    {
      code: 'class_weights_move_optimum',
      detail: `with smoothing and these class weights the loss of a row of class ${named}${more} is smallest where class ${heaviest} gets the largest probability: the optimum follows w q, not q`,
    },
  ]
}
