import { expect, test } from 'vitest'
import { createGathered } from '../src/pool/gathered.ts'

test('tasks of one turn run behind each other at its end', async () => {
  const gathered = createGathered()
  const events: string[] = []
  const results = ['a', 'b', 'c'].map((name) =>
    gathered(() => events.push(name)).then(() => events.push(`${name} settled`)),
  )
  expect(events).toEqual([])
  await Promise.all(results)
  expect(events).toEqual(['a', 'b', 'c', 'a settled', 'b settled', 'c settled'])
})

test('a task that throws fails alone', async () => {
  const gathered = createGathered()
  const fails = gathered(() => {
    throw new Error('this one')
  })
  const works = gathered(() => 1)
  await expect(fails).rejects.toThrow('this one')
  await expect(works).resolves.toBe(1)
})

test('tasks that take long let the event loop go on between them', async () => {
  const gathered = createGathered()
  const events: string[] = []
  const busy = (name: string) => () => {
    for (const end = performance.now() + 5; performance.now() < end; );
    events.push(name)
  }
  setImmediate(() => setImmediate(() => events.push('something else')))
  await Promise.all([gathered(busy('a')), gathered(busy('b')), gathered(busy('c'))])
  await expect(gathered(() => 'later')).resolves.toBe('later')
  expect(events).toEqual(['a', 'something else', 'b', 'c'])
})
