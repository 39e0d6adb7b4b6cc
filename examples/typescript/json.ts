/** A loss over JSON. Needs nothing but Node: `node examples/typescript/json.ts` from Node 24 on, `npx tsx ...` before. */
const url = process.env.LOSSD_URL ?? 'http://localhost:3000'

interface Answer {
  readonly loss: number | string
  readonly gradients: readonly (readonly (number | string)[])[]
}

interface Problem {
  readonly code: string
  readonly detail: string
}

const response = await fetch(`${url}/loss`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    logits: [
      [2.0, 1.0, 0.1],
      [0.5, 2.5, 0.3],
    ],
    targets: [0, 1],
    label_smoothing: 0.1,
  }),
})
const answer = (await response.json()) as Answer & Problem
// RFC 9457: a stable code, and the places at fault.
if (!response.ok) throw new Error(`${answer.code}: ${answer.detail}`)

// Numbers that JSON lacks come as "NaN", "Infinity" and "-Infinity"; Number() reads them.
console.log('loss', Number(answer.loss))
console.log('gradients', JSON.stringify(answer.gradients))

export {}
