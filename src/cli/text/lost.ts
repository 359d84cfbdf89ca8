// What is lost for good, path by path, and what can be done about it: this is where the advice ends.

import type { LostPlaceData } from '../../commands/data.ts'
import { counted } from '../../commands/words.ts'
import { columns, type Style } from '../style.ts'
import { shortened, shownPath } from './paths.ts'

const listedMax = 50
const namesMax = 5

export function lostLines(places: readonly LostPlaceData[], base: string, style: Style): string[] {
  if (places.length === 0) return []
  const snapshots = [...new Set(places.flatMap(place => place.snapshots))]
  const lines = [
    style.red(`Lost for good, ${counted(new Set(places.map(({ path }) => path)).size, 'path')}:`),
    ...placeLines(places, base),
    'All else is whole, and can be used as ever. What you can do:',
    '  Put a copy of the file at its path (another device, a backup), then run sentctl repair.',
  ]
  if (places.some(({ now }) => now))
    lines.push('  Without one: sentctl absorb records what the disk holds instead, or that it is gone.')
  if (snapshots.length > 0) {
    const named = snapshots.slice(0, namesMax).join(' ')
    const more = snapshots.length > namesMax ? ` (and ${snapshots.length - namesMax} more)` : ''
    lines.push(`  Or let go of the states that need it: sentctl snapshot rm ${named}${more}, then sentctl gc.`)
  }
  return lines
}

/** What was known to be lost and is whole again. */
export function foundLines(places: readonly LostPlaceData[], base: string, style: Style): string[] {
  if (places.length === 0) return []
  const paths = new Set(places.map(({ path }) => path))
  return [style.green(`Found again, ${counted(paths.size, 'path')}:`), ...placeLines(places, base)]
}

function placeLines(places: readonly LostPlaceData[], base: string): string[] {
  const rows = places.slice(0, listedMax).map(place => [`  ${shownPath(place.path, base)}`, `in ${needing(place)}`])
  return shortened(columns(rows), listedMax, places.length, ': add --json')
}

function needing({ snapshots, now }: LostPlaceData): string {
  const names = [...(now ? ['the state in force'] : []), ...snapshots]
  return names.length > namesMax
    ? `${names.slice(0, namesMax).join(', ')} and ${names.length - namesMax} more`
    : names.join(', ')
}
