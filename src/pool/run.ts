import { evaluate, type Surroundings } from '../evaluate.ts'
import type { Engine } from '../kernels/engine.ts'
import { clock, type Evaluation, type TaskResult } from './message.ts'

/** One evaluation and its result: what a worker does, and the main thread with the smallest requests. */
export function runEvaluation(
  engine: Engine,
  { operation, body, formats }: Evaluation,
  surroundings?: Surroundings,
): TaskResult {
  const startedAt = clock()
  const { result, loss, rows, decodeMs, computeMs, encodeMs } = evaluate(engine, operation, body, formats, surroundings)
  const report = { loss, rows, startedAt, decodeMs, computeMs, encodeMs }
  if (!result.ok)
    return {
      body: undefined,
      insertion: undefined,
      mediaType: undefined,
      headers: undefined,
      problem: result.problem,
      report,
    }
  const { bytes, insertion, mediaType, headers } = result
  return { body: bytes, insertion, mediaType, headers, problem: undefined, report }
}
