// sentient.yaml on disk: the working copy of the settings, at the top of the root folder.
import { SentientError } from '../errors.ts'
import { hexOf } from '../format/bytes.ts'
import { isHostError } from '../host/error.ts'
import type { Directory } from '../host/host.ts'
import { writeProblem } from '../worktree/apply.ts'
import { settingsName } from '../worktree/reserved.ts'
import type { TimelineContext } from './context.ts'
import { settingsBytesMax } from './settings.ts'

/** The working copy's text; undefined when there is no such file. */
export function readSettingsFile(root: Directory): string | undefined {
  try {
    const file = root.open(settingsName, 'read')
    try {
      const size = file.stat().size
      if (size > settingsBytesMax) {
        throw new SentientError('SETTINGS_INVALID', {
          where: settingsName,
          expected: `at most ${settingsBytesMax} bytes`,
          found: `${size} bytes`,
        })
      }
      const bytes = Buffer.alloc(size)
      return bytes.toString('utf8', 0, file.read(bytes, 0, size, 0))
    } finally {
      file.close()
    }
  } catch (error) {
    if (isHostError(error, 'NOT_FOUND')) return undefined
    if (isHostError(error, 'IS_A_DIRECTORY', 'SYMLINK', 'UNSUPPORTED')) {
      const found = error.code === 'IS_A_DIRECTORY' ? 'a directory' : 'no regular file'
      throw new SentientError('SETTINGS_INVALID', { where: settingsName, expected: 'a file', found }, error)
    }
    if (isHostError(error)) throw new SentientError('IO', { where: settingsName, found: error.code }, error)
    throw error
  }
}

export function writeSettingsFile(context: Pick<TimelineContext, 'directories' | 'random'>, text: string): void {
  const { root, runtime } = context.directories
  try {
    const temporary = `settings-${hexOf(context.random.bytes(4))}`
    const mode = root.stat(settingsName)?.mode ?? 0o644
    const file = runtime.open(temporary, 'create', mode)
    try {
      file.write(Buffer.from(text), 0)
      file.flush()
    } finally {
      file.close()
    }
    runtime.rename(temporary, root, settingsName)
    root.flush()
  } catch (error) {
    throw writeProblem(error, root.path)
  }
}
