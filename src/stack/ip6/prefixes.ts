/** Which destinations are on this link, RFC 4861, 5.1: the Prefix List, from routers and from the owner's addresses. */
import type { Core } from '../core.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { forgetHops } from './destinations.ts'
import { commonBits } from './kinds.ts'
import {
  ADDRESS6,
  addToList,
  leftOf,
  linkOf,
  NEXT6,
  PREFIX_BITS,
  PREFIXES,
  removeFromList,
  SORT_PREFIX,
  timeLife,
  untilAfter,
  VALID_UNTIL,
} from './records.ts'

const PREFIXES_MAX = 16

/** Whether the address at `at` is "covered by one of the link's prefixes" (2.1); 5.2: then the next hop is itself, no router. */
export function isOnLink(m: Arena, at: Address): boolean {
  for (let p = m.get32(linkOf(m) + PREFIXES); p !== 0; p = m.get32(p + NEXT6))
    if (commonBits(m, p + ADDRESS6, at) >= m.get8(p + PREFIX_BITS)) return true
  return false
}

/** The first `bits` bits at `at` are on the link for so many seconds from now; 6.3.4: 0 ends that at once. */
export function setPrefix(s: Core, at: Address, bits: number, lifetime: number): void {
  const { m } = s
  const head = linkOf(m) + PREFIXES
  let p = m.get32(head)
  while (p !== 0 && !(m.get8(p + PREFIX_BITS) === bits && commonBits(m, p + ADDRESS6, at) >= bits))
    p = m.get32(p + NEXT6)
  if (p === 0) {
    if (lifetime === 0) return
    p = addToList(m, head, SORT_PREFIX, at, PREFIXES_MAX)
    if (p === 0) return
    m.put8(p + PREFIX_BITS, bits)
    forgetHops(m)
  }
  m.put32(p + VALID_UNTIL, untilAfter(m, lifetime))
  prefixTimer(s, p)
}

/** Ends it when its time is over, else sees to it that this is asked again. */
export function prefixTimer(s: Core, p: Address): void {
  const { m } = s
  const until = m.get32(p + VALID_UNTIL) >>> 0
  if (leftOf(m, until) > 0) return timeLife(m, p, until)
  removeFromList(m, linkOf(m) + PREFIXES, p)
  forgetHops(m)
}
