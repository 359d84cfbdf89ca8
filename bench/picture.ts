// The comparison as a picture: for each work a group of bars, one a program, the time on a logarithmic axis.
import type { Figures, Work } from './peers.ts'

const works: readonly { readonly work: Work; readonly title: string }[] = [
  { work: 'first', title: 'first snapshot' },
  { work: 'status', title: 'status' },
  { work: 'next', title: 'after 100 changes' },
  { work: 'back', title: 'back 100 files' },
  { work: 'restore', title: 'whole restore' },
  { work: 'verify', title: 'deep check' },
]

const colours = ['#2e7d5b', '#79b791', '#c1440e', '#4a6fa5', '#8e6c8a', '#b08d3c']
const barHeight = 12
const groupGap = 18
const left = 150
const width = 620
const leastSeconds = 0.01
const decades = 4

/** An SVG image, without fonts of its own. */
export function comparisonPicture(figures: readonly Figures[]): string {
  const parts: string[] = []
  let y = 30
  for (const { work, title } of works) {
    parts.push(text(left - 10, y + barHeight, title, 'end'))
    for (const [i, { program, costs }] of figures.entries()) {
      const cost = costs[work]
      if (cost === undefined) continue
      const length = Math.max(1, along(cost.seconds))
      parts.push(
        `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight - 2}" fill="${colours[i % colours.length]}"/>`,
      )
      parts.push(text(left + length + 4, y + barHeight - 3, `${cost.seconds.toPrecision(2)} s ${program}`, 'start', 9))
      y += barHeight
    }
    y += groupGap
  }
  const lines = Array.from({ length: decades + 1 }, (_, i) => {
    const x = left + (i * width) / decades
    const label = `${leastSeconds * 10 ** i} s`
    return `<path d="M${x} 22V${y - groupGap}" stroke="#ccc" stroke-width="0.5"/>${text(x, 16, label, 'middle', 9)}`
  })
  const total = left + width + 160
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${y}" width="${total}" height="${y}" font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>${lines.join('')}${parts.join('')}</svg>\n`
}

const along = (seconds: number): number =>
  (width / decades) * Math.log10(Math.max(seconds, leastSeconds) / leastSeconds)

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end', size = 11): string {
  return `<text x="${x.toFixed(1)}" y="${y}" font-size="${size}" text-anchor="${anchor}" fill="#222">${words}</text>`
}
