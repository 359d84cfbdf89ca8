// A list on the screen: which row has the cursor, which one is at the top. Pure arithmetic, the same for every pane.

export interface ListState {
  readonly cursor: number
  readonly top: number
  /** Where a range of marks began. */
  readonly anchor?: number
}

export const initialList: ListState = { cursor: 0, top: 0 }

/** Rows kept visible beyond the cursor where there are some. */
const margin = 2

/** The list after its length or its height changed: the cursor stays on a row, and the row stays visible. */
export function settled(list: ListState, length: number, height: number): ListState {
  const cursor = clamp(list.cursor, 0, length - 1)
  const room = Math.min(margin, Math.floor((height - 1) / 2))
  const highest = Math.max(0, Math.min(cursor - room, length - height))
  const lowest = Math.max(0, Math.min(cursor + room - height + 1, length - height))
  const top = clamp(clamp(list.top, lowest, highest), 0, Math.max(0, length - height))
  return cursor === list.cursor && top === list.top ? list : { ...list, cursor, top }
}

/** Moves the cursor, and the window as little as it must. */
export function moved(list: ListState, to: number, length: number, height: number): ListState {
  return settled({ ...list, cursor: clamp(to, 0, length - 1) }, length, height)
}

export function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, Math.max(least, most)))
}
