import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { OUTPUTS } from '../schemas/fields.ts'
import type { LossDefinition } from '../src/losses/definition.ts'
import { losses } from '../src/losses/index.ts'
import { engines, post } from './helpers/evaluate.ts'
import { importsOf, sourcesIn, textOf, withoutComments } from './helpers/sources.ts'

const DIRECTORY = 'src/losses'
const INDEX = `${DIRECTORY}/index.ts`

/** Lines that may name a loss although they are shared, and why. */
const ALLOWED_NAMES: readonly { readonly file: string; readonly line: RegExp; readonly reason: string }[] = [
  {
    file: 'schemas/loss.ts',
    line: /DEFAULT_LOSS = |without `loss`/,
    reason: 'the contract gives a body that names no loss a default',
  },
]

/** Files that may import one loss, and why. */
const ALLOWED_IMPORTS: Readonly<Record<string, string>> = {
  [INDEX]: 'is the registry',
  'src/formulations.ts': 'compares the three ways to write one loss, each by its own path',
  'src/operations/equivalence.ts': 'takes the body of the loss whose formulations it compares',
}

const modules = await Promise.all(
  sourcesIn(DIRECTORY).map(async (file) => ({
    file,
    definitions: Object.entries(await import(`../${file}`)).filter((entry): entry is [string, LossDefinition] =>
      isDefinition(entry[1]),
    ),
  })),
)
const lossFiles = modules.filter(({ definitions }) => definitions.length > 0)

function isDefinition(value: unknown): value is LossDefinition {
  return typeof value === 'object' && value !== null && 'evaluate' in value && 'reference' in value && 'name' in value
}

function fileOf(name: string): string {
  return `${DIRECTORY}/${name.replaceAll('_', '-')}.ts`
}

describe('the registry', () => {
  test.each(lossFiles)('lists the loss of $file', ({ file, definitions }) => {
    expect(definitions, `${file} exports several losses: give each a file of its own`).toHaveLength(1)
    const [exportName, definition] = definitions[0]!
    expect(
      losses.includes(definition),
      `import ${exportName} from ${file} in ${INDEX} and add it to the list there`,
    ).toBe(true)
    expect(file, `the file of the loss "${definition.name}" is named like it`).toBe(fileOf(definition.name))
  })

  test.each([...losses])('has $name from a file of its own', ({ name }) => {
    const found = lossFiles.find(({ definitions }) => definitions.some(([, each]) => each.name === name))
    expect(found?.file, `define the loss "${name}" in ${fileOf(name)} and export it`).toBe(fileOf(name))
  })

  test('has every name once', () => {
    const names = losses.map(({ name }) => name)
    expect(names).toEqual([...new Set(names)])
  })
})

for (const loss of losses) {
  describe(`the definition of ${loss.name}`, () => {
    test('has a snake_case name', () => {
      expect(loss.name, `name it in snake_case, as on the wire: ${fileOf(loss.name)}`).toMatch(
        /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/,
      )
    })

    test('says what it is', () => {
      expect(loss.title, `give "${loss.name}" a title: a name for people, without a full stop`).toMatch(/^[A-Z].*[^.]$/)
      expect(loss.summary, `give "${loss.name}" a summary: one sentence that ends with a full stop`).toMatch(
        /^[A-Z].+\.$/,
      )
      expect(loss.formula.trim(), `give "${loss.name}" its formula in LaTeX`).not.toBe('')
      expect(loss.gradient.trim(), `give "${loss.name}" its gradient in LaTeX`).not.toBe('')
      expect(loss.torch.trim(), `give "${loss.name}" its torch line: the same call elsewhere`).not.toBe('')
      expect(loss.whenToUse, `say when to use "${loss.name}": a sentence or two`).toMatch(/^[A-Z].+\.$/)
      expect(loss.oracle, `give "${loss.name}" its oracle: a Python function body that returns losses`).toMatch(
        /\breturn\b/,
      )
    })

    test('names a source', () => {
      expect(loss.references.length, `give "${loss.name}" at least one reference`).toBeGreaterThan(0)
      for (const { authors, title, year, url } of loss.references) {
        expect(authors, `name the authors of "${title}"`).not.toBe('')
        expect(title, `name the title of the reference to ${url}`).not.toBe('')
        expect(Number.isInteger(year) && year > 1900 && year < 2100, `give "${title}" its year, got ${year}`).toBe(true)
        expect(url, `give "${title}" a link that begins with https://`).toMatch(/^https:\/\/[^ ]+$/)
      }
    })

    test('is another loss only where that is in the registry', () => {
      for (const { says, equals } of loss.identities ?? [])
        expect(
          losses.map(({ name }) => name),
          `"${loss.name}" says "${says}": name a loss of ${INDEX} there`,
        ).toContain(equals)
    })

    test('has variants of its own parameters', () => {
      const known = Object.keys(loss.params)
      for (const variant of loss.variants ?? [])
        expect(known, `give "${loss.name}" variants of its parameters only`).toEqual(
          expect.arrayContaining(Object.keys(variant)),
        )
    })

    test('describes its parameters', () => {
      const { properties } = z.toJSONSchema(z.object(loss.params), { io: 'input', unrepresentable: 'any' })
      for (const [name, schema] of Object.entries(properties ?? {}))
        expect(
          (schema as { description?: string }).description ?? '',
          `describe the parameter "${name}" of "${loss.name}" in a sentence`,
        ).toMatch(/\.$/)
    })

    test.each(engines)(`has an example that runs on $kernels.name kernels`, (engine) => {
      const { status, answer } = post('loss', { loss: loss.name, ...loss.example, outputs: OUTPUTS }, engine)
      expect(status, `mend the example of "${loss.name}": ${JSON.stringify(answer)}`).toBe(200)
      expect(Object.keys(answer as object)).toEqual(expect.arrayContaining([...OUTPUTS]))
    })
  })
}

describe('shared code', () => {
  const owned = new Set(lossFiles.map(({ file }) => file))
  const shared = sourcesIn('src', 'routes', 'schemas', 'scripts', 'bench').filter((file) => !owned.has(file))

  test.each(shared)('%s asks for no loss by its name', (file) => {
    const mentions = withoutComments(textOf(file))
      .split('\n')
      .filter((line) => losses.some(({ name }) => mention(name).test(line)))
      .filter((line) => !ALLOWED_NAMES.some((allowed) => allowed.file === file && allowed.line.test(line)))
    expect(mentions, `${file} names a loss: declare what differs in the definition, and ask the definition`).toEqual([])
  })

  test('imports no loss on its own', () => {
    const importing = shared.filter((file) => importsOf(file).some(({ target }) => owned.has(target)))
    expect(importing.toSorted(), 'take losses from the registry').toEqual(Object.keys(ALLOWED_IMPORTS).toSorted())
  })
})

/** A name of several words is meant wherever it stands; one word may be a word, and is a name where it is quoted. */
function mention(name: string): RegExp {
  return name.includes('_') ? new RegExp(`(?<![\\w.])${name}\\b`) : new RegExp(`['"\`]${name}['"\`]`)
}
