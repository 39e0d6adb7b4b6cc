import { elementPath, type Layout, wholeRowPath } from './layout.ts'
import { type Refusal, refuseAt } from './problems.ts'

/**
 * Names the first element of a row of scores that no distribution can be made of, or the whole row.
 *
 * @param values [numClasses], the scores of the row
 */
export function scoresNotFinite(
  field: string,
  layout: Layout,
  row: number,
  values: Float32Array | Float64Array,
): Refusal {
  const at = values.findIndex((value) => Number.isNaN(value) || value === Number.POSITIVE_INFINITY)
  return at === -1
    ? refuseAt(
        'logits_not_finite',
        [field, ...wholeRowPath(layout, row)],
        'expected at least one class above -Infinity',
      )
    : refuseAt(
        'logits_not_finite',
        [field, ...elementPath(layout, row, at)],
        `expected a finite number or -Infinity, got ${values[at]}`,
      )
}
