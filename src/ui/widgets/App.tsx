// The whole screen: title, the areas of the pane or what lies above them, message, hints. It draws the model and
// knows nothing else.
import { Box } from 'ink'
import { createContext, type ReactNode, useContext, useSyncExternalStore } from 'react'
import type { PaneView } from '../panes/pane.ts'
import type { PaneId, PaneStates } from '../panes/registry.ts'
import { traceStripLines } from '../panes/trace/lines.ts'
import { versionListLines } from '../panes/versions/lines.ts'
import type { VersionsState } from '../panes/versions/state.ts'
import { asideContext, contextOf, layoutFor } from '../state/context.ts'
import type { Area } from '../state/layout.ts'
import type { Model, Panel } from '../state/model.ts'
import { paletteRows } from '../state/overlays.ts'
import { paletteItems } from '../state/palette.ts'
import { bodyRows, panelRows } from '../state/panel.ts'
import { equivalentLine, hintLine, messageRow, titleLine } from '../state/selectors.ts'
import type { Store } from '../state/store.ts'
import { Lines } from './Lines.tsx'
import { type Line, line } from './line.ts'
import { paletteLine } from './paletteLine.ts'
import { stageLines } from './stageLines.ts'

export type PaneViews = { readonly [Id in PaneId]: PaneView<PaneStates[Id]> }

export const ViewsContext = createContext<PaneViews | undefined>(undefined)

export function App({ store }: { readonly store: Store }) {
  const model = useSyncExternalStore(store.subscribe, store.get)
  const { columns, rows } = model.size
  const message = messageRow(model)
  const hints = hintLine(model)
  const withRow = layoutFor(model, model.pane).messageRow
  // The last cell of the screen stays untouched: on some terminals it scrolls.
  const last = columns - 1
  return (
    <Box width={columns} height={rows} flexDirection="column" overflow="hidden">
      <Lines lines={[titleLine(model)]} width={columns} height={1} />
      <Covered rows={message?.above ?? []} width={last} height={bodyRows(model)}>
        <Body model={model} height={bodyRows(model)} />
      </Covered>
      {withRow && <Lines lines={[message?.line ?? equivalentLine(model)]} width={last} height={1} />}
      <Lines lines={[withRow ? hints : (message?.line ?? hints)]} width={last} height={1} />
    </Box>
  )
}

/** The body, its last rows covered by the beginning of a message. */
function Covered(props: {
  readonly rows: readonly Line[]
  readonly width: number
  readonly height: number
  readonly children: ReactNode
}) {
  const { rows, width, height, children } = props
  if (rows.length === 0) return children
  return (
    <>
      <Box height={Math.max(0, height - rows.length)} overflow="hidden" flexDirection="column">
        {children}
      </Box>
      <Lines lines={rows} width={width} height={rows.length} />
    </>
  )
}

function Body({ model, height }: { readonly model: Model; readonly height: number }) {
  const { columns } = model.size
  const top = model.overlays.at(-1)
  if (top?.kind === 'panel') return <PanelBody panel={top.panel} area={{ width: columns, height }} />
  if (model.stage.kind !== 'open') return <Lines lines={stageLines(model, height)} width={columns} height={height} />
  if (top?.kind !== 'palette') return <PaneBody model={model} height={height} />
  const items = paletteItems(model, top.text)
  const count = Math.min(height, paletteRows(model), Math.max(1, items.length))
  const shown = items.slice(top.list.top, top.list.top + count)
  const lines = shown.map((item, row) => paletteLine(item, top.list.top + row === top.list.cursor, columns))
  return (
    <>
      <Box height={height - count} overflow="hidden" flexDirection="column">
        <PaneBody model={model} height={height} />
      </Box>
      <Lines lines={lines.length === 0 ? [line('  no such command', 'dim')] : lines} width={columns} height={count} />
    </>
  )
}

function PanelBody({ panel, area }: { readonly panel: Panel; readonly area: Area }) {
  const all = panelRows(panel, area.width)
  const scroll = Math.min(panel.scroll, Math.max(0, all.length - area.height + 1))
  const rows = all.slice(scroll, scroll + area.height - 1)
  const more = all.length - scroll - rows.length
  const title = line(`${panel.title}${more > 0 ? `   ${more} more rows below` : ''}`, 'title')
  return <Lines lines={[title, ...rows]} {...area} />
}

function PaneBody({ model, height }: { readonly model: Model; readonly height: number }) {
  const views = useContext(ViewsContext)
  const { list, detail, aside, strip } = layoutFor(model, model.pane)
  if (views === undefined) return <Lines lines={[]} width={model.size.columns} height={height} />
  const { List, Detail } = views[model.pane] as PaneView<never>
  const props = { state: model.panes[model.pane] as never, context: contextOf(model, model.pane) }
  const areas = [
    list !== undefined && <List key="list" {...props} />,
    detail?.place === 'right' && <Rule key="rule" height={detail.height} />,
    detail?.place === 'below' && (
      <Lines key="rule" lines={[line('-'.repeat(detail.width), 'dim')]} width={detail.width} height={1} />
    ),
    detail !== undefined && <Detail key="detail" {...props} />,
  ]
  const beside = aside !== undefined && (
    <>
      <Rule height={aside.height} />
      <Lines lines={versionListLines(withoutCursor(model.panes.versions), asideContext(model, aside))} {...aside} />
    </>
  )
  return (
    <>
      <Box flexDirection={detail?.place === 'right' ? 'row' : 'column'} height={height - (strip?.height ?? 0)}>
        {areas}
        {beside}
      </Box>
      {strip !== undefined && <Lines lines={traceStripLines(model.panes.trace, strip, model.clock)} {...strip} />}
    </>
  )
}

/** Beside another pane the list is only read: the cursor is in the other one. */
const withoutCursor = (versions: VersionsState): VersionsState => ({ ...versions, list: { cursor: -1, top: 0 } })

function Rule({ height }: { readonly height: number }) {
  return <Lines lines={Array.from({ length: height }, () => line('|', 'dim'))} width={1} height={height} />
}
