import { GENERATED } from './markdown.ts'

export function errorsDoc(): string {
  return `${GENERATED}\n`
}
