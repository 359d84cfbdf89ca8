// The known answers for DAG-CBOR: values with their one encoding, and what every decoder has to refuse.

import { hexOf } from '../src/core/format/bytes.ts'
import { type CborValue, encode } from '../src/core/format/cbor.ts'
import { cidText, dagLink, type Link, type ObjectId, rawLink } from '../src/core/format/id.ts'
import type { Json } from './generateVectors.ts'

/** Links in it are to `sampleId`. */
export function cborVectors(sampleId: ObjectId): Json {
  const integers = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, Number.MAX_SAFE_INTEGER]
  const negatives = [
    -1,
    -24,
    -25,
    -256,
    -257,
    -65_536,
    -65_537,
    -4_294_967_296,
    -4_294_967_297,
    -Number.MAX_SAFE_INTEGER,
  ]
  const values: CborValue[] = [
    null,
    true,
    false,
    ...integers,
    ...negatives,
    '',
    'a',
    'é☃😀',
    'x'.repeat(24),
    new Uint8Array(0),
    Uint8Array.of(0, 255),
    new Uint8Array(256),
    rawLink(sampleId),
    dagLink(sampleId),
    [],
    [1, [2, [3]]],
    {},
    { b: 1, aa: 2, a: 3, '': 4, é: 5 },
    { list: [null, { k: Uint8Array.of(1) }], link: rawLink(sampleId) },
  ]
  const deep = '81'.repeat(31)
  return {
    about:
      'The DAG-CBOR subset. A value is typed: {int}, {text}, {bytes: hex}, {link: CID}, {list}, {map: [[key, value]]}, null, booleans.',
    valid: values.map(value => ({ value: typed(value), hex: hexOf(encode(value)) })),
    deepest: `${deep}80`,
    invalid: refused(sampleId).map(([reason, hex]) => ({ reason, hex })),
  }
}

/** Each with what is wrong with it. */
function refused(sampleId: ObjectId): readonly (readonly [string, string])[] {
  const link = hexOf(encode(rawLink(sampleId)))
  return [
    ['nothing', ''],
    ['two values', '0000'],
    ['23 in two bytes', '1817'],
    ['255 in three bytes', '1900ff'],
    ['65535 in five bytes', '1a0000ffff'],
    ['4294967295 in nine bytes', '1b00000000ffffffff'],
    ['2^53', '1b0020000000000000'],
    ['2^64-1', '1bffffffffffffffff'],
    ['-2^53', '3b001fffffffffffff'],
    ['-24 in two bytes', '3817'],
    ['reserved head', '1c'],
    ['indefinite bytes', '5f4100ff'],
    ['indefinite text', '7f6161ff'],
    ['indefinite list', '9f00ff'],
    ['indefinite map', 'bf616100ff'],
    ['break alone', 'ff'],
    ['half float', 'f93c00'],
    ['float', 'fa3f800000'],
    ['double', 'fb3ff0000000000000'],
    ['undefined', 'f7'],
    ['simple value 16', 'f0'],
    ['simple value in two bytes', 'f814'],
    ['length of bytes in a longer form', '580100'],
    ['length of text in a longer form', '780161'],
    ['count of a list in a longer form', '980100'],
    ['bytes cut short', '420a'],
    ['text cut short', '6261'],
    ['list cut short', '8200'],
    ['map cut short', 'a161'],
    ['a list of 2^32 items', '9b0000000100000000'],
    ['text that is not UTF-8', '61ff'],
    ['text with an overlong form', '62c0af'],
    ['text with a surrogate', '63eda080'],
    ['map keys out of order', 'a2616201616102'],
    ['map keys out of order by length', 'a262616101616202'],
    ['map key twice', 'a2616101616102'],
    ['map key that is an integer', 'a10001'],
    ['map key that is bytes', 'a1416101'],
    ['a map with both keys id and codec', 'a26269640165636f64656302'],
    ['tag 41 on bytes', `d829${link.slice(4)}`],
    ['tag 42 in a longer form', `d9002a${link.slice(4)}`],
    ['tag 42 on text', 'd82a6161'],
    ['tag 0', 'c06161'],
    ['link without the leading zero', `d82a5824${link.slice(10)}`],
    ['link of CID version 0', link.replace('0001551e20', '0000551e20')],
    ['link of another codec', link.replace('0001551e20', '0001701e20')],
    ['link of another hash', link.replace('0001551e20', '0001551220')],
    ['link with a longer length', link.replace('d82a5825', 'd82a590025')],
    ['link cut short', link.slice(0, -2)],
    ['33 lists within each other', `${'81'.repeat(32)}80`],
    ['33 maps within each other', `${'a16161'.repeat(32)}a0`],
  ]
}

function typed(value: CborValue): Json {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return { int: value }
  if (typeof value === 'string') return { text: value }
  if (value instanceof Uint8Array) return { bytes: hexOf(value) }
  if ('codec' in value && 'id' in value) return { link: cidText(value as Link) }
  if (Array.isArray(value)) return { list: (value as CborValue[]).map(typed) }
  return { map: Object.entries(value as Record<string, CborValue>).map(([key, item]) => [key, typed(item)]) }
}
