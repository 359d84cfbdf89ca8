// From the model to what a pane may know: sizes of its areas and the few facts of the screen that it needs.
import { type PaneId, paneFacts } from '../panes/registry.ts'
import { type Layout, layoutOf } from './layout.ts'
import type { Context, Model } from './model.ts'

/** How the screen is divided while a pane is shown. */
export function layoutFor(model: Model, id: PaneId): Layout {
  const { arrangement, listShare, narrow, subject } = paneFacts(id)
  return layoutOf(model.size, {
    arrangement,
    listShare,
    narrow,
    focus: model.focus,
    enlarged: model.enlarged,
    hasVersions: subject !== undefined,
    isTrace: id === 'trace',
  })
}

/** What the list of versions beside another pane needs to be drawn. */
export function asideContext(model: Model, area: { readonly width: number; readonly height: number }): Context {
  return { ...contextOf(model, 'versions'), list: { width: area.width, height: area.height - 1 }, focus: 'detail' }
}

export function contextOf(model: Model, id: PaneId): Context {
  const layout = layoutFor(model, id)
  const { headerRows } = paneFacts(id)
  const visible = model.pane === id
  // An area that is not on the screen has the size that it would have alone.
  const alone = layout.list ?? layout.detail ?? { width: model.size.columns, height: model.size.rows }
  const list = layout.list ?? alone
  const detail = layout.detail ?? alone
  return {
    list: { width: list.width, height: Math.max(1, list.height - headerRows) },
    detail: { width: detail.width, height: detail.height },
    visible,
    detailShown: visible && layout.detail !== undefined,
    focus: model.focus,
    now: model.clock,
    lastSeq: model.lastSeq,
    past: model.past,
    status: model.status,
    writable: model.stage.kind === 'open' && model.stage.root.access === 'write',
    asks: model.stage.kind === 'open' && model.stage.root.unknown !== undefined,
    remembered: model.remembered,
  }
}
