import { evaluate } from '../evaluate.ts'
import type { Engine } from '../kernels/engine.ts'
import { clock, type EvaluateTask, type TaskResult } from './message.ts'

const NOTHING = { body: undefined, mediaType: undefined, headers: undefined, problem: undefined }

/** One evaluation as a task and its result: what a worker does, and the main thread with the smallest requests. */
export function runTask(
  engine: Engine,
  { operation, body, formats }: EvaluateTask,
  room?: (bytes: number) => Uint8Array,
): TaskResult {
  const startedAt = clock()
  const { result, ...cost } = evaluate(engine, operation, body, formats, room)
  const report = { loss: undefined, ...cost, startedAt }
  if (!result.ok) return { ...NOTHING, problem: result.problem, report }
  const { bytes, mediaType, headers } = result
  return { ...NOTHING, body: bytes, mediaType, headers, report }
}
