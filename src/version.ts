import { createRequire } from 'node:module'

/** Of package.json, the one place it is written. */
export const version: string = createRequire(import.meta.url)('#package').version
