/**
 * Rows { factor: value } such that any two values that are possible together are together in one of them: far fewer rows than the
 * product has, and every pair of things that may go wrong together.
 *
 * @param isPossible judges rows that hold only some of the factors too
 */
export function allPairs<Row extends Record<string, unknown>>(
  factors: { readonly [Name in keyof Row]: readonly Row[Name][] },
  random: () => number,
  isPossible: (partial: Partial<Row>) => boolean = () => true,
): Row[] {
  const names = Object.keys(factors) as (keyof Row & string)[]
  const open = new Set<string>()
  names.forEach((a, i) => {
    for (const b of names.slice(i + 1)) {
      factors[a].forEach((x, p) => {
        factors[b].forEach((y, q) => {
          if (isPossible({ [a]: x, [b]: y } as Partial<Row>)) open.add(pairOf(a, p, b, q))
        })
      })
    }
  })

  const rows: Row[] = []
  while (open.size > 0) {
    const [a, p, b, q] = JSON.parse(open.values().next().value!) as [string, number, string, number]
    let best: Record<string, number> | undefined
    let most = 0
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const chosen = fill({ [a]: p, [b]: q })
      const covered = chosen === undefined ? 0 : pairsOf(chosen).filter((pair) => open.has(pair)).length
      if (covered > most) [best, most] = [chosen, covered]
    }
    if (best === undefined) throw new Error(`no row holds ${a} ${p} and ${b} ${q}`)
    for (const pair of pairsOf(best)) open.delete(pair)
    rows.push(valuesOf(best) as Row)
  }
  return rows

  /** Indices of values for every factor, those given kept; undefined where the draw came to nothing possible. */
  function fill(given: Record<string, number>): Record<string, number> | undefined {
    const chosen = { ...given }
    for (const name of names) {
      if (name in chosen) continue
      const start = Math.floor(random() * factors[name].length)
      const found = factors[name].findIndex((_, i) => {
        chosen[name] = (start + i) % factors[name].length
        return isPossible(valuesOf(chosen))
      })
      if (found === -1) return undefined
    }
    return chosen
  }

  function valuesOf(chosen: Record<string, number>): Partial<Row> {
    return Object.fromEntries(Object.entries(chosen).map(([name, i]) => [name, factors[name]![i]])) as Partial<Row>
  }

  function pairsOf(chosen: Record<string, number>): string[] {
    return names.flatMap((a, i) => names.slice(i + 1).map((b) => pairOf(a, chosen[a]!, b, chosen[b]!)))
  }
}

/** Draws for each row, of which the one that covers most is taken. */
const ATTEMPTS = 20

function pairOf(a: string, p: number, b: string, q: number): string {
  return JSON.stringify([a, p, b, q])
}
