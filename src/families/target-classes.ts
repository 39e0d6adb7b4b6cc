import { labelShares } from '../target-rows.ts'
import type { Scored } from './family.ts'

/** int32 [numRows]: the class that the unsmoothed target of each row gives most, the lowest on a tie; -1 for an ignored row. */
export function targetClasses({ engine, layout, dtype, targets }: Omit<Scored, 'scores'>): Int32Array {
  const { numRows, numClasses } = layout
  const shares = labelShares(engine.memory, dtype, targets.rows, numRows, numClasses)
  const classes = new Int32Array(numRows).fill(-1)
  for (let row = 0; row < numRows; row++) {
    if (!targets.counted[row]) continue
    let most = 0
    for (let i = row * shares.stride; i < (row + 1) * shares.stride; i++) {
      const k = shares.classOf(i)
      const share = shares.shareOf(i)
      if (share > most || (share === most && share > 0 && k < classes[row]!)) {
        most = share
        classes[row] = k
      }
    }
  }
  return classes
}

/** int32 [numRows, numClasses]: 1 where the unsmoothed label is above 1/2, else 0; 0 in an ignored row. */
export function targetLabels({ engine, layout, dtype, targets }: Omit<Scored, 'scores'>): Int32Array {
  const { numRows, numClasses } = layout
  const shares = labelShares(engine.memory, dtype, targets.rows, numRows, numClasses)
  const labels = new Int32Array(numRows * numClasses)
  for (let i = 0; i < numRows * shares.stride; i++) {
    const row = Math.floor(i / shares.stride)
    if (targets.counted[row] && shares.shareOf(i) > 0.5) labels[row * numClasses + shares.classOf(i)] = 1
  }
  return labels
}
