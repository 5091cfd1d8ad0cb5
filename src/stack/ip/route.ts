/**
 * Where a datagram goes next: RFC 1122, 3.3.1.1: to its destination when that is on the link, else to the gateway.
 * And the Ethernet header that takes it there.
 */
import type { Core } from '../core.ts'
import { putEthernet } from '../ethernet/frames.ts'
import {
  NEIGHBOUR_INCOMPLETE,
  NEIGHBOUR_MAC_HIGH,
  NEIGHBOUR_MAC_LOW,
  NEIGHBOUR_STATE,
  wantNeighbour,
} from '../ethernet/neighbours.ts'
import type { Address } from '../memory/arena.ts'
import { ADDRESS, GATEWAY, MASK } from '../memory/layout.ts'
import { ETHERTYPE_IPV4 } from '../wire/ethernet.ts'
import { BROADCAST, isLinkLocal, isMulticast } from '../wire/ipv4.ts'

/** Whether all hosts of the link are meant: 255.255.255.255 or the network's own (RFC 919, 7). */
export function isBroadcast(s: Core, address: number): boolean {
  const mask = s.m.get32(MASK)
  return address === BROADCAST || (mask !== -1 && mask !== -2 && address === (s.m.get32(ADDRESS) | ~mask))
}

/** The next hop's address, 0 when there is no route. */
export function nextHop(s: Core, destination: number): number {
  const { m } = s
  const mask = m.get32(MASK)
  // RFC 3927, 2.6.2: a link-local destination is always on the link.
  if ((destination & mask) === (m.get32(ADDRESS) & mask) || isLinkLocal(destination)) return destination
  return m.get32(GATEWAY)
}

/** The frame may be sent. */
export const READY = 0
/** No route, or no memory for a neighbour. */
export const NO_ROUTE = -1

/**
 * Writes the Ethernet header of an IPv4 frame at `frame`. READY, NO_ROUTE, or the neighbour that has yet to be
 * found: hold the frame there.
 */
export function addressFrame(s: Core, frame: Address, destination: number): Address {
  const { m } = s
  if (isBroadcast(s, destination)) {
    putEthernet(s, frame, 0xffff, -1, ETHERTYPE_IPV4)
    return READY
  }
  if (isMulticast(destination)) {
    // RFC 1112, 6.4: the low 23 bits of the group behind 01-00-5E.
    putEthernet(s, frame, 0x0100, 0x5e000000 | (destination & 0x7fffff), ETHERTYPE_IPV4)
    return READY
  }
  const hop = nextHop(s, destination)
  const neighbour = hop === 0 ? 0 : wantNeighbour(s, hop)
  if (neighbour === 0) return NO_ROUTE
  putEthernet(
    s,
    frame,
    m.get16(neighbour + NEIGHBOUR_MAC_HIGH),
    m.get32(neighbour + NEIGHBOUR_MAC_LOW),
    ETHERTYPE_IPV4,
  )
  return m.get8(neighbour + NEIGHBOUR_STATE) === NEIGHBOUR_INCOMPLETE ? neighbour : READY
}
