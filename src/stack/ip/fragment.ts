/**
 * Fragmentation, RFC 791, 3.2: a datagram that is larger than the MTU goes out as several, each a page of its own: as
 * large as fits, a multiple of 8 bytes but for the last. All of them are queued, or none.
 */
import { type Core, count } from '../core.ts'
import { EHOSTUNREACH, EMSGSIZE, ENOBUFS, type Errno } from '../errno.ts'
import { frameAt, queueFrames, takeFrame } from '../ethernet/frames.ts'
import { holdPages } from '../ethernet/neighbours.ts'
import {
  type Address,
  type Arena,
  freePage,
  freePages,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  type Page,
} from '../memory/arena.ts'
import { PAGE_COUNT, POOL_PAGES, POOL_STANDING, POOL_STRIDE, POOLS_AT, RESERVE } from '../memory/layout.ts'
import { ipFragCreates, ipFragFails, ipFragOKs, ipOutRequests } from '../mib.ts'
import { complement, sumBytes } from '../wire/checksum.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import { IP_CHECKSUM, IP_FRAGMENT, IP_HEADER, IP_ID, IP_MORE_FRAGMENTS } from '../wire/ipv4.ts'
import { payloadAt, putIpHeader, type Sending } from './datagram.ts'
import { addressFrame, isReady, NO_ROUTE } from './route.ts'

/** RFC 791, 3.1: the total length is a 16-bit number. */
export const DATAGRAM_MAX = 65_535

/** Bytes of payload in each fragment but the last; all of it when one frame is enough. */
function pieceOf(length: number, mtu: number): number {
  const room = mtu - IP_HEADER
  return length <= room ? length : room & ~7
}

/**
 * Pages for a datagram of `headerLength` bytes, left blank, and `data`. EMSGSIZE when it is larger than IP carries or
 * than this host could ever hold, ENOBUFS when memory is full.
 */
export function layInFragments(s: Core, headerLength: number, data: Uint8Array, mtu: number): Page | Errno {
  const { m } = s
  const length = headerLength + data.length
  const piece = pieceOf(length, mtu)
  if (length > DATAGRAM_MAX - IP_HEADER || Math.ceil(length / piece) > pagesForData(m)) return EMSGSIZE
  let head = 0
  let last = 0
  for (let done = 0; done < length; done += piece) {
    last = addPage(s, last, Math.min(piece, length - done))
    if (head === 0) head = last
    if (last === 0) {
      freePages(m, head)
      return ENOBUFS
    }
    const blank = Math.max(0, headerLength - done)
    const at = payloadAt(last)
    const end = m.get16(last + PAGE_LENGTH)
    // Byte by byte: a window on the caller's data for each page would be an allocation for each.
    for (let i = blank, from = done - headerLength; i < end; i++) m.bytes[at + i] = data[from + i] as number
  }
  return head
}

/** Copies the payload that lies in a chain of pages, `length` bytes, to pages for its way out; 0: memory is full. The chain is freed. */
export function layChain(s: Core, chain: Page, length: number, mtu: number): Page {
  const { m } = s
  const piece = pieceOf(length, mtu)
  let head = 0
  let last = 0
  let from = chain
  let taken = 0
  for (let done = 0; done < length; done += piece) {
    last = addPage(s, last, Math.min(piece, length - done))
    if (head === 0) head = last
    if (last === 0) {
      freePages(m, head)
      freePages(m, from)
      return 0
    }
    const end = m.get16(last + PAGE_LENGTH)
    for (let filled = 0; filled < end; ) {
      const part = Math.min(end - filled, m.get16(from + PAGE_LENGTH) - taken)
      const at = from + m.get16(from + PAGE_OFFSET) + taken
      m.bytes.copyWithin(payloadAt(last) + filled, at, at + part)
      filled += part
      taken += part
      if (taken < m.get16(from + PAGE_LENGTH)) continue
      // Each page is free as soon as it is empty: the reply needs hardly more memory than the request.
      const next = m.get32(from + PAGE_NEXT)
      freePage(m, from)
      from = next
      taken = 0
    }
  }
  freePages(m, from)
  return head
}

/** A page for `length` bytes of payload, hung behind `last`; 0: memory is full. */
function addPage(s: Core, last: Page, length: number): Page {
  const { m } = s
  const page = takeFrame(s, false)
  if (page === 0) return 0
  m.put16(page + PAGE_OFFSET, payloadAt(page) - page)
  m.put16(page + PAGE_LENGTH, length)
  if (last !== 0) m.put32(last + PAGE_NEXT, page)
  return page
}

/** All pages but those that data can never have. */
const pagesForData = (m: Arena): number =>
  m.get32(PAGE_COUNT) - m.get32(RESERVE) - m.get32(POOLS_AT + POOL_STANDING * POOL_STRIDE + POOL_PAGES)

/** Sends the datagram whose payload lies in these pages, all fragments under one identification. They are given away. */
export function sendInFragments(
  s: Core,
  head: Page,
  source: number,
  destination: number,
  protocol: number,
  sending: Sending,
): 0 | Errno {
  const { m } = s
  count(s, ipOutRequests)
  let way = NO_ROUTE
  let offset = 0
  for (let page = head; page !== 0; page = m.get32(page + PAGE_NEXT)) {
    const frame = frameAt(page)
    const length = m.get16(page + PAGE_LENGTH)
    way = addressFrame(s, frame, destination, sending.link)
    if (way === NO_ROUTE) break
    putIpHeader(s, frame + ETH_HEADER, source, destination, protocol, length, sending.ttl)
    const more = m.get32(page + PAGE_NEXT) !== 0
    markFragment(m, frame + ETH_HEADER, frameAt(head) + ETH_HEADER, offset, more)
    m.put16(page + PAGE_LENGTH, ETH_HEADER + IP_HEADER + length)
    offset += length
    count(s, ipFragCreates)
  }
  if (way === NO_ROUTE) freePages(m, head)
  else if (!isReady(way)) holdPages(s, way, head)
  const lost = way === NO_ROUTE || (isReady(way) && !queueFrames(s, head, way))
  count(s, lost ? ipFragFails : ipFragOKs)
  return way === NO_ROUTE ? EHOSTUNREACH : lost ? ENOBUFS : 0
}

/** Makes the header at `at` that of a fragment of the datagram whose first header stands at `first`. */
function markFragment(m: Arena, at: Address, first: Address, offset: number, more: boolean): void {
  const { view } = m
  view.setUint16(at + IP_ID, view.getUint16(first + IP_ID))
  view.setUint16(at + IP_FRAGMENT, (more ? IP_MORE_FRAGMENTS : 0) | (offset >> 3))
  view.setUint16(at + IP_CHECKSUM, 0)
  m.put16(at + IP_CHECKSUM, complement(sumBytes(m, at, IP_HEADER)))
}
