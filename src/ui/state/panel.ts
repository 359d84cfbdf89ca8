// The rows of a panel as they fit the screen: lines that are longer than the screen is wide go on in the next row.

import { type Line, wrapLine } from '../widgets/line.ts'
import { layoutFor } from './context.ts'
import type { Model, Panel } from './model.ts'

/** Rows between the title of the screen and what stands below it. */
export const bodyRows = (model: Model): number =>
  Math.max(1, model.size.rows - (layoutFor(model, model.pane).messageRow ? 3 : 2))

/** Rows of a panel below its own title. */
export const panelHeight = (model: Model): number => Math.max(1, bodyRows(model) - 1)

const wrapped = new WeakMap<readonly Line[], { readonly columns: number; readonly rows: readonly Line[] }>()

export function panelRows({ lines }: Panel, columns: number): readonly Line[] {
  const known = wrapped.get(lines)
  if (known?.columns === columns) return known.rows
  const rows = lines.flatMap(spans => wrapLine(spans, columns))
  wrapped.set(lines, { columns, rows })
  return rows
}
