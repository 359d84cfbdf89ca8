// Where the areas of the screen lie, for any size: pure arithmetic, used to draw and to know how far a page goes.
import type { FocusArea, Size } from './model.ts'

export interface Area {
  readonly width: number
  readonly height: number
}

export interface Layout {
  readonly list: Area | undefined
  readonly detail: (Area & { readonly place: 'right' | 'below' | 'alone' }) | undefined
  /** Versions of the path under the cursor, right of the detail; on very wide screens. */
  readonly aside: Area | undefined
  /** The last rows of the Trace, with the rule above them; on wide screens. */
  readonly strip: Area | undefined
  /** A row above the hints for progress, messages and command lines; else they replace the hints while they last. */
  readonly messageRow: boolean
}

export interface Arrangement {
  readonly arrangement: 'side' | 'below'
  readonly listShare: number
  readonly narrow: 'single' | 'both'
  readonly focus: FocusArea
  readonly enlarged: boolean
  /** The rows of the pane are paths that have versions. */
  readonly hasVersions: boolean
  /** The pane is the Trace itself: it needs no strip. */
  readonly isTrace: boolean
}

export const sideColumnsMin = 80
const wideColumnsMin = 140
const wideRowsMin = 20
const messageRowsMin = 30
const asideColumnsMin = 150
/** With the rule left of it. */
const asideColumns = 42
const bothRowsMin = 14
/** On wide screens the detail needs the room more than the list. */
const wideShare = 0.6
const listColumnsMax = 72

export function layoutOf(size: Size, pane: Arrangement): Layout {
  const messageRow = size.rows >= messageRowsMin
  const width = size.columns
  const height = Math.max(1, size.rows - (messageRow ? 3 : 2))
  const wide = width >= wideColumnsMin && size.rows >= wideRowsMin
  const stripHeight = wide && !pane.enlarged && !pane.isTrace ? Math.max(5, Math.floor(height * 0.27)) : 0
  const strip = stripHeight > 0 ? { width, height: stripHeight } : undefined
  const asideWidth = wide && !pane.enlarged && pane.hasVersions && width >= asideColumnsMin ? asideColumns : 0
  const areas = areasOf(width - asideWidth, height - stripHeight, pane)
  const aside = asideWidth > 0 ? { width: asideWidth - 1, height: height - stripHeight } : undefined
  return { ...areas, aside, strip, messageRow }
}

function areasOf(width: number, height: number, pane: Arrangement): Pick<Layout, 'list' | 'detail'> {
  const alone = (): Pick<Layout, 'list' | 'detail'> =>
    pane.focus === 'detail'
      ? { list: undefined, detail: { width, height, place: 'alone' } }
      : { list: { width, height }, detail: undefined }
  if (pane.enlarged) return alone()
  const narrow = width < sideColumnsMin
  if (narrow && (pane.narrow === 'single' || height < bothRowsMin)) return alone()
  if (narrow || pane.arrangement === 'below') {
    if (!narrow && pane.focus === 'list') return { list: { width, height }, detail: undefined }
    if (height < bothRowsMin) return alone()
    // A rule lies between the two.
    const below = Math.max(5, Math.floor(height * (narrow ? 0.35 : 0.6)))
    return { list: { width, height: height - below - 1 }, detail: { width, height: below, place: 'below' } }
  }
  const share = width >= wideColumnsMin ? pane.listShare * wideShare : pane.listShare
  const listWidth = Math.min(listColumnsMax, Math.floor((width * share) / 100))
  return {
    list: { width: listWidth, height },
    detail: { width: width - listWidth - 1, height, place: 'right' },
  }
}
