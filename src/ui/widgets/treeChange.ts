// One path that differs between two states, as a row.
import { displayBytes } from '../../core/format/bytes.ts'
import type { TreeChange } from '../../core/timeline/model.ts'
import type { ChangeCounts } from '../state/changeCounts.ts'
import { countText, sizeText } from './format.ts'
import { endsLine, type Line, line, type Role, span } from './line.ts'

export const treeChangeSign = ({ before, after }: Pick<TreeChange, 'before' | 'after'>): readonly [string, Role] =>
  before === null ? ['+', 'new'] : after === null ? ['-', 'gone'] : ['~', 'changed']

/** `~ etc/fstab` */
export function treeChangeSpans(change: TreeChange): Line {
  const [sign, role] = treeChangeSign(change)
  return [span(` ${sign} `, role), span(displayBytes(change.path))]
}

/** The same with how much on the right: ` ~ etc/fstab   +1 -1`, ` ~ etc/logo   1.2k -> 1.3k` */
export function treeChangeLine(change: TreeChange, counts: ChangeCounts, width: number): Line {
  return endsLine(treeChangeSpans(change), line(`${amountText(change, counts)} `, 'dim'), width)
}

/** `+1 -1` where lines were counted, else the sizes. */
export function amountText(change: TreeChange, counts: ChangeCounts): string {
  const { added, removed } = counts.get(change.path) ?? { added: 0, removed: 0 }
  return added + removed === 0 ? sizesText(change) : `+${countText(added)} -${countText(removed)}`
}

function sizesText({ before, after }: TreeChange): string {
  if (after === null) return 'gone'
  if (before === null) return after.kind === 'file' ? sizeText(after.size) : after.kind
  if (after.kind !== 'file') return after.kind
  return before.size === after.size ? sizeText(after.size) : `${sizeText(before.size)} -> ${sizeText(after.size)}`
}
