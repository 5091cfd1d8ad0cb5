/** IPv6 begins on a new host, or does not, for a reason. */
import type { Core } from '../core.ts'
import type { Arena } from '../memory/arena.ts'
import { IPV6_LINK, MTU, PAGE_COUNT } from '../memory/layout.ts'
import { IP6_DEFAULT_HOP_LIMIT, IP6_MTU_MIN } from '../wire/ipv6.ts'
import { makeSweep } from './destinations.ts'
import {
  BASE_REACHABLE,
  drawReachable,
  HOP_LIMIT,
  LINK_MTU,
  REACHABLE_TIME_MS,
  RETRANS,
  RETRANS_TIMER_MS,
  SWEEP,
} from './link.ts'
import { makeRecord, SORT_LINK } from './records.ts'
import { takeLinkLocal } from './slaac.ts'

/** Its records take a page at once and a second one soon: an arena of fewer than these needs them for IPv4. */
const PAGES_MIN = 16

/** Why IPv6 cannot be had, in one sentence; undefined when it can. */
export function whyOff(m: Arena): string | undefined {
  const mtu = m.get16(MTU)
  if (mtu < IP6_MTU_MIN)
    return `IPv6 needs a link that carries ${IP6_MTU_MIN} bytes (RFC 8200, 5); this one carries ${mtu}.`
  const pages = m.get32(PAGE_COUNT)
  return pages < PAGES_MIN
    ? `IPv6 needs ${PAGES_MIN} pages of memory; this budget has ${pages}: about 30 KiB are enough.`
    : undefined
}

/** RFC 4861, 6.3.2: the link's variables have their defaults; a link-local address is taken. Nothing, where whyOff has a reason. */
export function startIpv6(s: Core): void {
  const { m } = s
  if (whyOff(m) !== undefined) return
  // A new arena has room for these.
  const link = makeRecord(m, SORT_LINK)
  m.put32(IPV6_LINK, link)
  m.put8(link + HOP_LIMIT, IP6_DEFAULT_HOP_LIMIT)
  m.put16(link + LINK_MTU, m.get16(MTU))
  m.put32(link + BASE_REACHABLE, REACHABLE_TIME_MS)
  m.put32(link + RETRANS, RETRANS_TIMER_MS)
  m.put32(link + SWEEP, makeSweep(m))
  drawReachable(s, link)
  takeLinkLocal(s)
}
