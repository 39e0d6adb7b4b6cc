import { expect, test } from 'vitest'
import { createBatches } from '../src/pool/batches.ts'

/** Threads that are busy until told otherwise. */
function threads(count: number) {
  const handed: string[][] = []
  let free = count
  const batches = createBatches<{ name: string; weight: number }>(
    count,
    () => free,
    (batch) => {
      free--
      handed.push(batch.map(({ name }) => name))
    },
  )
  return {
    handed,
    batches,
    add(name: string, weight = 1000) {
      const one = { name, weight }
      batches.add(one)
      return one
    },
    finish() {
      free++
      batches.pump()
    },
  }
}

test('nothing waits for company while a thread is free', () => {
  const { handed, batches, add } = threads(2)
  add('a')
  add('b')
  expect(handed).toEqual([['a'], ['b']])
  expect(batches.size).toBe(0)
})

test('what has come together while no thread was free is shared out among the threads, in its order', () => {
  const { handed, batches, add, finish } = threads(2)
  for (const name of 'abcdefg') add(name)
  expect(batches.size).toBe(5)
  finish()
  finish()
  finish()
  expect(handed).toEqual([['a'], ['b'], ['c', 'd', 'e'], ['f'], ['g']])
  expect(batches.size).toBe(0)
})

test('a large one travels alone, and with no more small ones than fit beside it', () => {
  const { handed, add, finish } = threads(1)
  add('first')
  add('large', 10_000_000)
  add('small')
  add('half', 150_000)
  add('other half', 150_000)
  for (let i = 0; i < 4; i++) finish()
  expect(handed).toEqual([['first'], ['large'], ['small', 'half'], ['other half']])
})

test('one whose weight nobody knows travels alone, before others and behind them', () => {
  const { handed, add, finish } = threads(1)
  for (const [name, weight] of [['first'], ['endless', Infinity], ['small'], ['also endless', Infinity]] as const)
    add(name, weight)
  for (let i = 0; i < 3; i++) finish()
  expect(handed).toEqual([['first'], ['endless'], ['small'], ['also endless']])
})

test('what is taken out again is not handed over, and can be taken out once', () => {
  const { handed, batches, add, finish } = threads(1)
  const first = add('first')
  const gone = add('gone')
  add('last')
  expect([batches.remove(first), batches.remove(gone), batches.remove(gone)]).toEqual([false, true, false])
  expect(batches.size).toBe(1)
  finish()
  expect(handed).toEqual([['first'], ['last']])
})
