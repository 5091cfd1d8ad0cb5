/**
 * The destination cache, RFC 4861, 5.1: for each address that sockets speak to, the neighbour that is the first hop to it
 * and the path's MTU (RFC 8201). Its record is also where the address stands for all who name it by a word (word.ts).
 *
 * Nobody counts who uses a record. Once a minute, while there are any, a sweep asks all sockets, and what TCP remembers
 * (ip/destinations.ts), whom they name, and frees what is neither named nor was wanted since the last one; of neighbours, those that no destination goes by. When the
 * pool has grown as large as it may, it is swept at once. A stranger's packet makes a destination only when a listener
 * takes his connection, and then memory for control blocks bounds it as well.
 */
import { type Core, KIND_IPV6, RECORD_KIND } from '../core.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { ownerOf, PAGE } from '../memory/arena.ts'
import {
  NOW_MS,
  PAGE_COUNT,
  PAGES_AT,
  POOL_CONNECTIONS,
  POOL_IPV6,
  POOL_PAGES,
  POOL_SOCKETS,
  POOL_STRIDE,
  POOLS_AT,
} from '../memory/layout.ts'
import { type RecordKind, visitRecords } from '../memory/slab.ts'
import { chain, unchain } from '../memory/table.ts'
import { startTimer, timerIsSet } from '../memory/wheel.ts'
import { DATAGRAM_KIND } from '../socket/datagrams.ts'
import { LOCAL_ADDRESS, REMOTE_ADDRESS } from '../socket/record.ts'
import { CONNECTION_KIND } from '../tcp/tcb.ts'
import { IP6_MTU_MIN } from '../wire/ipv6.ts'
import { GONE, OWN_NAMED, removeOwn } from './addresses.ts'
import { isLinkLocal6 } from './kinds.ts'
import { linkMtu, SWEEP } from './link.ts'
import {
  dropNeighbour6,
  dropUnanswered,
  INCOMPLETE,
  NEIGHBOUR_WANTED,
  neighbourUsed,
  wantNeighbour6,
} from './neighbours.ts'
import { isOnLink } from './prefixes.ts'
import {
  ADDRESS6,
  bucket6,
  copyAddress,
  dropRecord,
  findRecord,
  IPV6_KIND,
  linkOf,
  makeRecord,
  ROUTERS,
  SORT_ADDRESS,
  SORT_DESTINATION,
  SORT_NEIGHBOUR,
  SORT_SWEEP,
  STATE6,
  secondsNow,
  sortOf,
} from './records.ts'
import { defaultRouter } from './routers.ts'
import { isIpv6Word } from './word.ts'

/** 1: looked up since the last sweep. */
const WANTED = 18
/** 1: somebody names it; meaningful during a sweep. */
const NAMED = 19
/** The neighbour that is the first hop, 0 while it has to be looked for. */
export const HOP_OF = 36
/** The path's MTU where it is less than the link's, else 0; and since when (seconds). */
export const PATH_MTU = 40
const PATH_MTU_SINCE = 44

const SWEEP_MS = 60_000
/** A sweep for want of room comes no oftener. */
const SWEEP_AGAIN_MS = 1_000
/** RFC 8201, 4: an increase must not be tried for "less than 5 minutes"; 5.3: "the recommended setting for this timer is ... 10 minutes". */
const PATH_MTU_SECONDS = 600

/** The record for the address at `at`, 0 if there is none. It does not count as a use: see wantDestination. */
export const findDestination = (m: Arena, at: Address): Address => findRecord(m, SORT_DESTINATION, at)

/** The record for the address at `at`, made where there is none; 0 when there is no room. */
export function wantDestination(s: Core, at: Address): Address {
  const { m } = s
  let d = findDestination(m, at)
  if (d === 0) {
    d = makeRoom(s) ? makeRecord(m, SORT_DESTINATION) : 0
    if (d === 0) return 0
    copyAddress(m, d + ADDRESS6, at)
    chain(m, bucket6(m, at, SORT_DESTINATION), d)
    wantSweep(s)
  }
  m.put8(d + WANTED, 1)
  return d
}

/** Next-hop determination, 5.2, for the address at `at`: the neighbour to send to; 0 when there is none, or no room. */
export function firstHop(s: Core, at: Address): Address {
  const { m } = s
  if (isLinkLocal6(m, at) || isOnLink(m, at)) return wantNeighbour6(s, at)
  const router = defaultRouter(s)
  // 5.2 before it was amended had all destinations on the link then; RFC 5942 has none.
  return router === 0 ? 0 : wantNeighbour6(s, router + ADDRESS6)
}

/** Whether there is a way to the address at `at`. */
export const hasRoute = (s: Core, at: Address): boolean =>
  isLinkLocal6(s.m, at) || isOnLink(s.m, at) || s.m.get32(linkOf(s.m) + ROUTERS) !== 0

/** The first hop to a destination, looked for once; 0 when there is none. */
export function hopTo(s: Core, d: Address): Address {
  const { m } = s
  m.put8(d + WANTED, 1)
  const known = m.get32(d + HOP_OF)
  const n = known === 0 ? firstHop(s, d + ADDRESS6) : known
  if (known === 0) m.put32(d + HOP_OF, n)
  if (n !== 0) neighbourUsed(s, n)
  return n
}

/** The first hops are looked for anew: prefixes or routers have changed. */
export const forgetHops = (m: Arena): void => visitDestinations(m, d => m.put32(d + HOP_OF, 0))

// ---- path MTU, RFC 8201 ---------------------------------------------------------------------------------------

/** The largest packet to the address at `at`, as far as we know. */
export function pathMtuTo(m: Arena, at: Address): number {
  const d = findDestination(m, at)
  const known = d === 0 ? 0 : m.get16(d + PATH_MTU)
  return known === 0 ? linkMtu(m) : Math.min(known, linkMtu(m))
}

/**
 * A router says that `mtu` is what the way to a destination carries. 4: a value "less than the IPv6 minimum link MTU" is
 * discarded, and one that is no decrease changes nothing. False: nothing changed.
 */
export function lowerPathMtu(m: Arena, d: Address, mtu: number): boolean {
  if (mtu < IP6_MTU_MIN || mtu >= pathMtuTo(m, d + ADDRESS6)) return false
  m.put16(d + PATH_MTU, mtu)
  m.put32(d + PATH_MTU_SINCE, secondsNow(m))
  return true
}

// ---- the sweep ------------------------------------------------------------------------------------------------

/** Visits all records of one pool's pages that are in use. */
function visitPool(m: Arena, pool: number, kind: RecordKind, visit: (at: Address) => void): void {
  const first = m.get32(PAGES_AT)
  const end = first + m.get32(PAGE_COUNT) * PAGE
  for (let page = first; page < end; page += PAGE) {
    if (ownerOf(m, page) !== pool) continue
    // The page goes back to the arena with its last record; those behind it are none any more.
    visitRecords(page, kind, at => {
      if (ownerOf(m, page) === pool && m.get8(at + RECORD_KIND) !== 0) visit(at)
    })
  }
}

function visitSort(m: Arena, sort: number, visit: (at: Address) => void): void {
  visitPool(m, POOL_IPV6, IPV6_KIND, at => {
    if (m.get8(at + RECORD_KIND) === KIND_IPV6 && sortOf(m, at) === sort) visit(at)
  })
}

/** In the order of the arena. `visit` may free the record that it is given. */
export const visitDestinations = (m: Arena, visit: (d: Address) => void): void =>
  visitSort(m, SORT_DESTINATION, visit)

/** In the order of the arena. `visit` may free the record that it is given. */
export const visitNeighbours = (m: Arena, visit: (n: Address) => void): void =>
  visitSort(m, SORT_NEIGHBOUR, visit)

/** How many pages the pool may have: an eighth of all, two at least. */
const pagesAllowed = (m: Arena): number => Math.max(2, m.get32(PAGE_COUNT) >> 3)

/** Whether one more neighbour or destination may be made; a sweep makes room where it can, else who has not answered does. */
export function makeRoom(s: Core): boolean {
  const { m } = s
  if (hasRoom(m)) return true
  const record = m.get32(linkOf(m) + SWEEP)
  const last = m.get32(record + LAST_SWEEP)
  if (((m.get32(NOW_MS) - last) | 0) >= SWEEP_AGAIN_MS) sweep(s)
  return hasRoom(m) || dropUnanswered(s)
}

/** The page that is begun may be filled up. */
const hasRoom = (m: Arena): boolean =>
  m.get32(POOLS_AT + POOL_IPV6 * POOL_STRIDE + POOL_PAGES) <= pagesAllowed(m)

const LAST_SWEEP = 20

/** The record that times the sweep; 0 when memory is full. */
export const makeSweep = (m: Arena): Address => makeRecord(m, SORT_SWEEP)

/** There is something to sweep. */
export function wantSweep(s: Core): void {
  const { m } = s
  const record = m.get32(linkOf(m) + SWEEP)
  if (!timerIsSet(m, record)) startTimer(m, record, SWEEP_MS)
}

/** Frees what nobody names and nothing wanted; what was wanted may stay until the next time. */
export function sweep(s: Core): void {
  const { m } = s
  m.put32(m.get32(linkOf(m) + SWEEP) + LAST_SWEEP, m.get32(NOW_MS))
  markNamed(s)
  let left = false
  visitDestinations(m, d => {
    if (m.get8(d + NAMED) === 0 && m.get8(d + WANTED) === 0) return dropDestination(m, d)
    left = true
    m.put8(d + NAMED, 0)
    m.put8(d + WANTED, 0)
    agePathMtu(m, d)
    const hop = m.get32(d + HOP_OF)
    if (hop !== 0) m.put8(hop + NEIGHBOUR_WANTED, 1)
  })
  visitNeighbours(m, n => {
    // One that is being looked for ends by itself.
    if (m.get8(n + NEIGHBOUR_WANTED) === 0 && m.get8(n + STATE6) !== INCOMPLETE) return dropNeighbour6(m, n)
    left = true
    m.put8(n + NEIGHBOUR_WANTED, 0)
  })
  sweepAddresses(m)
  if (left) wantSweep(s)
}

/** Notes in each destination, and each address of our own, whether somebody names it. */
function markNamed(s: Core): void {
  const { m } = s
  const mark = (word: number): void => {
    if (!isIpv6Word(word)) return
    const at = word - ADDRESS6
    m.put8(at + (sortOf(m, at) === SORT_ADDRESS ? OWN_NAMED : NAMED), 1)
  }
  const markBoth = (at: Address): void => {
    mark(m.get32(at + LOCAL_ADDRESS))
    mark(m.get32(at + REMOTE_ADDRESS))
  }
  visitPool(m, POOL_CONNECTIONS, CONNECTION_KIND, markBoth)
  visitPool(m, POOL_SOCKETS, DATAGRAM_KIND, markBoth)
  s.features.destinations?.visit(m, mark)
}

/** Addresses that are ours no more stay until no socket names them. */
function sweepAddresses(m: Arena): void {
  visitSort(m, SORT_ADDRESS, at => {
    if (m.get8(at + OWN_NAMED) === 0 && m.get8(at + STATE6) === GONE) removeOwn(m, at)
    else m.put8(at + OWN_NAMED, 0)
  })
}

function agePathMtu(m: Arena, d: Address): void {
  if (m.get16(d + PATH_MTU) !== 0 && secondsNow(m) - m.get32(d + PATH_MTU_SINCE) >= PATH_MTU_SECONDS)
    m.put16(d + PATH_MTU, 0)
}

function dropDestination(m: Arena, d: Address): void {
  unchain(m, bucket6(m, d + ADDRESS6, SORT_DESTINATION), d)
  dropRecord(m, d)
}
