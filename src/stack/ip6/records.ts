/**
 * What a host remembers of IPv6: records of one size in one pool, so that a host that uses little of it pays for one page.
 *
 *     link --> addresses, prefixes, routers, name servers, groups      lists, each of a few
 *     hash table --> neighbours, destinations                          found by address, bounded and swept
 *
 * A record begins as all timed records do (core.ts): chain, timer node, kind. Then come its sort and its address.
 */
import { KIND_IPV6, RECORD_KIND } from '../core.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { IPV6_LINK, NOW, POOL_IPV6 } from '../memory/layout.ts'
import { freeRecord, type RecordKind, takeRecord } from '../memory/slab.ts'
import { bucketOf, CHAIN, hashOf } from '../memory/table.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'

/** Offsets that all records of IPv6 have, see above: the sort, one of SORT_…. */
export const SORT = 17
/** Each sort's own state and another byte. */
export const STATE6 = 18
/** 0 … 128, in the records of prefixes and addresses. */
export const PREFIX_BITS = 19
/** 16 bytes in network order. The word by which a socket's record names an address points here (word.ts). */
export const ADDRESS6 = 20
/** The next in its list. */
export const NEXT6 = 36
/** 64 bytes: 24 records a page. They may use the reserve. */
export const IPV6_KIND: RecordKind = { pool: POOL_IPV6, size: 64, urgent: true }

/** Values at SORT. */
export const SORT_LINK = 1
export const SORT_ADDRESS = 2
export const SORT_PREFIX = 3
export const SORT_ROUTER = 4
export const SORT_SERVER = 5
export const SORT_GROUP = 6
export const SORT_NEIGHBOUR = 7
export const SORT_DESTINATION = 8
export const SORT_SWEEP = 9

/** When an address, a prefix, a router or a server is no more: seconds on the host's clock, FOR_EVER or earlier. */
export const VALID_UNTIL = 40

/** The link's record; 0 while IPv6 is off. */
export const linkOf = (m: Arena): Address => m.get32(IPV6_LINK)

/** The heads of the lists, in the link's record. */
export const ADDRESSES = 40
export const PREFIXES = 44
export const ROUTERS = 48
export const SERVERS = 52
export const GROUPS = 56

/** A record of this sort; 0 when memory is full. */
export function makeRecord(m: Arena, sort: number): Address {
  const at = takeRecord(m, IPV6_KIND)
  if (at === 0) return 0
  m.put8(at + RECORD_KIND, KIND_IPV6)
  m.put8(at + SORT, sort)
  return at
}

/** Frees a record that is in no list and no chain; its timer is cleared. */
export function dropRecord(m: Arena, at: Address): void {
  clearTimer(m, at)
  freeRecord(m, IPV6_KIND, at)
}

/** One of SORT_…; of a record whose kind is KIND_IPV6. */
export const sortOf = (m: Arena, at: Address): number => m.get8(at + SORT)

// ---- addresses ------------------------------------------------------------------------------------------------

/** Whether the 16 bytes at `a` and at `b` are the same. */
export const isSame = (m: Arena, a: Address, b: Address): boolean =>
  m.get32(a + 12) === m.get32(b + 12) &&
  m.get32(a + 8) === m.get32(b + 8) &&
  m.get32(a + 4) === m.get32(b + 4) &&
  m.get32(a) === m.get32(b)

/** Copies the 16 bytes at `from` to `to`. */
export function copyAddress(m: Arena, to: Address, from: Address): void {
  m.put32(to, m.get32(from))
  m.put32(to + 4, m.get32(from + 4))
  m.put32(to + 8, m.get32(from + 8))
  m.put32(to + 12, m.get32(from + 12))
}

/** 128 bits as one word, keyed. */
export const digestOf = (m: Arena, at: Address): number =>
  hashOf(m, hashOf(m, m.get32(at), m.get32(at + 4), m.get32(at + 8)), m.get32(at + 12), KIND_IPV6)

/** The bucket for the address at `at`, for a sort. */
export const bucket6 = (m: Arena, at: Address, sort: number): Address =>
  bucketOf(m, digestOf(m, at), sort, KIND_IPV6)

/** The neighbour or destination with the address at `at`, 0 if there is none. */
export function findRecord(m: Arena, sort: number, at: Address): Address {
  let found = m.get32(bucket6(m, at, sort))
  while (
    found !== 0 &&
    !(
      m.get8(found + RECORD_KIND) === KIND_IPV6 &&
      m.get8(found + SORT) === sort &&
      isSame(m, found + ADDRESS6, at)
    )
  )
    found = m.get32(found + CHAIN)
  return found
}

// ---- lists ----------------------------------------------------------------------------------------------------

/** The first of the list at `head` with the address at `at`; 0 if there is none. */
export function findInList(m: Arena, head: Address, at: Address): Address {
  let found = m.get32(head)
  while (found !== 0 && !isSame(m, found + ADDRESS6, at)) found = m.get32(found + NEXT6)
  return found
}

/** How many records hang at `head`; 0 for none. */
export function listLength(m: Arena, head: Address): number {
  let length = 0
  for (let at = m.get32(head); at !== 0; at = m.get32(at + NEXT6)) length++
  return length
}

/** Puts a new record with the address at `at` at the end of a list of no more than `most`; 0 when it is full, or memory. */
export function addToList(m: Arena, head: Address, sort: number, at: Address, most: number): Address {
  if (listLength(m, head) >= most) return 0
  const made = makeRecord(m, sort)
  if (made === 0) return 0
  copyAddress(m, made + ADDRESS6, at)
  let link = head
  while (m.get32(link) !== 0) link = m.get32(link) + NEXT6
  m.put32(link, made)
  return made
}

/** Takes a record out of its list and frees it. */
export function removeFromList(m: Arena, head: Address, record: Address): void {
  let link = head
  while (m.get32(link) !== record) link = m.get32(link) + NEXT6
  m.put32(link, m.get32(record + NEXT6))
  dropRecord(m, record)
}

// ---- lifetimes ------------------------------------------------------------------------------------------------

/** RFC 4861, 4.6.2: "A value of all one bits (0xffffffff) represents infinity". */
export const FOR_EVER = 0xffffffff

/** The host's clock in whole seconds: lifetimes are too long for milliseconds in 32 bits. */
export const secondsNow = (m: Arena): number => Math.floor(m.view.getFloat64(NOW, true) / 1000)

/** When a lifetime that begins now ends. */
export const untilAfter = (m: Arena, lifetime: number): number =>
  lifetime === FOR_EVER ? FOR_EVER : Math.min(FOR_EVER - 1, secondsNow(m) + lifetime)

/** What is left of it, in seconds. */
export const leftOf = (m: Arena, until: number): number =>
  until === FOR_EVER ? FOR_EVER : Math.max(0, until - secondsNow(m))

/** A timer is set no farther than this, and then anew. */
const TIMER_MAX_MS = 1 << 30

/** Sets the record's timer to when its lifetime ends; clears it for one that never does. */
export function timeLife(m: Arena, record: Address, until: number): void {
  if (until === FOR_EVER) return clearTimer(m, record)
  const ms = Math.min(TIMER_MAX_MS, Math.max(0, until * 1000 - Math.floor(m.view.getFloat64(NOW, true))))
  startTimer(m, record, ms)
}
