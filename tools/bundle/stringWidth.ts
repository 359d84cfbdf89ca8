// Stands in for the package string-width in the bundle: plain text, with escape sequences or without, is measured at
// once, everything else by the package, which is loaded when the first such text comes.

import { isPlainText } from './plainText.ts'

type StringWidth = (text: string, options?: object) => number

/** Colours and cursor moves as programs write them; anything stranger is left to the package. */
const usualSequences = /\u001b\[(?:\d{1,3}(?:;\d{1,3})*)?[mABCDGHJK]/g

let measure: StringWidth | undefined

/** Columns that a terminal needs for the text; escape sequences count nothing. */
export default function stringWidth(text: string, options?: object): number {
  if (typeof text === 'string' && options === undefined) {
    const shown = text.includes('\u001b') ? text.replace(usualSequences, '') : text
    if (isPlainText(shown)) return shown.length
  }
  // `require` so that the bundler wraps the package in a function and nothing of it runs before this line does.
  measure ??= (require('string-width') as { default: StringWidth }).default
  return measure(text, options)
}
