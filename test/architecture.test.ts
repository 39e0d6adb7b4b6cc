import { describe, expect, test } from 'vitest'
import { importsOf, sourcesIn, textOf, withoutComments } from './helpers/sources.ts'

/**
 * The import rule, from the top down: a file may import files of its own layer and of those below it. A name that ends with a slash is a
 * directory; of several that fit a file the longest one is meant.
 */
const LAYERS: readonly (readonly [name: string, ...places: string[]])[] = [
  ['process', 'src/server.ts'],
  ['app', 'src/app.ts'],
  ['HTTP', 'routes/', 'src/plugins/'],
  ['pool', 'src/pool/', 'src/warm-up.ts'],
  ['evaluate', 'src/evaluate.ts'],
  ['operations', 'src/operations/', 'src/formulations.ts'],
  ['contract', 'schemas/'],
  [
    'batch',
    'src/batch.ts',
    'src/breakdown.ts',
    'src/smoothing-curve.ts',
    'src/counted-softmax.ts',
    'src/calibration.ts',
    'src/gradient-check.ts',
    'src/row-groups.ts',
    'src/streamed-rows.ts',
    'src/decomposition.ts',
    'src/smoothed-output.ts',
    'src/warnings.ts',
  ],
  ['losses', 'src/losses/'],
  ['families', 'src/families/', 'src/reduction.ts'],
  ['kinds of targets', 'src/target-kinds.ts', 'src/targets.ts', 'src/teacher-targets.ts', 'src/temperature.ts'],
  ['targets', 'src/mixup.ts', 'src/target-rows.ts', 'src/smoothing.ts', 'src/layout.ts', 'src/row-fault.ts'],
  ['operands', 'src/operands.ts'],
  // What fields there are, which a loss may declare more of.
  ['fields', 'schemas/fields.ts', 'schemas/tensor.ts'],
  ['wire', 'src/wire/', 'src/answer.ts'],
  ['kernels', 'src/kernels/'],
  [
    'ground',
    'src/copy-bytes.ts',
    'src/random.ts',
    'src/presets.ts',
    'src/problems.ts',
    'src/config.ts',
    'src/version.ts',
  ],
]

/** Files above `evaluate` that may import kernels, and why. */
const KERNEL_USERS: Readonly<Record<string, string>> = {
  'src/pool/pool.ts': 'compiles the module once for every worker, and has an engine for the smallest requests',
  'src/pool/worker.ts': 'makes the engine of its thread',
  'src/pool/run.ts': 'hands an engine on to evaluate, whoever owns it',
  'src/pool/crew.ts': 'gives an engine the help of other threads',
  'src/pool/print-crew.ts': 'prints with the engines of several threads what one of them has to print',
  'src/pool/read-crew.ts': 'reads with the engines of several threads what one of them has to read',
  'src/warm-up.ts': 'hands an engine on to evaluate, to test it',
}

const MAX_LINES = 300

const files = sourcesIn('src', 'routes', 'schemas')

function layerOf(path: string): number {
  const places = LAYERS.flatMap(([, ...each], layer) => each.map((place) => ({ place, layer })))
  const fitting = places.filter(({ place }) => path === place || (place.endsWith('/') && path.startsWith(place)))
  return fitting.sort((a, b) => b.place.length - a.place.length)[0]?.layer ?? -1
}

const evaluateLayer = layerOf('src/evaluate.ts')
const poolLayer = layerOf('src/pool/pool.ts')

describe('the house', () => {
  test('has a layer for every file', () => {
    const homeless = files.filter((path) => layerOf(path) === -1)
    expect(homeless, 'add these files to a layer in test/architecture.test.ts').toEqual([])
  })

  test.each(files)('%s imports nothing from above', (path) => {
    const upward = importsOf(path)
      .filter(({ isPackage, isType }) => !isPackage && !isType)
      .filter(({ target }) => layerOf(target) < layerOf(path))
      .map(({ target }) => `${target} (${LAYERS[layerOf(target)]?.[0]})`)
    expect(
      upward,
      `${path} is ${LAYERS[layerOf(path)]?.[0]}; move what it shares down, or turn the import round`,
    ).toEqual([])
  })

  test('has no import cycles', () => {
    const cycles: string[] = []
    const done = new Set<string>()
    const follow = (path: string, trail: readonly string[]) => {
      if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
      if (done.has(path) || trail.includes(path)) return
      for (const { target, isPackage, isType } of importsOf(path))
        if (!isPackage && !isType) follow(target, [...trail, path])
      done.add(path)
    }
    for (const path of files) follow(path, [])
    expect(cycles).toEqual([])
  })

  test('knows Fastify above the pool only', () => {
    const users = files.filter((path) =>
      importsOf(path).some(({ isPackage, target }) => isPackage && /fastify/.test(target)),
    )
    expect(users.length).toBeGreaterThan(5)
    expect(users.filter((path) => layerOf(path) >= poolLayer)).toEqual([])
  })

  test('knows kernels below evaluate only, but for those who own an engine', () => {
    const users = files
      .filter((path) => layerOf(path) < evaluateLayer)
      .filter((path) => importsOf(path).some(({ target }) => target.startsWith('src/kernels/')))
    expect(users.toSorted()).toEqual(Object.keys(KERNEL_USERS).toSorted())
  })

  test('knows threads in the pool only', () => {
    const users = files.filter((path) =>
      importsOf(path).some(({ target }) => ['piscina', 'node:worker_threads', 'worker_threads'].includes(target)),
    )
    expect(users.filter((path) => layerOf(path) !== poolLayer)).toEqual([])
  })

  test('touches the process in src/server.ts only', () => {
    const touching = files.filter(
      (path) =>
        /(?<![\w.$'"`/-])process\s*(?:\.|\?\.|\[)/.test(withoutComments(textOf(path))) ||
        importsOf(path).some(({ target }) => /^(?:node:)?process$/.test(target)),
    )
    expect(touching).toEqual(['src/server.ts'])
  })

  test('exports by name, except the task a thread is started with', () => {
    const defaults = files.filter((path) => /^export default /m.test(textOf(path)))
    expect(defaults.filter((path) => path !== 'src/pool/worker.ts' && !path.startsWith('src/plugins/'))).toEqual([])
  })

  test(`has files under ${MAX_LINES} lines`, () => {
    const long = files.filter((path) => textOf(path).split('\n').length > MAX_LINES)
    expect(long, 'split these files by what changes together').toEqual([])
  })
})

describe('the reader of imports', () => {
  test('sees what TypeScript sees', () => {
    expect(importsOf('src/evaluate.ts')).toContainEqual({
      target: 'src/operations/loss.ts',
      isPackage: false,
      isType: false,
    })
    expect(importsOf('src/evaluate.ts')).toContainEqual({
      target: 'src/kernels/engine.ts',
      isPackage: false,
      isType: true,
    })
    expect(importsOf('src/server.ts').map(({ target }) => target)).toContain('close-with-grace')
  })
})
