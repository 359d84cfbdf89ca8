// What a record must say for itself so that others can be checked by it: the fields that verification, replay and epochs
// lean on. Other actions, and other fields, are not looked at: a later version may have them.
import { type CborValue, isLink, isList } from '../format/cbor.ts'
import { actionBytesMax, snapshotLabelBytesMax } from '../format/constants.generated.ts'
import { isFormatError } from '../format/formatError.ts'
import { parseVerifierKey } from '../format/note.ts'
import type { Body } from '../format/record.ts'

type Fields = Readonly<Record<string, CborValue>>
type Rule = (fields: Fields, body: Body, seq: number) => string | undefined

/** What is wrong with a record's fields; undefined when nothing is. */
export function faultOfFields(body: Body, seq: number): string | undefined {
  if ((seq === 0) !== (body.action === 'init')) return 'record 0, and no other, is init'
  return Object.hasOwn(rules, body.action) ? rules[body.action]?.(body.fields ?? {}, body, seq) : undefined
}

const isCount = (value: CborValue | undefined): value is number => typeof value === 'number' && value >= 0
const bytesIn = (text: string): number => Buffer.byteLength(text)

function keyFault(key: CborValue | undefined): string | undefined {
  try {
    if (typeof key !== 'string') return 'it names no key'
    parseVerifierKey(key)
    return undefined
  } catch (error) {
    if (!isFormatError(error)) throw error
    return `its key: ${error.reason}`
  }
}

const snapshotName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/
const snapshotKinds = ['manual', 'auto', 'protect', 'init']

function snapshotFault({ label }: Fields, { subject }: Body): string | undefined {
  if (subject.kind !== 'snapshot' || !snapshotName.test(subject.id)) return 'its subject is no name of a snapshot'
  const isLabel = label === undefined || (typeof label === 'string' && bytesIn(label) <= snapshotLabelBytesMax)
  return isLabel ? undefined : 'its label is no text, or too long'
}

const isRange = (item: CborValue): boolean =>
  isCount(item) ||
  (isList(item) && item.length === 2 && item.every(isCount) && (item[0] as number) < (item[1] as number))

const rules: Readonly<Record<string, Rule>> = {
  init: ({ key }) => keyFault(key),
  denied({ wanted }, { decision }) {
    if (decision.effect !== 'deny') return 'it was denied, and its decision permits'
    const isAction = typeof wanted === 'string' && wanted !== '' && bytesIn(wanted) <= actionBytesMax
    return isAction ? undefined : 'it does not say what was wanted'
  },
  gc: ({ horizon }, _body, seq) =>
    isCount(horizon) && horizon <= seq ? undefined : 'its horizon is no record up to itself',
  snapshot(fields, body) {
    const { kind, root, dropped = [] } = fields
    if (!snapshotKinds.includes(kind as string)) return 'a snapshot of no known kind'
    if (!isLink(root as CborValue) || (root as { codec: string }).codec !== 'dag-cbor') return 'a snapshot of no state'
    if (!isList(dropped) || dropped.some(name => typeof name !== 'string')) return 'what it dropped is no list of names'
    return snapshotFault(fields, body)
  },
  'snapshot-label': snapshotFault,
  'snapshot-pin': snapshotFault,
  'snapshot-unpin': snapshotFault,
  'snapshot-remove': snapshotFault,
  forget({ records, objects = [] }, _body, seq) {
    const isBefore = (item: CborValue): boolean =>
      isRange(item) && (typeof item === 'number' ? item < seq : (item as readonly number[])[1]! <= seq)
    if (!isList(records as CborValue) || !(records as CborValue[]).every(isBefore))
      return 'it lists no records before it'
    const isId = (item: CborValue): boolean => item instanceof Uint8Array && item.length === 32
    return isList(objects) && objects.every(isId) ? undefined : 'it lists what is no id of an object'
  },
  'new-epoch'({ origin, size, root, key }, _body, seq) {
    if (typeof origin !== 'string' || !isCount(size) || size > seq) return 'it goes on from no checkpoint'
    if (!(root instanceof Uint8Array) || root.length !== 32) return 'it goes on from no root'
    return keyFault(key)
  },
}
