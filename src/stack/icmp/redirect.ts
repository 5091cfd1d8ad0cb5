/**
 * ICMP_REDIRECT: a router tells us of a better one for a host, RFC 1122, 3.2.2.2. The way is kept as a route to that host alone; there
 * are no more than 16, of which the oldest gives way. A profile without it stays with the routes that it has, and gets there too.
 */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { isBroadcast, isHostAddress, isInOwnNetwork, isOurs } from '../ip/local.ts'
import { linkTo, nextHop } from '../ip/route.ts'
import { enterRoute, ROUTE_GATEWAY, ROUTE_NEXT_ADDRESS, ROUTE_PREFIX, routeWith } from '../ip/routes.ts'
import type { Address } from '../memory/arena.ts'
import { FORWARDS, HOP, REDIRECTED } from '../memory/layout.ts'
import { icmpInRedirects } from '../mib.ts'
import { ICMP_CODE, ICMP_HEADER, ICMP_ID } from '../wire/icmp.ts'
import { IP_DESTINATION, IP_SOURCE } from '../wire/ipv4.ts'

const REDIRECTED_MAX = 16
/** RFC 792: codes 0 to 3: for a network or a host, with or without a type of service. RFC 1122: all are taken as for a host. */
const CODES = 4

/** The feature ICMP_REDIRECT as core code knows it; RFC 1122, 3.2.2.2. */
export interface Redirects {
  /** A redirect at `at`, inside the datagram at `ip`; what it quotes is long enough. */
  input(s: Core, ip: Address, at: Address): Drop
  /** A route leaves the table: if a redirect made it, it is forgotten here. */
  forget(s: Core, route: Address): void
  /** Nobody answers at this address any more: the routes by way of it go (RFC 1122, 3.3.1.4). */
  gatewayGone(s: Core, gateway: number): void
}

/** The feature ICMP_REDIRECT. */
export const icmpRedirects: Redirects = {
  input(s, ip, at) {
    const { m, link } = s
    count(s, icmpInRedirects)
    const gateway = m.view.getInt32(at + ICMP_ID)
    const destination = m.view.getInt32(at + ICMP_HEADER + IP_DESTINATION)
    const source = m.view.getInt32(ip + IP_SOURCE)
    // "A Redirect message SHOULD be silently discarded if the new gateway address it specifies is not on the same connected
    // (sub-)net through which the Redirect arrived, or if the source of the Redirect is not the current first-hop gateway for
    // the specified destination". RFC 1812, 5.2.7.2: a router that knows its routes does not listen to redirects.
    const believed =
      m.get8(FORWARDS) === 0 &&
      m.get8(at + ICMP_CODE) < CODES &&
      isOurs(m, m.view.getInt32(at + ICMP_HEADER + IP_SOURCE)) &&
      source !== destination &&
      nextHop(s, destination) === source &&
      linkTo(s, destination) === link &&
      isHostAddress(gateway) &&
      isInOwnNetwork(m, gateway, link) &&
      !isOurs(m, gateway) &&
      !isBroadcast(m, gateway)
    if (!believed) return dropped(s, Drop.BadRedirect)
    take(s, destination, gateway === destination ? 0 : gateway, link)
    return Drop.None
  },

  forget(s, route) {
    const { m } = s
    let link = REDIRECTED
    while (m.get32(link) !== 0 && m.get32(link) !== route) link = m.get32(link) + ROUTE_NEXT_ADDRESS
    if (m.get32(link) === route) m.put32(link, m.get32(route + ROUTE_NEXT_ADDRESS))
  },

  gatewayGone(s, gateway) {
    const { m } = s
    for (let at = m.get32(REDIRECTED); at !== 0; ) {
      const next = m.get32(at + ROUTE_NEXT_ADDRESS)
      const hop = m.get32(at + ROUTE_GATEWAY) || m.get32(at + ROUTE_PREFIX)
      if (hop === gateway) drop(s, at)
      at = next
    }
  },
}

/** A route to this host by this router, in the place of the one that a redirect has made before. One that programs made stays. */
function take(s: Core, destination: number, gateway: number, link: number): void {
  const { m } = s
  const known = routeWith(s, destination, 32, 0)
  let [kept, last] = [0, REDIRECTED]
  for (let at = m.get32(last); at !== 0; at = m.get32(last)) {
    if (at === known) {
      m.put32(HOP, 0)
      return m.put32(known + ROUTE_GATEWAY, gateway)
    }
    last = at + ROUTE_NEXT_ADDRESS
    kept++
  }
  if (known !== 0) return
  const route = enterRoute(s, false, destination, 32, gateway, link, 0)
  if (route === 0) return
  m.put32(last, route)
  if (kept >= REDIRECTED_MAX) drop(s, m.get32(REDIRECTED))
}

function drop(s: Core, route: Address): void {
  icmpRedirects.forget(s, route)
  s.features.fib.remove(s.m, route)
}
