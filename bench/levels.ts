import { eventLoopLevel } from './event-loop.ts'
import { httpLevel } from './http.ts'
import { lossesLevel } from './losses.ts'
import type { Level } from './measurement.ts'
import { pipelineLevel } from './pipeline.ts'
import { scalingLevel } from './scaling.ts'
import { codecLevel, kernelsLevel } from './scripts.ts'
import { splitLevel } from './split.ts'
import { startUpLevel } from './start-up.ts'

/** From the innermost to the outermost, in the order they run. */
export const levels: Readonly<Record<string, Level>> = {
  kernels: kernelsLevel,
  losses: lossesLevel,
  codec: codecLevel,
  scaling: scalingLevel,
  pipeline: pipelineLevel,
  split: splitLevel,
  'start-up': startUpLevel,
  http: httpLevel,
  'event-loop': eventLoopLevel,
}
