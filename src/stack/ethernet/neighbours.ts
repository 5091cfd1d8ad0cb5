/**
 * The neighbour table: which station has which IPv4 address, RFC 826, with the upkeep that RFC 1122, 2.3.2 asks for.
 *
 *     incomplete --reply--> reachable --60 s, used--> stale --5 s--> probed: reachable, or gone after 3 requests
 *         |                     ^                       |
 *         |                     +-- a connection gets on
 *         |  3 requests, a second apart, unanswered
 *         v
 *       gone: the packet that waited is dropped, whoever wants to connect is told EHOSTUNREACH
 *
 * There are as many entries as fit a sixteenth of all pages. When they are all taken, a new one that we want takes the place
 * of the oldest that has not answered, else of the one whose last answer is longest ago; who merely speaks to us gets none.
 *
 * One datagram, all its fragments, waits in each incomplete entry, the newest (RFC 1122, 2.3.2.2: "SHOULD save (rather
 * than discard) at least one (the latest) packet").
 */
import { type Core, count, KIND_NEIGHBOUR, RECORD_KIND } from '../core.ts'
import { ENOBUFS, type Errno } from '../errno.ts'
import { ipv6For } from '../ip6/word.ts'
import { type Address, type Arena, freePages, PAGE_LENGTH, PAGE_NEXT, type Page } from '../memory/arena.ts'
import { appendBoth, removeBoth } from '../memory/fifo.ts'
import {
  CONFIRMED_HEAD,
  HOP,
  HOP_TO,
  INCOMPLETE_HEAD,
  NEIGHBOURS_HELD,
  PAGE_COUNT,
  POOL_NEIGHBOURS,
  POOL_PAGES,
  POOL_PARTIAL,
  POOL_STRIDE,
  POOLS_AT,
} from '../memory/layout.ts'
import { freeRecord, type RecordKind, takeRecord } from '../memory/slab.ts'
import { bucketOf, CHAIN, chain, unchain } from '../memory/table.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'
import { arpFailures } from '../mib.ts'
import { BASE_REACHABLE_TIME_MS, MCAST_SOLICIT, RETRANS_TIME_MS } from '../proc/sysctl.ts'
import { connectionsUnreachable } from '../tcp/unreachable.ts'
import { ETH_DESTINATION, putMac } from '../wire/ethernet.ts'
import { sendArpRequest } from './arp.ts'
import { frameAt, queueFrames, takeFrame } from './frames.ts'

/** Offsets in a neighbour's record, behind chain, timer node and kind (core.ts). IPv4 in host order, MAC in two parts. */
export const NEIGHBOUR_STATE = 17
const NEIGHBOUR_REQUESTS = 18
/** Whether a frame was sent to it since it was last confirmed. */
export const NEIGHBOUR_USED = 19
export const NEIGHBOUR_ADDRESS = 20
export const NEIGHBOUR_MAC_HIGH = 24
export const NEIGHBOUR_MAC_LOW = 28
/** The list of pages with the frames of the datagram that waits, 0 if none. */
export const NEIGHBOUR_HELD = 32
/** The next, by age, of those that have not answered or of those that have, in both directions. */
export const YOUNGER = 36
const OLDER = 40
export const NEIGHBOUR_LINK = 44
export const NEIGHBOUR_KIND: RecordKind = { pool: POOL_NEIGHBOURS, size: 48, urgent: true }

/** Values of NEIGHBOUR_STATE. */
export const NEIGHBOUR_INCOMPLETE = 0
export const NEIGHBOUR_REACHABLE = 1
export const NEIGHBOUR_STALE = 2
/** Set by the owner: not asked for again, and no ARP packet changes it. */
export const NEIGHBOUR_PERMANENT = 3

/** RFC 1122, 2.3.2.1: "the timeout should be on the order of a minute". */
const REACHABLE_MS = 60_000
/** RFC 1122, 2.3.2.1: "the recommended maximum rate is 1 per second per destination". */
const REQUEST_INTERVAL_MS = 1_000
const REQUESTS = 3
/** RFC 4861, 10, DELAY_FIRST_PROBE_TIME: so long a connection has to show that the neighbour is there, before it is asked. */
const DELAY_MS = 5_000

const bucket = (m: Arena, address: number, link: number): Address =>
  bucketOf(m, address, KIND_NEIGHBOUR, link)

/** The entry for an address on a link, 0 if there is none. */
export function findNeighbour(s: Core, address: number, link = 0): Address {
  const m = s.m
  let at = m.get32(bucket(m, address, link))
  while (
    at !== 0 &&
    !(
      m.get8(at + RECORD_KIND) === KIND_NEIGHBOUR &&
      m.get32(at + NEIGHBOUR_ADDRESS) === address &&
      m.get8(at + NEIGHBOUR_LINK) === link
    )
  ) {
    at = m.get32(at + CHAIN)
  }
  return at
}

/** The entry for an address that we want to send to; it is asked for when it is new. 0: memory is full. */
export function wantNeighbour(s: Core, address: number, link = 0): Address {
  const found = findNeighbour(s, address, link)
  if (found !== 0) {
    s.m.put8(found + NEIGHBOUR_USED, 1)
    return found
  }
  if (!hasRoom(s.m)) removeNeighbour(s, s.m.get32(INCOMPLETE_HEAD) || s.m.get32(CONFIRMED_HEAD))
  const made = makeNeighbour(s, address, link)
  if (made !== 0) ask(s, made)
  return made
}

/** An ARP packet told us where an address is. New entries only when it spoke to us (RFC 826, "Packet Reception"). */
export function learnNeighbour(
  s: Core,
  address: number,
  macHigh: number,
  macLow: number,
  add: boolean,
  link: number,
): void {
  const m = s.m
  const at = findNeighbour(s, address, link) || (add && hasRoom(m) ? makeNeighbour(s, address, link) : 0)
  if (at === 0) return
  if (s.features.netlink && m.get8(at + NEIGHBOUR_STATE) === NEIGHBOUR_PERMANENT) return
  if (confirm(s, at, macHigh, macLow)) s.features.netlink?.neighbourChanged(s, at, false)
  release(s, at)
}

/** The owner says where an address is. ENOBUFS when memory is full. */
export function setNeighbour(
  s: Core,
  address: number,
  link: number,
  macHigh: number,
  macLow: number,
  permanent: boolean,
): 0 | Errno {
  const { m } = s
  const at = findNeighbour(s, address, link) || (hasRoom(m) ? makeNeighbour(s, address, link) : 0)
  if (at === 0) return ENOBUFS
  confirm(s, at, macHigh, macLow)
  if (permanent) {
    m.put8(at + NEIGHBOUR_STATE, NEIGHBOUR_PERMANENT)
    clearTimer(m, at)
  }
  s.features.netlink?.neighbourChanged(s, at, false)
  release(s, at)
  return 0
}

/** A neighbour is known to be there. True: that, or where it is, is new. */
function confirm(s: Core, at: Address, macHigh: number, macLow: number): boolean {
  const { m } = s
  const news =
    m.get8(at + NEIGHBOUR_STATE) !== NEIGHBOUR_REACHABLE ||
    m.get16(at + NEIGHBOUR_MAC_HIGH) !== macHigh ||
    m.get32(at + NEIGHBOUR_MAC_LOW) !== macLow
  removeBoth(m, listOf(m, at), at, YOUNGER, OLDER)
  m.put16(at + NEIGHBOUR_MAC_HIGH, macHigh)
  m.put32(at + NEIGHBOUR_MAC_LOW, macLow)
  m.put8(at + NEIGHBOUR_STATE, NEIGHBOUR_REACHABLE)
  appendBoth(m, CONFIRMED_HEAD, at, YOUNGER, OLDER)
  m.put8(at + NEIGHBOUR_REQUESTS, 0)
  m.put8(at + NEIGHBOUR_USED, 0)
  startTimer(m, at, s.features.procFs?.setting(s, BASE_REACHABLE_TIME_MS) ?? REACHABLE_MS)
  return news
}

/**
 * A connection to `remote` got on: by "forward progress" RFC 4861, 7.3.1 has the first hop confirmed. It comes with every ACK
 * and every text, so only the neighbour is looked at to which the last packet went, and changed only while it is in doubt.
 */
export function heardBack(s: Core, remote: number): void {
  const { m } = s
  const ipv6 = ipv6For(s, remote)
  if (ipv6 !== undefined) return ipv6.heardBack(s, remote)
  const at = m.get32(HOP)
  if (at === 0 || m.get32(HOP_TO) !== remote || m.get8(at + NEIGHBOUR_STATE) !== NEIGHBOUR_STALE) return
  confirm(s, at, m.get16(at + NEIGHBOUR_MAC_HIGH), m.get32(at + NEIGHBOUR_MAC_LOW))
  s.features.netlink?.neighbourChanged(s, at, false)
}

/** Keeps a copy of a frame until its receiver's address is known, in the place of an older one. */
export function holdFrame(s: Core, neighbour: Address, from: Address, length: number): void {
  const m = s.m
  forget(m, neighbour)
  const page = takeFrame(s, true)
  if (page === 0) return
  m.bytes.copyWithin(frameAt(page), from, from + length)
  holdPage(s, neighbour, page, length)
}

/** The same for a frame that has a page already: the page is given away. */
export function holdPage(s: Core, neighbour: Address, page: Page, length: number): void {
  s.m.put16(page + PAGE_LENGTH, length)
  holdPages(s, neighbour, page)
}

/** The same for all frames of one datagram. */
export function holdPages(s: Core, neighbour: Address, head: Page): void {
  const { m } = s
  forget(m, neighbour)
  m.put32(neighbour + NEIGHBOUR_HELD, head)
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT)) m.add32(NEIGHBOURS_HELD, 1)
  // No more pages wait for answers than for a link; the oldest give way.
  const most = Math.max(2, m.get32(PAGE_COUNT) >> 3)
  while (m.get32(NEIGHBOURS_HELD) > most && m.get32(INCOMPLETE_HEAD) !== neighbour)
    removeNeighbour(s, m.get32(INCOMPLETE_HEAD))
}

/** Drops what waits for a neighbour. */
const forget = (m: Arena, neighbour: Address): void => freePages(m, takeHeld(m, neighbour))

/** The pages that wait for a neighbour, which wait no more. */
function takeHeld(m: Arena, neighbour: Address): Page {
  const head = m.get32(neighbour + NEIGHBOUR_HELD)
  m.put32(neighbour + NEIGHBOUR_HELD, 0)
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT)) m.add32(NEIGHBOURS_HELD, -1)
  return head
}

/** The neighbour's timer fired: ask again, ask whether it is still there, or give it up. */
export function neighbourTimer(s: Core, at: Address): void {
  const m = s.m
  const state = m.get8(at + NEIGHBOUR_STATE)
  const idle = state === NEIGHBOUR_REACHABLE && m.get8(at + NEIGHBOUR_USED) === 0
  if (idle || m.get8(at + NEIGHBOUR_REQUESTS) >= (s.features.procFs?.setting(s, MCAST_SOLICIT) ?? REQUESTS)) {
    const address = m.get32(at + NEIGHBOUR_ADDRESS)
    const link = m.get8(at + NEIGHBOUR_LINK)
    const held = takeHeld(m, at)
    removeNeighbour(s, at)
    // Only now: what is told may need a neighbour itself, in the place of the oldest, which was this one.
    if (!idle) s.features.forwarding?.undeliverable(s, held)
    freePages(m, held)
    if (!idle) {
      count(s, arpFailures)
      s.features.redirects?.gatewayGone(s, address)
      connectionsUnreachable(s, address, link)
    }
    return
  }
  if (state === NEIGHBOUR_REACHABLE) {
    m.put8(at + NEIGHBOUR_STATE, NEIGHBOUR_STALE)
    s.features.netlink?.neighbourChanged(s, at, false)
    return startTimer(m, at, DELAY_MS)
  }
  ask(s, at)
}

/** Forgets a neighbour and what waited for it. */
export function removeNeighbour(s: Core, at: Address): void {
  const m = s.m
  s.features.netlink?.neighbourChanged(s, at, true)
  m.put32(HOP, 0)
  forget(m, at)
  clearTimer(m, at)
  removeBoth(m, listOf(m, at), at, YOUNGER, OLDER)
  unchain(m, bucket(m, m.get32(at + NEIGHBOUR_ADDRESS), m.get8(at + NEIGHBOUR_LINK)), at)
  freeRecord(m, NEIGHBOUR_KIND, at)
}

function makeNeighbour(s: Core, address: number, link: number): Address {
  const m = s.m
  const at = takeRecord(m, NEIGHBOUR_KIND)
  if (at === 0) return 0
  m.put8(at + RECORD_KIND, KIND_NEIGHBOUR)
  m.put32(at + NEIGHBOUR_ADDRESS, address)
  m.put8(at + NEIGHBOUR_LINK, link)
  chain(m, bucket(m, address, link), at)
  appendBoth(m, INCOMPLETE_HEAD, at, YOUNGER, OLDER)
  return at
}

/** Whether one more entry fits a sixteenth of all pages. */
function hasRoom(m: Arena): boolean {
  const pool = POOLS_AT + POOL_NEIGHBOURS * POOL_STRIDE
  return (
    m.get32(pool + POOL_PARTIAL) !== 0 || m.get32(pool + POOL_PAGES) < Math.max(1, m.get32(PAGE_COUNT) >> 4)
  )
}

/** The list that an entry stands in. */
const listOf = (m: Arena, at: Address): Address =>
  m.get8(at + NEIGHBOUR_STATE) === NEIGHBOUR_INCOMPLETE ? INCOMPLETE_HEAD : CONFIRMED_HEAD

function ask(s: Core, at: Address): void {
  const m = s.m
  m.put8(at + NEIGHBOUR_REQUESTS, m.get8(at + NEIGHBOUR_REQUESTS) + 1)
  sendArpRequest(s, m.get32(at + NEIGHBOUR_ADDRESS), m.get8(at + NEIGHBOUR_LINK))
  startTimer(m, at, s.features.procFs?.setting(s, RETRANS_TIME_MS) ?? REQUEST_INTERVAL_MS)
}

/** Sends the frames that waited. */
function release(s: Core, at: Address): void {
  const m = s.m
  const head = takeHeld(m, at)
  if (head === 0) return
  const high = m.get16(at + NEIGHBOUR_MAC_HIGH)
  const low = m.get32(at + NEIGHBOUR_MAC_LOW)
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT))
    putMac(m.view, frameAt(page) + ETH_DESTINATION, high, low)
  queueFrames(s, head, m.get8(at + NEIGHBOUR_LINK))
}
