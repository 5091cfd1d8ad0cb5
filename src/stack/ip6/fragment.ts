/**
 * Fragmentation, RFC 8200, 4.5: only the source of a packet cuts it, each piece as large as the path carries, a multiple
 * of 8 bytes but for the last, behind a fragment header of its own. All of them are queued, or none.
 */
import { type Core, count } from '../core.ts'
import { EHOSTUNREACH, EMSGSIZE, ENOBUFS, type Errno } from '../errno.ts'
import { frameAt, queueFrames } from '../ethernet/frames.ts'
import { DATAGRAM_MAX, layChainPieces, layPieces } from '../ip/fragment.ts'
import {
  type Address,
  type Arena,
  freePages,
  PAGE_FRAME,
  PAGE_LENGTH,
  PAGE_NEXT,
  type Page,
} from '../memory/arena.ts'
import { ip6OutRequests, ipFragCreates, ipFragFails, ipFragOKs } from '../mib.ts'
import { complement, pseudoSum6, sumChain } from '../wire/checksum.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import {
  FRAGMENT_HEADER,
  IP6_DESTINATION,
  IP6_HEADER,
  IP6_SOURCE,
  NEXT_FRAGMENT,
  putFragment,
  putIpv6,
} from '../wire/ipv6.ts'
import { findDestination, pathMtuTo } from './destinations.ts'
import { hopLimit } from './link.ts'
import { holdPages6 } from './neighbours.ts'
import { addressFrame6, header6At, LINK, NO_ROUTE, PAYLOAD6, READY } from './output.ts'
import { copyAddress } from './records.ts'

const OFFSET = PAGE_FRAME + ETH_HEADER + IP6_HEADER + FRAGMENT_HEADER

/** Bytes of payload in each fragment but the last, on the way to the address at `to`. */
const pieceTo = (m: Arena, to: Address): number => (pathMtuTo(m, to) - IP6_HEADER - FRAGMENT_HEADER) & ~7

/** Pages for `headerLength` bytes, left blank, and `data`. EMSGSIZE, ENOBUFS as layInFragments (ip/fragment.ts). */
export function layInFragments6(s: Core, to: Address, headerLength: number, data: Uint8Array): Page | Errno {
  if (headerLength + data.length > DATAGRAM_MAX) return EMSGSIZE
  return layPieces(s, headerLength, data, pieceTo(s.m, to), OFFSET)
}

/** The same for a payload that lies in a chain of pages; 0: memory is full. The chain is freed. */
export const layChain6 = (s: Core, to: Address, chain: Page, length: number): Page =>
  layChainPieces(s, chain, length, pieceTo(s.m, to), OFFSET)

/** Sends the payload that lies in these pages; see sendPayload (output.ts). The addresses stand in the first one's header. */
export function sendInFragments6(
  s: Core,
  head: Page,
  protocol: number,
  length: number,
  checksumAt: number,
): 0 | Errno {
  const { m } = s
  const first = header6At(head)
  const sum = pseudoSum6(m, first + IP6_SOURCE, protocol, length) + sumChain(m, head, length)
  m.put16(head + OFFSET + checksumAt, complement(sum) || 0xffff)
  count(s, ip6OutRequests)
  const d = findDestination(m, first + IP6_DESTINATION)
  // 4.5: "different than that of any other fragmented packet sent recently"; drawn, so that nobody can foresee it.
  const id = s.random32() | 0
  let way = READY
  let offset = 0
  for (let page = head; page !== 0 && way !== NO_ROUTE; page = m.get32(page + PAGE_NEXT)) {
    const piece = m.get16(page + PAGE_LENGTH)
    putPiece(m, page, first, piece)
    putFragment(m.view, page + PAYLOAD6, protocol, offset, m.get32(page + PAGE_NEXT) !== 0, id)
    way = addressFrame6(s, frameAt(page), d)
    m.put16(page + PAGE_LENGTH, ETH_HEADER + IP6_HEADER + FRAGMENT_HEADER + piece)
    offset += piece
    count(s, ipFragCreates)
  }
  return sendPieces(s, head, way)
}

function putPiece(m: Arena, page: Page, first: Address, piece: number): void {
  const ip = header6At(page)
  putIpv6(m.view, ip, FRAGMENT_HEADER + piece, NEXT_FRAGMENT, hopLimit(m))
  if (ip === first) return
  copyAddress(m, ip + IP6_SOURCE, first + IP6_SOURCE)
  copyAddress(m, ip + IP6_DESTINATION, first + IP6_DESTINATION)
}

function sendPieces(s: Core, head: Page, way: Address): 0 | Errno {
  const { m } = s
  if (way === NO_ROUTE) freePages(m, head)
  else if (way !== READY) holdPages6(s, way, head)
  const lost = way === NO_ROUTE || (way === READY && !queueFrames(s, head, LINK))
  count(s, lost ? ipFragFails : ipFragOKs)
  return way === NO_ROUTE ? EHOSTUNREACH : lost ? ENOBUFS : 0
}
