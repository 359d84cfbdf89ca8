// Paths below the root folder as the screen uses them: bytes as chars, joined by "/", '' is the root folder itself.
import { displayBytes } from '../../core/format/bytes.ts'
import type { GovernedPath, StatePoint } from '../../core/timeline/model.ts'

export const parentOf = (path: GovernedPath): GovernedPath => path.slice(0, Math.max(0, path.lastIndexOf('/')))
export const nameOf = (path: GovernedPath): GovernedPath => path.slice(path.lastIndexOf('/') + 1)
export const joined = (directory: GovernedPath, name: GovernedPath): GovernedPath =>
  directory === '' ? name : `${directory}/${name}`

/** For people, directories with a slash at the end. */
export const directoryText = (path: GovernedPath): string => (path === '' ? './' : `${displayBytes(path)}/`)

/** How a point is written: its snapshot's name, else the number of its record. */
export const stateTextOf = (point: StatePoint): string => point.snapshot ?? `#${point.seq}`
