// The one question that sentctl asks: what a folder is that this device does not know as its own.

import type { Caller } from './spec.ts'

export type Answer = 'moved' | 'copy'

const attemptsMax = 3

/** Asks on the terminal; undefined when there is none, or when the folder shall be left as it is. */
export async function askWhatItIs(
  { ask }: Pick<Caller, 'ask'>,
  rootPath: string,
  why?: string,
): Promise<Answer | undefined> {
  if (ask === undefined) return undefined
  const lines = [
    why ?? `What is ${rootPath}?`,
    '  m  moved or restored here: its history goes on here',
    '  c  a copy, while the other one goes on: it gets a name and a key of its own',
    '  l  leave it as it is',
    'Moved, copy or leave? [m/c/l] ',
  ]
  let question = lines.join('\n')
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const answer = (await ask(question))?.trim().toLowerCase()
    if (answer === undefined) return undefined
    if (answer === 'm' || answer === 'moved') return 'moved'
    if (answer === 'c' || answer === 'copy') return 'copy'
    if (answer === 'l' || answer === 'leave' || answer === '') return undefined
    question = 'm, c or l? '
  }
  return undefined
}
