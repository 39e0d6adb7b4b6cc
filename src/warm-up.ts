import { evaluate } from './evaluate.ts'
import type { Engine } from './kernels/engine.ts'

const REQUEST = new TextEncoder().encode(
  JSON.stringify({ logits: [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]], targets: [3], label_smoothing: 0.1 }),
)
/** Ten equal classes: every probability is 1/10, whatever the smoothing. */
const EXPECTED_LOSS = Math.fround(Math.log(10))
const TOLERANCE = 1e-6
/** Enough for the JavaScript engine to have compiled the path of a small request. */
const ROUNDS = 20

/**
 * Compiles the request path before the first request and checks that this processor computes a known loss. A worker that fails here never
 * comes up, and the process never becomes ready.
 */
export function warmUp(engine: Engine): void {
  for (let round = 0; round < ROUNDS; round++) {
    const { result } = evaluate(engine, 'loss', REQUEST, { request: 'json', response: 'json' })
    const loss = result.ok ? JSON.parse(new TextDecoder().decode(result.bytes)).loss : Number.NaN
    if (!(Math.abs(loss - EXPECTED_LOSS) <= TOLERANCE))
      throw new Error(`kernel self-test: expected the loss ${EXPECTED_LOSS}, got ${loss}`)
  }
}
