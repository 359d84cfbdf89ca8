// Mounts the screen with Ink. Ink gets a stream of its own and no input: keys and the terminal are not its business.
import { PassThrough } from 'node:stream'
import { render } from 'ink'
import type { Screen } from '../screen/screen.ts'
import type { Store } from '../state/store.ts'
import type { Painter } from '../theme/theme.ts'
import { App, type PaneViews, ViewsContext } from './App.tsx'
import { PainterContext } from './Lines.tsx'

interface MountOptions {
  readonly store: Store
  readonly screen: Screen
  readonly views: PaneViews
  readonly painter: Painter
}

export function mount({ store, screen, views, painter }: MountOptions): () => void {
  const instance = render(
    <PainterContext value={painter}>
      <ViewsContext value={views}>
        <App store={store} />
      </ViewsContext>
    </PainterContext>,
    {
      stdout: screen.output,
      stdin: new PassThrough(),
      stderr: process.stderr,
      // Whole frames, without cursor movement and without pauses; in CI too.
      debug: true,
      interactive: true,
      exitOnCtrlC: false,
      patchConsole: false,
    },
  )
  // A component that throws ends Ink; the error must end the screen.
  instance.waitUntilExit().catch(error => {
    setImmediate(() => {
      throw error
    })
  })
  return () => instance.unmount()
}
