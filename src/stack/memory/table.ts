/**
 * The one hash table: sockets by their four numbers, neighbours and destinations by their address, datagrams in fragments,
 * kept answers by their name. Chained; a record's first word is the chain. Keyed with a secret, so that nobody outside can
 * aim at one bucket.
 */
import type { Address, Arena } from './arena.ts'
import { SECRET, TABLE_AT, TABLE_MASK } from './layout.ts'

/** The chain's link inside a record. */
export const CHAIN = 0

/** The bucket for a key of three words. */
export const bucketOf = (m: Arena, a: number, b: number, c: number): Address =>
  m.get32(TABLE_AT) + (hashOf(m, a, b, c) & m.get32(TABLE_MASK)) * 4

/** A keyed hash of three words, 32 bits. The mixing is MurmurHash3's. */
export function hashOf(m: Arena, a: number, b: number, c: number): number {
  let h = m.get32(SECRET)
  h = mix(h, a)
  h = mix(h, b)
  h = mix(h, c)
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  h ^= Math.imul(k, 0x1b873593)
  h = (h << 13) | (h >>> 19)
  return (Math.imul(h, 5) + 0xe6546b64) | 0
}

/** Puts a record at the front of its bucket's chain; bucketOf says which. */
export function chain(m: Arena, bucket: Address, record: Address): void {
  m.put32(record + CHAIN, m.get32(bucket))
  m.put32(bucket, record)
}

/** Takes a record out of its bucket's chain; false when it is not in it. */
export function unchain(m: Arena, bucket: Address, record: Address): boolean {
  let link = bucket
  for (let at = m.get32(link); at !== 0; at = m.get32(link)) {
    if (at === record) {
      m.put32(link, m.get32(record + CHAIN))
      return true
    }
    link = at + CHAIN
  }
  return false
}
