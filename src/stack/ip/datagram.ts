/** Datagrams of our own making: the IPv4 header around a payload, then off to the link. */
import { type Core, count } from '../core.ts'
import { EHOSTUNREACH, EMSGSIZE, ENOBUFS, type Errno } from '../errno.ts'
import { frameAt, queueFrame, takeFrame } from '../ethernet/frames.ts'
import { holdPage } from '../ethernet/neighbours.ts'
import { type Address, freePage, PAGE_NEXT, type Page } from '../memory/arena.ts'
import { MTU, NEXT_IP_ID } from '../memory/layout.ts'
import { ipOutNoRoutes, ipOutRequests } from '../mib.ts'
import { IP_TTL_DEFAULT } from '../proc/sysctl.ts'
import { complement, sumBytes, sumHeader } from '../wire/checksum.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import {
  IP_CHECKSUM,
  IP_DEFAULT_TTL,
  IP_DESTINATION,
  IP_FRAGMENT,
  IP_HEADER,
  IP_SOURCE,
  IP_VERSION_IHL,
  putIpv4,
} from '../wire/ipv4.ts'
import { sourceFor } from './local.ts'
import { addressFrame, isReady, NO_ROUTE } from './route.ts'

/** What a datagram may ask for beside its addresses. */
export interface Sending {
  /** 1 … 255; 0: the default. */
  readonly ttl: number
  /** The link for a destination that is on every link: all hosts, or a group. */
  readonly link: number
}
const PLAIN: Sending = { ttl: 0, link: 0 }

/** The time to live of what asks for none. */
export const defaultTtl = (s: Core): number => s.features.procFs?.setting(s, IP_TTL_DEFAULT) ?? IP_DEFAULT_TTL

/** Where the payload of a datagram in `page` begins. */
export const payloadAt = (page: Page): Address => frameAt(page) + ETH_HEADER + IP_HEADER

/** The whole IPv4 header at `at`, checksum and all, for `length` bytes of payload. */
export function putIpHeader(
  s: Core,
  at: Address,
  source: number,
  destination: number,
  protocol: number,
  length: number,
  ttl: number,
): void {
  const { m } = s
  const id = m.get16(NEXT_IP_ID)
  m.put16(NEXT_IP_ID, id + 1)
  putIpv4(m.view, at, IP_HEADER + length, id, protocol, ttl || defaultTtl(s))
  // RFC 1191, 3: DF belongs to path MTU discovery; who would not act on the answer lets routers cut.
  if (s.features.pathMtu === undefined) m.view.setUint16(at + IP_FRAGMENT, 0)
  m.view.setInt32(at + IP_SOURCE, source)
  m.view.setInt32(at + IP_DESTINATION, destination)
  m.put16(at + IP_CHECKSUM, ~sumHeader(m, at) & 0xffff)
}

/**
 * Pages for a datagram with `data` behind `headerLength` bytes of a transport's header, which the caller fills in at
 * payloadAt: one page, or a list of them when it must go out in fragments since `mtu` carries no more. EMSGSIZE when it is larger than can be
 * sent, ENOBUFS when memory is full.
 */
export function layDatagram(
  s: Core,
  headerLength: number,
  data: Uint8Array,
  mtu = s.m.get16(MTU),
): Page | Errno {
  const { m } = s
  if (headerLength + data.length > mtu - IP_HEADER)
    return s.features.fragments?.lay(s, headerLength, data, mtu) ?? EMSGSIZE
  const page = takeFrame(s, false)
  if (page === 0) return ENOBUFS
  m.bytes.set(data, payloadAt(page) + headerLength)
  return page
}

/** The sum over a datagram's payload of `length` bytes in the pages that layDatagram gave. */
export const sumDatagram = (s: Core, page: Page, length: number): number =>
  (s.m.get32(page + PAGE_NEXT) !== 0 ? s.features.fragments?.sum(s, page, length) : undefined) ??
  sumBytes(s.m, payloadAt(page), length)

/** Sends the datagram whose payload stands at payloadAt in its page or pages. They are given away, whatever happens. */
export function sendDatagram(
  s: Core,
  page: Page,
  destination: number,
  protocol: number,
  length: number,
  source = sourceFor(s, destination),
  sending = PLAIN,
): 0 | Errno {
  if (s.m.get32(page + PAGE_NEXT) !== 0 && s.features.fragments !== undefined)
    return s.features.fragments.send(s, page, source, destination, protocol, sending)
  const frame = frameAt(page)
  putIpHeader(s, frame + ETH_HEADER, source, destination, protocol, length, sending.ttl)
  count(s, ipOutRequests)
  return sendFrame(
    s,
    page,
    ETH_HEADER + IP_HEADER + length,
    addressFrame(s, frame, destination, sending.link),
  )
}

/**
 * The same for one page that has `options` bytes of IP options at payloadAt, a multiple of 4, and the payload behind them.
 */
export function sendWithOptions(
  s: Core,
  page: Page,
  options: number,
  destination: number,
  protocol: number,
  length: number,
  source: number,
  sending = PLAIN,
): 0 | Errno {
  const { m } = s
  const frame = frameAt(page)
  const ip = frame + ETH_HEADER
  const header = IP_HEADER + options
  putIpHeader(s, ip, source, destination, protocol, options + length, sending.ttl)
  m.put8(ip + IP_VERSION_IHL, 0x40 | (header >> 2))
  m.put16(ip + IP_CHECKSUM, 0)
  m.put16(ip + IP_CHECKSUM, complement(sumBytes(m, ip, header)))
  count(s, ipOutRequests)
  return sendFrame(s, page, ETH_HEADER + header + length, addressFrame(s, frame, destination, sending.link))
}

/** Sends the frame of `size` bytes in a page by the way that addressFrame found. The page is given away. */
function sendFrame(s: Core, page: Page, size: number, way: number): 0 | Errno {
  if (way === NO_ROUTE) {
    count(s, ipOutNoRoutes)
    freePage(s.m, page)
    return EHOSTUNREACH
  }
  if (!isReady(way)) {
    holdPage(s, way, page, size)
    return 0
  }
  return queueFrame(s, page, size, way) ? 0 : ENOBUFS
}
