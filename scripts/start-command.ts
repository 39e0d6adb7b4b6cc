import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../', import.meta.url)
const [, command = ''] = /^exec node (.+)$/.exec(createRequire(import.meta.url)('#package').scripts.start) ?? []
const words = command.split(' ')

/** The options of Node in `npm start`. */
export const nodeOptions: readonly string[] = words.slice(0, -1)

/** The built service. */
export const serverFile = fileURLToPath(new URL(words.at(-1)!, ROOT))

/** What `npm start` gives to Node, for whoever starts the service without npm. */
export const startArguments: readonly string[] = [...nodeOptions, serverFile]
