import { expect, test } from 'vitest'
import { createBatches } from '../src/pool/batches.ts'

/** Threads that are busy until told otherwise. */
function threads(count: number) {
  const handed: string[][] = []
  let free = count
  const batches = createBatches<{ name: string; bytes: number }>(
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
    add: (name: string, bytes = 1000) => batches.add({ name, bytes }),
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
