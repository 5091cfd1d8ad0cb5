/** Default routers (RFC 4861, 5.1 and 6.3.6) and the name servers that they tell of (RFC 8106): lists with lifetimes. */
import type { Core } from '../core.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { forgetHops } from './destinations.ts'
import { findNeighbour6, INCOMPLETE } from './neighbours.ts'
import {
  ADDRESS6,
  addToList,
  findInList,
  leftOf,
  linkOf,
  NEXT6,
  ROUTERS,
  removeFromList,
  SERVERS,
  SORT_ROUTER,
  SORT_SERVER,
  STATE6,
  sortOf,
  timeLife,
  untilAfter,
  VALID_UNTIL,
} from './records.ts'

/** 6.3.4: "a host MUST retain at least two router addresses and SHOULD retain more". */
const ROUTERS_MAX = 4
/** RFC 8106, 6.1: "at least three RDNSS addresses". */
const SERVERS_MAX = 4

const headOf = (m: Arena, sort: number): Address => linkOf(m) + (sort === SORT_ROUTER ? ROUTERS : SERVERS)

/** A router's word: its own lifetime as a default router, or a server's; 0 ends it. */
function setEntry(s: Core, sort: number, at: Address, lifetime: number, most: number): void {
  const { m } = s
  const known = findInList(m, headOf(m, sort), at)
  const r = known === 0 && lifetime > 0 ? addToList(m, headOf(m, sort), sort, at, most) : known
  if (r === 0) return
  m.put32(r + VALID_UNTIL, untilAfter(m, lifetime))
  entryTimer(s, r)
}

/** 6.3.4: seconds for which the router at `at` is a default router; 0 ends it at once. No more than four are kept. */
export const setRouter = (s: Core, at: Address, lifetime: number): void =>
  setEntry(s, SORT_ROUTER, at, lifetime, ROUTERS_MAX)

/** RFC 8106, 5.1: seconds for which the server at `at` may be asked for names; 0 ends it at once. No more than four are kept. */
export const setServer = (s: Core, at: Address, lifetime: number): void =>
  setEntry(s, SORT_SERVER, at, lifetime, SERVERS_MAX)

/** Ends an entry when its time is over, else sees to it that this is asked again. */
export function entryTimer(s: Core, r: Address): void {
  const { m } = s
  const until = m.get32(r + VALID_UNTIL) >>> 0
  if (leftOf(m, until) > 0) return timeLife(m, r, until)
  const isRouter = sortOf(m, r) === SORT_ROUTER
  removeFromList(m, headOf(m, sortOf(m, r)), r)
  // 6.3.5: "all entries using the router perform next-hop determination again".
  if (isRouter) forgetHops(m)
}

/**
 * 6.3.6: a router that is "reachable or probably reachable", which is any state but INCOMPLETE; where none is known to be,
 * one after the other: the one chosen goes to the end of the list. 0: there is none.
 */
export function defaultRouter(s: Core): Address {
  const { m } = s
  const head = headOf(m, SORT_ROUTER)
  for (let r = m.get32(head); r !== 0; r = m.get32(r + NEXT6)) {
    const n = findNeighbour6(m, r + ADDRESS6)
    if (n !== 0 && m.get8(n + STATE6) !== INCOMPLETE) return r
  }
  const first = m.get32(head)
  if (first === 0 || m.get32(first + NEXT6) === 0) return first
  m.put32(head, m.get32(first + NEXT6))
  m.put32(first + NEXT6, 0)
  let last = m.get32(head)
  while (m.get32(last + NEXT6) !== 0) last = m.get32(last + NEXT6)
  m.put32(last + NEXT6, first)
  return first
}
