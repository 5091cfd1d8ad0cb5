/**
 * The link as IPv6 sees it: RFC 4861, 6.3.2's host variables, in one record; and the two questions it is asked most.
 */
import type { Core } from '../core.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { NOW_MS } from '../memory/layout.ts'
import { linkOf } from './records.ts'

/** Router solicitations still to be sent. */
export const SOLICITATIONS_LEFT = 18
/** CurHopLimit. */
export const HOP_LIMIT = 19
/** LinkMTU. */
export const LINK_MTU = 20
/** BaseReachableTime, ReachableTime and RetransTimer (ms); and when ReachableTime was drawn. */
export const BASE_REACHABLE = 24
const REACHABLE = 28
export const RETRANS = 32
const DRAWN_AT = 36
/** The record whose timer runs the sweep (destinations.ts). */
export const SWEEP = 60

/** RFC 4861, 10. */
export const REACHABLE_TIME_MS = 30_000
export const RETRANS_TIMER_MS = 1_000
/** 6.3.4: "at least every few hours even if no Router Advertisements are received". */
const REDRAW_MS = 2 * 3_600_000

/** Bytes of an IPv6 packet, 1,280 at least (RFC 8200, 5). */
export const linkMtu = (m: Arena): number => m.get16(linkOf(m) + LINK_MTU)
/** What packets begin with where their socket does not say: 1 … 255. */
export const hopLimit = (m: Arena): number => m.get8(linkOf(m) + HOP_LIMIT)
/** Milliseconds between solicitations of a neighbour: RetransTimer, RFC 4861, 6.3.2. */
export const retransMs = (m: Arena): number => m.get32(linkOf(m) + RETRANS)

/** 6.3.2: "a uniformly distributed random value between MIN_RANDOM_FACTOR and MAX_RANDOM_FACTOR times BaseReachableTime". */
export function drawReachable(s: Core, link: Address): void {
  const { m } = s
  const base = m.get32(link + BASE_REACHABLE)
  m.put32(link + REACHABLE, (base >>> 1) + (s.random32() % base))
  m.put32(link + DRAWN_AT, m.get32(NOW_MS))
}

/** ReachableTime, drawn anew when it is old. */
export function reachableMs(s: Core): number {
  const link = linkOf(s.m)
  if (((s.m.get32(NOW_MS) - s.m.get32(link + DRAWN_AT)) | 0) > REDRAW_MS) drawReachable(s, link)
  return s.m.get32(link + REACHABLE)
}
