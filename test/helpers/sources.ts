import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Paths of the TypeScript files below these directories, relative to the root of the project. */
export function sourcesIn(...directories: readonly string[]): string[] {
  return directories
    .filter((directory) => existsSync(ROOT + directory))
    .flatMap((directory) =>
      readdirSync(ROOT + directory, { recursive: true, encoding: 'utf8' }).map((path) => `${directory}/${path}`),
    )
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .sort()
}

export function textOf(path: string): string {
  return readFileSync(ROOT + path, 'utf8')
}

/** The same code with its comments blank, for rules about what runs. */
export function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\/|(?<![:'"`\w])\/\/.*$/gm, '')
}

export interface Import {
  /** A path from the root of the project, or the name of a package. */
  readonly target: string
  readonly isPackage: boolean
  /** Whether it is gone once types are erased. */
  readonly isType: boolean
}

const IMPORT = /^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm

/** What a file imports, by the text of its import statements. */
export function importsOf(path: string): Import[] {
  return [...withoutComments(textOf(path)).matchAll(IMPORT)].map(([, type, named, dynamic]) => {
    const specifier = (named ?? dynamic)!
    const isPackage = !specifier.startsWith('.')
    const target = isPackage ? specifier : new URL(specifier, `file:///${path}`).pathname.slice(1)
    return { target, isPackage, isType: type !== undefined }
  })
}
