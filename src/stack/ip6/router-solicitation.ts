/** Asking for routers, RFC 4861, 6.3.7: up to three times, until one has answered. */
import type { Core } from '../core.ts'
import { reportAll } from '../icmp6/groups.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'
import { SOLICITATIONS_LEFT } from './link.ts'
import { linkOf } from './records.ts'
import { solicitRouters } from './solicit.ts'

/** RFC 4861, 10. */
const MAX_RTR_SOLICITATIONS = 3
const RTR_SOLICITATION_INTERVAL_MS = 4_000

/**
 * The link-local address is ours: routers may be asked. 6.3.7: no need to delay, since testing the address has. And what
 * was joined while there was no address is reported from it, for routers believe no other (RFC 2710, 3).
 */
export function linkIsReady(s: Core): void {
  reportAll(s)
  s.m.put8(linkOf(s.m) + SOLICITATIONS_LEFT, MAX_RTR_SOLICITATIONS)
  solicitationTimer(s)
}

/** Asks once more and, while any are left, sets the timer for the next, 4 s on. */
export function solicitationTimer(s: Core): void {
  const { m } = s
  const link = linkOf(m)
  const left = m.get8(link + SOLICITATIONS_LEFT)
  if (left === 0) return
  solicitRouters(s)
  m.put8(link + SOLICITATIONS_LEFT, left - 1)
  if (left > 1) startTimer(m, link, RTR_SOLICITATION_INTERVAL_MS)
}

/** A router with a lifetime has answered: "the host MUST desist from sending any further solicitations". */
export function stopSoliciting(s: Core): void {
  s.m.put8(linkOf(s.m) + SOLICITATIONS_LEFT, 0)
  clearTimer(s.m, linkOf(s.m))
}
