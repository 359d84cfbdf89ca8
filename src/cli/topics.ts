// What applies to all verbs: how states are named, exit codes, environment variables. For man page and reference.

export const stateForms: readonly (readonly [string, string])[] = [
  ['now', 'the last recorded state'],
  ['4127, #4127', 'the state after this record'],
  ['20261121-2240', 'a snapshot, by its name or the beginning of its name'],
  ['-1, -2', 'so many snapshots back; those made only to protect something do not count'],
  ['yesterday, "yesterday 22:40"', 'the last state of that day, or of that minute'],
  ['friday, "fri 22:40"', 'the same for the last such day of the week'],
  ['2026-11-21, 2026-11-21T22:40', 'the last state of that day, or of that minute; local time'],
  ['22:40', 'the last state of that minute, today'],
  ['"3h ago", "10 min ago"', 'the state so long ago'],
]

export const exitCodeMeanings: readonly (readonly [number, string])[] = [
  [0, 'done; differences between the disk and the record alone are no failure'],
  [1, 'the operation failed, or was cancelled'],
  [2, 'wrong usage'],
  [3, 'verification found damage, or the history is damaged'],
  [4, 'a contract denied it'],
  [5, 'the root folder is locked by another process'],
  [6, 'the root folder is not known to this device as its own: see sentctl help adopt'],
  [70, 'an internal error'],
  [130, 'ended by a second Ctrl-C before the work could stop by itself'],
]

export const variables: readonly (readonly [string, string])[] = [
  ['SENTIENT_ROOT', 'the root folder, where --root is not given'],
  ['NO_COLOR', 'when set and not empty: no colours'],
  ['XDG_STATE_HOME', 'where this device remembers its root folders; default: ~/.local/state'],
]
