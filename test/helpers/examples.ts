import { execFileSync } from 'node:child_process'
import { ask } from './evaluate.ts'

/** What every example asks for. */
const { loss, gradients } = ask('loss', {
  logits: [
    [2.0, 1.0, 0.1],
    [0.5, 2.5, 0.3],
  ],
  targets: [0, 1],
  label_smoothing: 0.1,
})
const expected = [loss, ...gradients.flat()].map(Math.fround)

/** Runs an example; returns the loss and the gradients in what it prints, and what was expected. */
export function runExample(command: string, args: readonly string[], url: string): [number[], number[]] {
  const output = execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, LOSSD_URL: url } })
  const [, printedLoss] = /loss"?[^\d[]*\[?(\d[\d.e-]*)/.exec(withoutNames(output)) ?? []
  const [, printedGradients] = /gradients"?[^[]*(\[[\d\s.,[\]e-]*\])/.exec(withoutNames(output)) ?? []
  const numbers = [printedLoss, ...((printedGradients ?? '').match(/-?\d[\d.e-]*/g) ?? [])]
  return [numbers.map((text) => Math.fround(Number(text))), expected]
}

/** The inference protocol describes a tensor between its name and its data. */
function withoutNames(output: string): string {
  return output.replaceAll(/"datatype":"\w+","shape":\[[\d,]*\],/g, '')
}
