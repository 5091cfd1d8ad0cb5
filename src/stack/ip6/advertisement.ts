/**
 * A router advertises itself and its link, RFC 4861, 6.3.4: what hosts should send with, whether it is a default router, what
 * is on the link, of which prefixes to make addresses (RFC 4862, 5.5.3), whom to ask for names (RFC 8106).
 */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import type { Address } from '../memory/arena.ts'
import { MTU } from '../memory/layout.ts'
import { IP6_MTU_MIN, IP6_SOURCE } from '../wire/ipv6.ts'
import {
  findNdOption,
  LINK_OPTION_LENGTH,
  MTU_OPTION_LENGTH,
  MTU_OPTION_MTU,
  ND_OPTION_MTU,
  ND_OPTION_PREFIX,
  ND_OPTION_RDNSS,
  ND_OPTION_SOURCE,
  PREFIX_AUTONOMOUS,
  PREFIX_FLAGS,
  PREFIX_LENGTH,
  PREFIX_ON_LINK,
  PREFIX_OPTION_LENGTH,
  PREFIX_PREFERRED,
  PREFIX_PREFIX,
  PREFIX_VALID,
  RA_HOP_LIMIT,
  RA_LENGTH,
  RA_LIFETIME,
  RA_REACHABLE,
  RA_RETRANS,
  RDNSS_ADDRESSES,
  RDNSS_LIFETIME,
} from '../wire/nd.ts'
import { learn } from './discovery.ts'
import { isLinkLocal6, isMulticast6 } from './kinds.ts'
import { BASE_REACHABLE, drawReachable, HOP_LIMIT, LINK_MTU, RETRANS } from './link.ts'
import { findNeighbour6, IS_ROUTER } from './neighbours.ts'
import { setPrefix } from './prefixes.ts'
import { linkOf } from './records.ts'
import { stopSoliciting } from './router-solicitation.ts'
import { setRouter, setServer } from './routers.ts'
import { addressFromPrefix } from './slaac.ts'

/** An hour: MAX_REACHABLE_TIME of RFC 4861, 10. */
const REACHABLE_MAX_MS = 3_600_000
const RETRANS_MAX_MS = 60_000

/** What all of neighbour discovery must be was checked (icmp6/input.ts). */
export function routerAdvertised(s: Core, ip: Address, at: Address, length: number): Drop {
  const { m } = s
  const source = ip + IP6_SOURCE
  // 6.1.2: "IP Source Address MUST be a link-local address".
  if (!isLinkLocal6(m, source)) return dropped(s, Drop.BadDiscovery)
  takeParameters(s, at)
  const end = at + length
  const mac = findNdOption(m.view, at + RA_LENGTH, end, ND_OPTION_SOURCE, LINK_OPTION_LENGTH)
  const n = mac === 0 ? findNeighbour6(m, source) : learn(s, source, mac)
  if (n !== 0) m.put8(n + IS_ROUTER, 1)
  const lifetime = m.view.getUint16(at + RA_LIFETIME)
  setRouter(s, source, lifetime)
  if (lifetime > 0) stopSoliciting(s)
  for (let option = at + RA_LENGTH; option < end; option += m.get8(option + 1) * 8) takeOption(s, option)
  return Drop.None
}

/** Zero leaves a value as it is. A value that is out of all proportion would stop this host, and is passed over. */
function takeParameters(s: Core, at: Address): void {
  const { m } = s
  const link = linkOf(m)
  const hops = m.get8(at + RA_HOP_LIMIT)
  if (hops !== 0) m.put8(link + HOP_LIMIT, hops)
  const reachable = m.view.getUint32(at + RA_REACHABLE)
  if (reachable !== 0 && reachable <= REACHABLE_MAX_MS && reachable !== m.get32(link + BASE_REACHABLE)) {
    m.put32(link + BASE_REACHABLE, reachable)
    drawReachable(s, link)
  }
  const retrans = m.view.getUint32(at + RA_RETRANS)
  if (retrans !== 0 && retrans <= RETRANS_MAX_MS) m.put32(link + RETRANS, retrans)
}

function takeOption(s: Core, option: Address): void {
  const { m } = s
  const length = m.get8(option + 1) * 8
  switch (m.get8(option)) {
    case ND_OPTION_PREFIX:
      if (length === PREFIX_OPTION_LENGTH) takePrefix(s, option)
      return
    case ND_OPTION_MTU: {
      // "between the minimum link MTU ... and the default MTU": what the link carries cannot be raised by saying so.
      const mtu = m.view.getUint32(option + MTU_OPTION_MTU)
      if (length === MTU_OPTION_LENGTH && mtu >= IP6_MTU_MIN && mtu <= m.get16(MTU))
        m.put16(linkOf(m) + LINK_MTU, mtu)
      return
    }
    case ND_OPTION_RDNSS: {
      const lifetime = m.view.getUint32(option + RDNSS_LIFETIME)
      for (let at = option + RDNSS_ADDRESSES; at + 16 <= option + length; at += 16)
        if (!isMulticast6(m, at)) setServer(s, at, lifetime)
      return
    }
  }
}

function takePrefix(s: Core, option: Address): void {
  const { m } = s
  const flags = m.get8(option + PREFIX_FLAGS)
  const bits = m.get8(option + PREFIX_LENGTH)
  const prefix = option + PREFIX_PREFIX
  // 4.6.2: the link-local prefix is passed over, as is what is no prefix.
  if (bits > 128 || isLinkLocal6(m, prefix) || isMulticast6(m, prefix)) return
  const valid = m.view.getUint32(option + PREFIX_VALID)
  if ((flags & PREFIX_ON_LINK) !== 0) setPrefix(s, prefix, bits, valid)
  const preferred = m.view.getUint32(option + PREFIX_PREFERRED)
  if ((flags & PREFIX_AUTONOMOUS) !== 0) addressFromPrefix(s, prefix, bits, valid, preferred)
}
