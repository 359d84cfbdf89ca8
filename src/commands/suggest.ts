// "Did you mean": the nearest of some known words.

const distanceMax = 3

/** The known words that are near enough to be what was meant, nearest first; at most three. */
export function suggestions(typed: string, known: Iterable<string>): string[] {
  const near: { word: string; distance: number }[] = []
  for (const word of known) {
    const distance = word.startsWith(typed) && typed.length >= 2 ? 0.5 : editDistance(typed, word)
    // Half of a short word is another word: four letters may differ in one, five and more in two.
    const length = Math.max(typed.length, word.length)
    const allowed = length < 5 ? 1 : Math.min(distanceMax, Math.ceil(length / 3))
    if (distance <= allowed) near.push({ word, distance })
  }
  near.sort((a, b) => a.distance - b.distance || (a.word < b.word ? -1 : 1))
  const best = near[0]?.distance ?? 0
  return near
    .filter(({ distance }) => distance <= best + 1)
    .slice(0, 3)
    .map(({ word }) => word)
}

/** `did you mean "a" or "b"?`, or nothing. */
export function didYouMean(typed: string, known: Iterable<string>, prefix = ''): string | undefined {
  const words = suggestions(typed, known).map(word => `"${prefix}${word}"`)
  return words.length === 0 ? undefined : `Did you mean ${words.join(' or ')}?`
}

/** Optimal string alignment distance: insertions, deletions, changes and swaps of neighbours. */
export function editDistance(a: string, b: string): number {
  let twoBack: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, twoBack[j - 2]! + 1)
      row.push(best)
    }
    twoBack = previous
    previous = row
  }
  return previous[b.length]!
}
