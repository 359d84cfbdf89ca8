// What a pane says of where somebody is in it, read back carefully: it comes from a file.
import type { SessionFact } from '../../core/format/session.ts'

export type PaneMemory = Readonly<Record<string, SessionFact>>

export const textFact = (memory: PaneMemory, key: string): string => {
  const fact = memory[key]
  return typeof fact === 'string' ? fact : ''
}

export const flagFact = (memory: PaneMemory, key: string, otherwise: boolean): boolean => {
  const fact = memory[key]
  return typeof fact === 'boolean' ? fact : otherwise
}

export const numberFact = (memory: PaneMemory, key: string): number | undefined => {
  const fact = memory[key]
  return typeof fact === 'number' && fact >= 0 ? fact : undefined
}
