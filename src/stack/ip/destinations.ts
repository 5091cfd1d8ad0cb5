/**
 * What is remembered of a destination beyond one connection: its path MTU, TCP's metrics, a Fast Open cookie; each is
 * there when its feature put it there. An IPv6 address is one by its word, which stays the same while a record has it. A record is kept four minutes after it was last written, a path MTU ten; when there
 * are as many as may be, the one that was written longest ago gives way, and all of them do when data wants their memory.
 */

import { type Core, KIND_DESTINATION, RECORD_KIND } from '../core.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { appendBoth, removeBoth } from '../memory/fifo.ts'
import {
  DESTINATIONS_COUNT,
  DESTINATIONS_HEAD,
  NOW_MS,
  PAGE_COUNT,
  POOL_DESTINATIONS,
} from '../memory/layout.ts'
import { freeRecord, type RecordKind, takeRecord } from '../memory/slab.ts'
import { bucketOf, CHAIN, chain, unchain } from '../memory/table.ts'
import { clearTimer, setTimer } from '../memory/wheel.ts'

/** Behind chain, timer node and kind: whose record it is, and its place in the list by age. */
const DESTINATION_ADDRESS = 20
export const DESTINATION_NEXT = 24
const DESTINATION_PREVIOUS = 28
const KEPT_UNTIL = 32
/** tcp/path-mtu.ts: bytes, 0 if it is the link's. While there is one the timer is set for when it is believed no longer. */
export const PATH_MTU = 36
/** tcp/fast-open.ts: bytes of the cookie, the peer's MSS, the cookie. */
export const COOKIE_LENGTH = 38
export const COOKIE_MSS = 40
export const COOKIE = 44
/** tcp/metrics.ts: as in the TCB. */
export const METRIC_SRTT = 60
export const METRIC_RTTVAR = 64
export const METRIC_SSTHRESH = 68
export const DESTINATION_KIND: RecordKind = { pool: POOL_DESTINATIONS, size: 72, urgent: false }

/** Two maximum segment lifetimes (RFC 9293, 3.4.2): what the path was like before that says little. */
const KEPT_MS = 240_000
/** A host smaller than this many pages has better uses for one. */
const PAGES_LEAST = 32

/** The feature DESTINATIONS as core code knows it. */
export interface Destinations {
  /** The record's timer fired. */
  expired(s: Core, record: Address): void
  /** The host with this address is gone for good. */
  forget(s: Core, address: number): void
  /** Each address of which something is remembered. */
  visit(m: Arena, visit: (address: number) => void): void
  /** Gives all records up for their memory. False: there were none. */
  makeRoom(s: Core): boolean
}

/** One for each four pages of the arena, which take a hundredth and a half of it. */
const mostDestinations = (m: Arena): number =>
  m.get32(PAGE_COUNT) < PAGES_LEAST ? 0 : m.get32(PAGE_COUNT) >> 2

const bucketFor = (m: Arena, address: number): Address => bucketOf(m, KIND_DESTINATION, address, 0)

/** The record of this address, 0 if there is none. */
export function findDestination(m: Arena, address: number): Address {
  let at = m.get32(bucketFor(m, address))
  while (
    at !== 0 &&
    !(m.get8(at + RECORD_KIND) === KIND_DESTINATION && m.get32(at + DESTINATION_ADDRESS) === address)
  )
    at = m.get32(at + CHAIN)
  return at
}

/** The record of this address to be written, made if there is none; 0 when memory is full. */
export function wantDestination(s: Core, address: number): Address {
  const { m } = s
  const r = findDestination(m, address) || makeDestination(s, address)
  if (r === 0) return 0
  removeBoth(m, DESTINATIONS_HEAD, r, DESTINATION_NEXT, DESTINATION_PREVIOUS)
  appendBoth(m, DESTINATIONS_HEAD, r, DESTINATION_NEXT, DESTINATION_PREVIOUS)
  m.put32(r + KEPT_UNTIL, (m.get32(NOW_MS) + KEPT_MS) | 0)
  // A path MTU has its own time: see expired.
  if (m.get16(r + PATH_MTU) === 0) setTimer(m, r, m.get32(r + KEPT_UNTIL))
  return r
}

function makeDestination(s: Core, address: number): Address {
  const { m } = s
  const most = mostDestinations(m)
  if (most === 0) return 0
  if (m.get32(DESTINATIONS_COUNT) >= most) dropDestination(s, m.get32(DESTINATIONS_HEAD))
  const r = takeRecord(m, DESTINATION_KIND)
  if (r === 0) return 0
  m.put8(r + RECORD_KIND, KIND_DESTINATION)
  m.put32(r + DESTINATION_ADDRESS, address)
  chain(m, bucketFor(m, address), r)
  appendBoth(m, DESTINATIONS_HEAD, r, DESTINATION_NEXT, DESTINATION_PREVIOUS)
  m.add32(DESTINATIONS_COUNT, 1)
  return r
}

function dropDestination(s: Core, r: Address): void {
  const { m } = s
  if (m.get16(r + PATH_MTU) !== 0) s.features.pathMtu?.expired(s, m.get32(r + DESTINATION_ADDRESS))
  clearTimer(m, r)
  unchain(m, bucketFor(m, m.get32(r + DESTINATION_ADDRESS)), r)
  removeBoth(m, DESTINATIONS_HEAD, r, DESTINATION_NEXT, DESTINATION_PREVIOUS)
  m.add32(DESTINATIONS_COUNT, -1)
  freeRecord(m, DESTINATION_KIND, r)
}

/** What TCP_METRICS, TCP_FASTOPEN and PATH_MTU keep their knowledge in. */
export const destinations: Destinations = {
  expired(s, r) {
    const { m } = s
    if (m.get16(r + PATH_MTU) !== 0) {
      m.put16(r + PATH_MTU, 0)
      s.features.pathMtu?.expired(s, m.get32(r + DESTINATION_ADDRESS))
    }
    if (((m.get32(r + KEPT_UNTIL) - m.get32(NOW_MS)) | 0) <= 0) dropDestination(s, r)
    else setTimer(m, r, m.get32(r + KEPT_UNTIL))
  },

  forget(s, address) {
    const r = findDestination(s.m, address)
    if (r !== 0) dropDestination(s, r)
  },

  visit(m, visit) {
    for (let r = m.get32(DESTINATIONS_HEAD); r !== 0; r = m.get32(r + DESTINATION_NEXT))
      visit(m.get32(r + DESTINATION_ADDRESS))
  },

  makeRoom(s) {
    const { m } = s
    const some = m.get32(DESTINATIONS_COUNT) > 0
    while (m.get32(DESTINATIONS_HEAD) !== 0) dropDestination(s, m.get32(DESTINATIONS_HEAD))
    return some
  },
}
