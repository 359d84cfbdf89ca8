// What every record has to show before it is taken in: that it is whole, that it follows the one before, and that its
// body is the one its envelope names. It also counts the Merkle tree on, so that a signed root can be compared.
import { SentientError } from '../errors.ts'
import { equalBytes, hexOf } from '../format/bytes.ts'
import { isList } from '../format/cbor.ts'
import { isFormatError } from '../format/formatError.ts'
import { type CompactRange, compactRange, leafHash } from '../format/merkle.ts'
import { type Body, bodyHash, decodeBody, decodeEnvelope, type Envelope, zeroHash } from '../format/record.ts'

/** A record as it lies in a segment. */
export interface Frame {
  readonly envelopeBytes: Uint8Array
  readonly salt: Uint8Array | null
  readonly bodyBytes: Uint8Array | null
}

export interface ChainStart {
  readonly size: number
  /** Of the record before; zero when there is none. */
  readonly leaf: Uint8Array
  /** The compact range of that many records. */
  readonly hashes: readonly Uint8Array[]
}

export const emptyChain: ChainStart = { size: 0, leaf: zeroHash, hashes: [] }

/** What `forget` records name. */
export interface Forgotten {
  readonly records: readonly (readonly [from: number, to: number])[]
  /** Ids as hex. */
  readonly objects: ReadonlySet<string>
}

export interface Chain {
  readonly size: number
  readonly leaf: Uint8Array
  /** Throws DAMAGED, naming the record, for one that does not belong here. The bytes are read, not kept. */
  push(frame: Frame): { readonly envelope: Envelope; readonly body: Body | undefined }
  root(): Uint8Array
  /** The root after `size` records; asked for before they were pushed. */
  rootAt(size: number): Uint8Array | undefined
  readonly forgotten: Forgotten
  /** Throws DAMAGED when a body is missing that no record lists. */
  finish(knownBefore: (seq: number) => boolean): void
}

export function createChain(start: ChainStart, options: { readonly where: string; readonly rootAt?: number }): Chain {
  const range: CompactRange = compactRange({ from: { size: start.size, hashes: start.hashes } })
  let { leaf } = start
  let asked = options.rootAt === start.size ? range.root() : undefined
  const missing: number[] = []
  const records: [number, number][] = []
  const objects = new Set<string>()
  const damaged = (found: string, seq = range.size): SentientError =>
    new SentientError('DAMAGED', { what: `Record ${seq} can not be taken in`, where: options.where, found })

  const readEnvelope = (frame: Frame): Envelope => {
    try {
      return decodeEnvelope(frame.envelopeBytes)
    } catch (error) {
      if (isFormatError(error)) throw damaged(`the envelope is ${error.reason}`)
      throw error
    }
  }
  const readBody = ({ salt, bodyBytes }: Frame, envelope: Envelope): Body | undefined => {
    if (salt === null || bodyBytes === null) return undefined
    if (!equalBytes(bodyHash(salt, bodyBytes), envelope.bodyHash)) throw damaged('the body does not have its hash')
    try {
      return decodeBody(bodyBytes)
    } catch (error) {
      if (isFormatError(error)) throw damaged(`the body is ${error.reason}`)
      throw error
    }
  }
  return {
    get size() {
      return range.size
    },
    get leaf() {
      return leaf
    },
    push(frame) {
      const envelope = readEnvelope(frame)
      if (envelope.seq !== range.size) throw damaged(`record ${envelope.seq} stands there`)
      if (!equalBytes(envelope.prev, leaf)) throw damaged('it does not follow the record before')
      const body = readBody(frame, envelope)
      if (body === undefined) missing.push(envelope.seq)
      else if (body.action === 'forget') addForgotten(body, { records, objects })
      leaf = leafHash(frame.envelopeBytes)
      range.push(leaf)
      if (range.size === options.rootAt) asked = range.root()
      return { envelope, body }
    },
    root: () => range.root(),
    rootAt: size => (size === options.rootAt ? asked : undefined),
    forgotten: { records, objects },
    finish(knownBefore) {
      const listed = (seq: number): boolean => records.some(([from, to]) => seq >= from && seq < to)
      const lost = missing.find(seq => !listed(seq) && !knownBefore(seq))
      if (lost !== undefined) throw damaged('its body is missing, and no record says that it was forgotten', lost)
    },
  }
}

/** Takes in what a `forget` record names. */
export function addForgotten({ fields = {} }: Body, into: { records: [number, number][]; objects: Set<string> }): void {
  for (const item of isList(fields.records) ? fields.records : []) {
    if (typeof item === 'number') into.records.push([item, item + 1])
    else if (isList(item) && typeof item[0] === 'number' && typeof item[1] === 'number')
      into.records.push([item[0], item[1]])
  }
  for (const id of isList(fields.objects) ? fields.objects : [])
    if (id instanceof Uint8Array && id.length === 32) into.objects.add(hexOf(id))
}
