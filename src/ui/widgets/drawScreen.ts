// Starts Ink on the screen. Ink and the components are loaded here and not before: the command line never needs them.
import { paneIds, paneOf } from '../panes/registry.ts'
import type { Profile } from '../screen/profile.ts'
import type { Screen } from '../screen/screen.ts'
import type { Store } from '../state/store.ts'
import { builtInTheme, createPainter } from '../theme/theme.ts'
import type { PaneViews } from './App.tsx'

/** Draws the store's model from now on, each frame whole; returns what ends it. */
export async function drawScreen(store: Store, screen: Screen, profile: Profile): Promise<() => void> {
  const [{ mount }, ...loaded] = await Promise.all([import('./mount.tsx'), ...paneIds.map(id => paneOf(id).view())])
  const views = Object.fromEntries(paneIds.map((id, index) => [id, loaded[index]])) as unknown as PaneViews
  return mount({ store, screen, views, painter: createPainter(builtInTheme, profile) })
}
