// The binding file: what a device remembers, outside the root folder, of a root folder that it may sign for. A restored
// or copied folder does not fit its binding and so never signs a second history under one key.

import { isUtf8 } from 'node:buffer'
import type { ByteString } from '../host/host.ts'
import { asBuffer, bytesOf, bytesOfHex, displayBytes, hexOf, parseDisplayed } from './bytes.ts'
import { bindingBytesMax, epochMax, integerMax } from './constants.generated.ts'
import { FormatError } from './formatError.ts'
import { blake3, crc32 } from './hash.ts'
import { base64, parseBase64 } from './note.ts'

export interface Binding {
  /** 16 bytes. */
  readonly logId: Uint8Array
  readonly epoch: number
  /** The real path of the root folder. */
  readonly path: ByteString
  /** Of the root folder. */
  readonly inode: bigint
  /** Records of the last checkpoint that was signed, and its Merkle root. */
  readonly size: number
  readonly root: Uint8Array
}

/** The name of the binding of a root folder at this real path, in the device's state folder. */
export function bindingFileName(path: ByteString): string {
  return `${hexOf(blake3(bytesOf(path))).slice(0, 32)}.binding`
}

/** One line of JSON whose last field is the CRC-32 of the text before it; this is the only spelling. */
export function encodeBinding(binding: Binding): Uint8Array {
  return spelled(binding, displayBytes(binding.path))
}

function spelled({ logId, epoch, inode, size, root }: Binding, shownPath: string): Uint8Array {
  const counts: readonly (readonly [number, number])[] = [
    [epoch, epochMax],
    [size, integerMax],
  ]
  if (!counts.every(([value, limit]) => Number.isSafeInteger(value) && value >= 0 && value <= limit) || inode < 0n) {
    throw new FormatError('a binding with a bad number')
  }
  if (logId.length !== 16 || root.length !== 32) throw new FormatError('a binding with a bad log id or root')
  const value = {
    binding: 1,
    logId: hexOf(logId),
    epoch,
    path: shownPath,
    inode: inode.toString(),
    size,
    root: base64(root),
  }
  const text = JSON.stringify(value).slice(0, -1)
  return Uint8Array.from(Buffer.from(`${text},"crc32":"${checksum(text)}"}\n`))
}

/** The path may be shown in any mixture of characters and escapes: which are escaped grows with Unicode. */
export function decodeBinding(bytes: Uint8Array): Binding {
  if (bytes.length > bindingBytesMax || !isUtf8(bytes)) throw new FormatError('not a binding file')
  const text = asBuffer(bytes).toString('utf8')
  const pattern =
    /^\{"binding":1,"logId":"([0-9a-f]{32})","epoch":(\d{1,6}),"path":("(?:[^"\\]|\\.)*"),"inode":"(\d{1,20})","size":(\d{1,16}),"root":"([^"]{44})","crc32":"[0-9a-f]{8}"\}\n$/
  const match = pattern.exec(text)
  if (match === null) throw new FormatError('not a binding file')
  const [, logId = '', epoch, path = '""', inode = '', size, root = ''] = match
  const shownPath = parseText(path)
  const binding: Binding = {
    logId: bytesOfHex(logId),
    epoch: Number(epoch),
    path: parseDisplayed(shownPath),
    inode: BigInt(inode),
    size: Number(size),
    root: parseBase64(root),
  }
  if (asBuffer(spelled(binding, shownPath)).toString('utf8') !== text)
    throw new FormatError('a binding that was damaged')
  return binding
}

function parseText(json: string): string {
  try {
    return JSON.parse(json) as string
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new FormatError('a binding with a bad path')
  }
}

function checksum(text: string): string {
  return crc32(Buffer.from(text)).toString(16).padStart(8, '0')
}
