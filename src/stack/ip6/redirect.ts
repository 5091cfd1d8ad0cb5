/** A router knows a better first hop to a destination, RFC 4861, 8. */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import type { Address } from '../memory/arena.ts'
import { IP6_SOURCE } from '../wire/ipv6.ts'
import {
  findNdOption,
  LINK_OPTION_LENGTH,
  ND_OPTION_TARGET,
  ND_TARGET,
  REDIRECT_DESTINATION,
  REDIRECT_LENGTH,
} from '../wire/nd.ts'
import { findDestination, HOP_OF } from './destinations.ts'
import { learn } from './discovery.ts'
import { isLinkLocal6, isMulticast6 } from './kinds.ts'
import { IS_ROUTER, NEIGHBOUR_WANTED, wantNeighbour6 } from './neighbours.ts'
import { ADDRESS6, isSame } from './records.ts'

/** What all of neighbour discovery must be was checked (icmp6/input.ts); 8.1 is about the rest. */
export function redirected(s: Core, ip: Address, at: Address, length: number): Drop {
  const { m } = s
  const target = at + ND_TARGET
  const to = at + REDIRECT_DESTINATION
  const onLink = isSame(m, target, to)
  if (!isLinkLocal6(m, ip + IP6_SOURCE) || isMulticast6(m, to)) return dropped(s, Drop.BadDiscovery)
  // "The ICMP Target Address is either a link-local address (when redirected to a router) or the same as the Destination".
  if (!onLink && !isLinkLocal6(m, target)) return dropped(s, Drop.BadDiscovery)
  const d = findDestination(m, to)
  // "The IP source address of the Redirect is the same as the current first-hop router for the specified destination".
  const hop = d === 0 ? 0 : m.get32(d + HOP_OF)
  if (hop === 0 || !isSame(m, hop + ADDRESS6, ip + IP6_SOURCE)) return dropped(s, Drop.BadDiscovery)
  const option = findNdOption(m.view, at + REDIRECT_LENGTH, at + length, ND_OPTION_TARGET, LINK_OPTION_LENGTH)
  const n = option === 0 ? wantNeighbour6(s, target) : learn(s, target, option)
  if (n === 0) return dropped(s, Drop.NoMemory)
  m.put8(n + NEIGHBOUR_WANTED, 1)
  // 8.3: "If the Target and Destination Addresses are not the same, the host MUST set IsRouter to TRUE for the target".
  if (!onLink) m.put8(n + IS_ROUTER, 1)
  // Making room for the neighbour may have cost the destination, if nobody uses it.
  const still = findDestination(m, to)
  if (still !== 0) m.put32(still + HOP_OF, n)
  return Drop.None
}
