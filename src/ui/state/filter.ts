// What the filter row means: a part of the text, `!` for what does not hold it, `~` for its letters in order.

/** True when the text passes; an empty filter lets everything pass. Case does not count. */
export function createFilter(filter: string): (text: string) => boolean {
  const wanted = filter.toLowerCase()
  if (wanted === '' || wanted === '!' || wanted === '~') return () => true
  if (wanted.startsWith('!')) return text => !text.toLowerCase().includes(wanted.slice(1))
  if (wanted.startsWith('~')) return text => hasInOrder(text.toLowerCase(), wanted.slice(1))
  return text => text.toLowerCase().includes(wanted)
}

function hasInOrder(text: string, letters: string): boolean {
  let from = 0
  for (const letter of letters) {
    const at = text.indexOf(letter, from)
    if (at < 0) return false
    from = at + letter.length
  }
  return true
}
