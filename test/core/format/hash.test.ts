// The hash functions and the checksum against published answers.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hexOf } from '../../../src/core/format/bytes.ts'
import { blake3, blake3Hasher, crc32, sha256 } from '../../../src/core/format/hash.ts'

// From test_vectors.json of the BLAKE3 repository: input byte i is i mod 251; the first 32 bytes of each output.
const official: readonly (readonly [number, string])[] = [
  [0, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
  [1, '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'],
  [1023, '10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11'],
  [1024, '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7'],
  [1025, 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444'],
  [2048, 'e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a'],
  [2049, '5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030'],
  [3072, 'b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2'],
  [3073, '7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3'],
  [4096, '015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969'],
  [4097, '9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995'],
  [5120, '9cadc15fed8b5d854562b26a9536d9707cadeda9b143978f319ab34230535833'],
  [8193, 'bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b'],
  [16_384, 'f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4'],
  [31_744, '62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47'],
  [102_400, 'bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085'],
]

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251)

test('BLAKE3 gives the official answers', () => {
  for (const [length, hash] of official) assert.equal(hexOf(blake3(pattern(length))), hash, `${length} bytes`)
})

test('BLAKE3 in pieces gives the same, and can go on after a digest', () => {
  for (const [length, hash] of official) {
    const hasher = blake3Hasher()
    const bytes = pattern(length)
    for (let at = 0; at < length; at += 777) hasher.update(bytes.subarray(at, at + 777))
    assert.equal(hexOf(hasher.digest()), hash, `${length} bytes`)
  }
  const hasher = blake3Hasher()
  assert.equal(hexOf(hasher.digest()), official[0]![1])
  hasher.update(pattern(1))
  assert.equal(hexOf(hasher.digest()), official[1]![1])
})

test('a hash is not overwritten by the next', () => {
  for (const length of [10, 5000, 100_000]) {
    const first = blake3(pattern(length))
    const copy = hexOf(first)
    blake3(pattern(length + 1))
    assert.equal(hexOf(first), copy)
    assert.equal(first.length, 32)
  }
})

test('the same bytes in the middle of another buffer have the same hash', () => {
  const shifted = new Uint8Array(50_007)
  shifted.set(pattern(50_000), 7)
  assert.equal(hexOf(blake3(shifted.subarray(7))), hexOf(blake3(pattern(50_000))))
})

test('SHA-256 and CRC-32 give the published answers, in one piece and in several', () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  assert.equal(hexOf(sha256(Buffer.from('abc'))), abc)
  assert.equal(hexOf(sha256(Buffer.from('a'), Buffer.from(''), Buffer.from('bc'))), abc)
  assert.equal(crc32(Buffer.from('123456789')), 0xcbf43926)
  assert.equal(crc32(Buffer.from('6789'), crc32(Buffer.from('12345'))), 0xcbf43926)
})
