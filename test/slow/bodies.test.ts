import fc from 'fast-check'
import { describe, test } from 'vitest'
import { attempts, expectAnswerOrProblem } from '../helpers/attempts.ts'

describe('any body, for long', () => {
  test.each(attempts)('of %s gets an answer or a known problem, and nothing is thrown', (_, arbitrary) => {
    fc.assert(fc.property(arbitrary, expectAnswerOrProblem), { numRuns: 50_000 })
  })
})
