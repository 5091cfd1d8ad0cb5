/** Looking along a packet's extension headers without taking them: what protocol is at their end, and is it there? */
import type { Address, Arena } from '../memory/arena.ts'
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../wire/ipv4.ts'
import {
  EXT_LENGTH,
  FRAGMENT_FIELD,
  FRAGMENT_HEADER,
  FRAGMENT_OFFSET,
  isExtension,
  NEXT_FRAGMENT,
} from '../wire/ipv6.ts'
import { TCP_HEADER } from '../wire/tcp.ts'

/** No chain that input.ts takes is longer. */
const HEADERS_MAX = 9

/** The size of an extension header of this kind, at `at`. */
const sizeOf = (m: Arena, at: Address, next: number): number =>
  next === NEXT_FRAGMENT ? FRAGMENT_HEADER : (m.get8(at + EXT_LENGTH) + 1) * 8

/**
 * Where the protocol's header begins, behind the extension headers from `first` on, of which the byte at `nextAt` names the
 * first. 0 when the chain does not end before `end`, or ends in a later fragment. `upper.next` says which protocol.
 */
export function upperLayer(m: Arena, nextAt: Address, first: Address, end: Address): Address {
  let [next, at] = [m.get8(nextAt), first]
  for (let headers = 0; headers < HEADERS_MAX; headers++) {
    if (!isExtension(next)) {
      upper.next = next
      return at < end ? at : 0
    }
    if (at + FRAGMENT_HEADER > end) return 0
    if (next === NEXT_FRAGMENT && (m.view.getUint16(at + FRAGMENT_FIELD) & FRAGMENT_OFFSET) !== 0) return 0
    const size = sizeOf(m, at, next)
    next = m.get8(at)
    at += size
  }
  return 0
}

/** One object for all walks, filled anew by each. */
export const upper = { next: 0 }

/** RFC 8200, 4.5 (and RFC 7112): whether a first fragment holds "all headers through an Upper-Layer header". */
export function reachesUpperLayer(m: Arena, nextAt: Address, at: Address, end: Address): boolean {
  const header = upperLayer(m, nextAt, at, end)
  if (header === 0) return false
  return end - header >= (upper.next === PROTOCOL_TCP ? TCP_HEADER : upper.next === PROTOCOL_UDP ? 8 : 4)
}
