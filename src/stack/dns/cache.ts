/**
 * Answers that are kept until their time to live is over: for each name and type one record with all data of that set.
 * "There is none" is kept as well (RFC 2308): a set without data, or, under type 0, a name that nobody has. When as many
 * are kept as may be, the oldest goes.
 */
import { type Core, KIND_CACHED, RECORD_KIND } from '../core.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { appendBoth, removeBoth } from '../memory/fifo.ts'
import { CACHED_COUNT, CACHED_HEAD, NOW_MS, PAGE_COUNT } from '../memory/layout.ts'
import { freeRecord, takeRecord } from '../memory/slab.ts'
import { bucketOf, CHAIN, chain, unchain } from '../memory/table.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'
import { readName, TYPE_A, TYPE_CNAME, TYPE_PTR } from '../wire/dns.ts'
import { hashName, sameName } from './name.ts'
import { NAME_KIND } from './record.ts'

const NAME_LENGTH = 18
export const CACHED_NEXT = 20
const BACK = 24
const TYPE = 28
export const DATA_LENGTH = 30
const HASH = 32
const LEARNT = 36
const NAME = 40
/** Bytes for the name and the data behind it. */
const ROOM = NAME_KIND.size - NAME

/** Under this type it is kept that a name does not exist. */
export const NO_NAME = 0
/** A day. RFC 2308, 5: "values of one to three hours … have been found to work well" for what is not there: 3 hours. */
export const TTL_MAX = 86_400
export const NEGATIVE_TTL_MAX = 10_800
const CACHED_MAX = 256

/** As many as stand in a thirty-second of all pages. */
const mostCached = (m: Arena): number => Math.min(CACHED_MAX, Math.max(5, (m.get32(PAGE_COUNT) >> 5) * 5))

/** What is kept under a flat name and a type; 0 for nothing. */
export function findCached(s: Core, name: Address, length: number, type: number): Address {
  const { m } = s
  const hash = hashName(m, name, length)
  let at = m.get32(bucketOf(m, hash, type, KIND_CACHED))
  while (at !== 0 && !isSet(m, at, hash, name, length, type)) at = m.get32(at + CHAIN)
  return at
}

const isSet = (m: Arena, at: Address, hash: number, name: Address, length: number, type: number): boolean =>
  m.get8(at + RECORD_KIND) === KIND_CACHED &&
  m.get32(at + HASH) === hash &&
  m.get16(at + TYPE) === type &&
  m.get8(at + NAME_LENGTH) === length &&
  sameName(m, at + NAME, name, length)

/** Where the set's flat name begins. */
export const nameAt = (at: Address): Address => at + NAME
/** Bytes of the flat name, its last empty label included: 1 … 255. */
export const nameLength = (m: Arena, at: Address): number => m.get8(at + NAME_LENGTH)
/** Whether the set is of this type of RFC 1035, 3.2.2. */
export const isOfType = (m: Arena, at: Address, type: number): boolean => m.get16(at + TYPE) === type

/** Where the data begin. */
export const dataAt = (m: Arena, at: Address): Address => at + NAME + m.get8(at + NAME_LENGTH)

/** Whether a set was learnt within this many milliseconds. */
export const isYoung = (m: Arena, at: Address, ms: number): boolean =>
  ((m.get32(NOW_MS) - m.get32(at + LEARNT)) | 0) < ms

/** An empty set that is kept for so many seconds, in the place of what was known. 0: there is no room. */
export function keepSet(s: Core, name: Address, length: number, type: number, ttl: number): Address {
  const { m } = s
  const before = findCached(s, name, length, type)
  if (before !== 0) forgetCached(s, before)
  if (m.get32(CACHED_COUNT) >= mostCached(m)) forgetCached(s, m.get32(CACHED_HEAD))
  const at = takeRecord(m, NAME_KIND)
  if (at === 0) return 0
  m.put8(at + RECORD_KIND, KIND_CACHED)
  m.put8(at + NAME_LENGTH, length)
  m.put16(at + TYPE, type)
  m.put32(at + HASH, hashName(m, name, length))
  m.put32(at + LEARNT, m.get32(NOW_MS))
  m.bytes.copyWithin(at + NAME, name, name + length)
  chain(m, bucketOf(m, m.get32(at + HASH), type, KIND_CACHED), at)
  appendBoth(m, CACHED_HEAD, at, CACHED_NEXT, BACK)
  m.add32(CACHED_COUNT, 1)
  expireIn(s, at, Math.min(TTL_MAX, ttl) * 1000)
  return at
}

/**
 * Adds to a set the data of a record of a message, which stand at `data`: addresses of four or sixteen bytes, or a name.
 * What is malformed, there already, or finds no room is left out.
 */
export function addData(
  s: Core,
  at: Address,
  message: Address,
  end: Address,
  data: Address,
  dataLength: number,
): void {
  const { m } = s
  const from = dataAt(m, at)
  const had = m.get16(at + DATA_LENGTH)
  const room = ROOM - m.get8(at + NAME_LENGTH) - had
  const type = m.get16(at + TYPE)
  if (type === TYPE_PTR || type === TYPE_CNAME) {
    // A set of names has one: the first.
    const flat = had > 0 ? -1 : readName(m.view, message, data, end, m.bytes, from, room)
    if (flat > 0) m.put16(at + DATA_LENGTH, flat)
    return
  }
  const length = type === TYPE_A ? 4 : 16
  if (dataLength !== length || length > room) return
  for (let i = 0; i + length <= had; i += length) if (sameBytes(m, from + i, data, length)) return
  m.bytes.copyWithin(from + had, data, data + length)
  m.put16(at + DATA_LENGTH, had + length)
}

/** A set is heard of again; `empty`: what it had is replaced by what follows. */
export function renewSet(s: Core, at: Address, ttl: number, empty: boolean): void {
  if (empty) s.m.put16(at + DATA_LENGTH, 0)
  s.m.put32(at + LEARNT, s.m.get32(NOW_MS))
  expireIn(s, at, Math.min(TTL_MAX, ttl) * 1000)
}

/** The data of a set of one IPv4 address. */
export function putAddress(m: Arena, at: Address, address: number): void {
  m.view.setInt32(dataAt(m, at), address)
  m.put16(at + DATA_LENGTH, 4)
}

/** A set's time ends in so many milliseconds. */
export const expireIn = (s: Core, at: Address, ms: number): void => startTimer(s.m, at, ms)

/** Frees a set before its time, or at its end. */
export function forgetCached(s: Core, at: Address): void {
  const { m } = s
  clearTimer(m, at)
  unchain(m, bucketOf(m, m.get32(at + HASH), m.get16(at + TYPE), KIND_CACHED), at)
  removeBoth(m, CACHED_HEAD, at, CACHED_NEXT, BACK)
  m.add32(CACHED_COUNT, -1)
  freeRecord(m, NAME_KIND, at)
}

function sameBytes(m: Arena, one: Address, other: Address, length: number): boolean {
  for (let i = 0; i < length; i++) if (m.get8(one + i) !== m.get8(other + i)) return false
  return true
}
