// The manual page.

import { manualPage } from '../manual.ts'

export function render(): string {
  return manualPage()
}
