/** Datagrams of our own making: the IPv4 header around a payload, then off to the link. */
import { type Core, count } from '../core.ts'
import { EHOSTUNREACH, EMSGSIZE, ENOBUFS, type Errno } from '../errno.ts'
import { frameAt, queueFrame, takeFrame } from '../ethernet/frames.ts'
import { holdPage } from '../ethernet/neighbours.ts'
import { type Address, freePage, type Page } from '../memory/arena.ts'
import { ADDRESS, MTU, NEXT_IP_ID } from '../memory/layout.ts'
import { ipOutRequests } from '../mib.ts'
import { complement, sumBytes } from '../wire/checksum.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import { IP_CHECKSUM, IP_DESTINATION, IP_HEADER, IP_SOURCE, putIpv4 } from '../wire/ipv4.ts'
import { addressFrame, NO_ROUTE, READY } from './route.ts'

/** Where the payload of a datagram in `page` begins. */
export const payloadAt = (page: Page): Address => frameAt(page) + ETH_HEADER + IP_HEADER

/** The whole IPv4 header at `at`, checksum and all, for `length` bytes of payload. */
export function putIpHeader(
  s: Core,
  at: Address,
  destination: number,
  protocol: number,
  length: number,
): void {
  const { m } = s
  const id = m.get16(NEXT_IP_ID)
  m.put16(NEXT_IP_ID, id + 1)
  putIpv4(m.view, at, IP_HEADER + length, id, protocol)
  m.view.setInt32(at + IP_SOURCE, m.get32(ADDRESS))
  m.view.setInt32(at + IP_DESTINATION, destination)
  m.put16(at + IP_CHECKSUM, complement(sumBytes(m, at, IP_HEADER)))
}

/**
 * Pages for a datagram with `data` behind `headerLength` bytes of a transport's header, which the caller fills in at
 * payloadAt: one page, or a list of them when it must go out in fragments. EMSGSIZE when it is larger than can be
 * sent, ENOBUFS when memory is full.
 */
export function layDatagram(s: Core, headerLength: number, data: Uint8Array): Page | Errno {
  const { m } = s
  if (headerLength + data.length > m.get16(MTU) - IP_HEADER)
    return s.features.fragments?.lay(s, headerLength, data) ?? EMSGSIZE
  const page = takeFrame(s, false)
  if (page === 0) return ENOBUFS
  m.bytes.set(data, payloadAt(page) + headerLength)
  return page
}

/** The sum over a datagram's payload of `length` bytes in the pages that layDatagram gave. */
export const sumDatagram = (s: Core, page: Page, length: number): number =>
  (length > s.m.get16(MTU) - IP_HEADER ? s.features.fragments?.sum(s, page, length) : undefined) ??
  sumBytes(s.m, payloadAt(page), length)

/** Sends the datagram whose payload stands at payloadAt in its page or pages. They are given away, whatever happens. */
export function sendDatagram(
  s: Core,
  page: Page,
  destination: number,
  protocol: number,
  length: number,
): 0 | Errno {
  if (length > s.m.get16(MTU) - IP_HEADER && s.features.fragments !== undefined)
    return s.features.fragments.send(s, page, destination, protocol)
  const frame = frameAt(page)
  putIpHeader(s, frame + ETH_HEADER, destination, protocol, length)
  return sendWithHeader(s, page, destination, length)
}

/** The same for a datagram that has its IPv4 header already and fits the link. */
export function sendWithHeader(s: Core, page: Page, destination: number, length: number): 0 | Errno {
  const frame = frameAt(page)
  count(s, ipOutRequests)
  const way = addressFrame(s, frame, destination)
  const size = ETH_HEADER + IP_HEADER + length
  if (way === NO_ROUTE) {
    freePage(s.m, page)
    return EHOSTUNREACH
  }
  if (way !== READY) {
    holdPage(s, way, page, size)
    return 0
  }
  return queueFrame(s, page, size) ? 0 : ENOBUFS
}
