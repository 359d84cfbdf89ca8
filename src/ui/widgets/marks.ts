// The integrity signs and their words; the sign says it, the colour only helps.
import type { ChangeState, IntegrityMark } from '../../core/timeline/model.ts'
import type { Role } from './line.ts'

export const markRoles: Readonly<Record<IntegrityMark, Role>> = {
  '=': 'same',
  '~': 'changed',
  '+': 'new',
  '-': 'gone',
  '!': 'damaged',
  s: 'dim',
  '?': 'dim',
  ' ': 'dim',
}

export const markTexts: Readonly<Record<IntegrityMark, string>> = {
  '=': 'as recorded',
  '~': 'changed outside sentctl',
  '+': 'new, not recorded',
  '-': 'gone, recorded',
  '!': 'damaged',
  s: 'skipped: no file, directory or link',
  '?': 'not checked yet',
  ' ': 'ignored by the settings',
}

export const stateMarks: Readonly<Record<ChangeState, IntegrityMark>> = {
  changed: '~',
  new: '+',
  gone: '-',
  damaged: '!',
  applying: '?',
  unapplied: '!',
  unreadable: '!',
}
