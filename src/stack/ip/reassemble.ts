/**
 * Reassembly, RFC 791, 3.2, with the bounds that attacks call for.
 *
 *     bucket --> datagram --> datagram      found by source, destination, protocol, identification
 *                   |
 *                   +--> fragment --> fragment --> …      by offset, none overlapping another
 *
 * A fragment stays in the page that it came in. The record of its datagram costs nothing: it stands in the tail of the
 * page of the fragment that came first, behind the largest frame. The buckets cost nothing: they are keys of the
 * stack's one hash table. So a small arena pays for no more than it holds.
 *
 * All datagrams wait equally long, so the list of them by age is the list by deadline. When fragments hold half of all
 * pages, or no page is left, the oldest datagram gives way.
 */
import { type Core, count, dropped, KIND_REASSEMBLY, RECORD_KIND } from '../core.ts'
import { Drop } from '../drop.ts'
import { frameAt } from '../ethernet/frames.ts'
import { sendReassemblyTimeExceeded } from '../icmp/errors.ts'
import {
  type Address,
  type Arena,
  FRAME_MAX,
  freePage,
  freePages,
  keepInput,
  PAGE,
  PAGE_FRAME,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  PAGE_SEQ,
  type Page,
  pageOf,
} from '../memory/arena.ts'
import { appendBoth, removeBoth } from '../memory/fifo.ts'
import {
  PAGE_COUNT,
  POOL_FRAGMENTS,
  POOL_PAGES,
  POOL_STRIDE,
  POOLS_AT,
  REASSEMBLIES_HEAD,
} from '../memory/layout.ts'
import { bucketOf, CHAIN, chain, hashOf, unchain } from '../memory/table.ts'
import { clearTimer, startTimer } from '../memory/wheel.ts'
import { ipReasmFails, ipReasmOKs, ipReasmReqds } from '../mib.ts'
import { IPFRAG_TIME } from '../proc/sysctl.ts'
import { ETH_HEADER } from '../wire/ethernet.ts'
import {
  IP_DESTINATION,
  IP_FRAGMENT,
  IP_FRAGMENT_OFFSET,
  IP_ID,
  IP_MORE_FRAGMENTS,
  IP_PROTOCOL,
  IP_SOURCE,
  PROTOCOL_TCP,
} from '../wire/ipv4.ts'
import { TCP_DATA_OFFSET, TCP_HEADER } from '../wire/tcp.ts'
import { DATAGRAM_MAX } from './fragment.ts'
import type { ReassemblyBounds } from './fragments.ts'
import { deliverReassembled } from './reassembled.ts'

/** RFC 1122, 3.3.2: "It is recommended that the value lie between 60 seconds and 120 seconds". */
const TIMEOUT_MS = 60_000
const timeout = (s: Core): number => (s.features.procFs?.setting(s, IPFRAG_TIME) ?? TIMEOUT_MS / 1000) * 1000
/** RFC 1858, 3.2.2 and RFC 3128, 4: no TCP fragment may begin here, inside the first one's header. */
const OFFSET_INSIDE_TCP_HEADER = 8

/** The record, in the tail of a page: behind chain, timer node and kind (core.ts). */
const RECORD_AT = PAGE_FRAME + FRAME_MAX
/** 1 when fragments overlapped: what is still to come is dropped until the time is up. */
const SPOILT = 17
const PROTOCOL = 18
const IDENTIFICATION = 20
export const BUCKET = 22
/** Set in the number of a bucket of IPv6 (ip6/reassemble.ts): its datagrams are identified otherwise. */
export const BUCKET_IPV6 = 0x8000
const SOURCE = 24
const DESTINATION = 28
/** The fragments, by offset: pages whose PAGE_SEQ is the offset in bytes. */
export const FRAGMENTS_HEAD = 32
const FRAGMENTS_TAIL = 36
/** Bytes of payload that are there, and that there are; 0 until the last fragment has come. */
export const BYTES_HELD = 40
export const BYTES_IN_ALL = 44
/** The next by age, in both directions. */
const OLDER = 48
export const NEWER = 52

/** The fragment at `ip` in the input page, `total` bytes of which `headerLength` are the header. */
export function fragmentInput(
  s: Core,
  bounds: ReassemblyBounds,
  ip: Address,
  headerLength: number,
  total: number,
  toAll: boolean,
): Drop {
  const { m } = s
  count(s, ipReasmReqds)
  const field = m.view.getUint16(ip + IP_FRAGMENT)
  const offset = (field & IP_FRAGMENT_OFFSET) * 8
  const more = (field & IP_MORE_FRAGMENTS) !== 0
  const length = total - headerLength
  const fault = faultOf(m, ip, headerLength, offset, length, more)
  if (fault !== Drop.None) return dropped(s, fault)
  const hash = hashOf(m, m.view.getInt32(ip + IP_SOURCE), m.view.getInt32(ip + IP_DESTINATION), keyOf(m, ip))
  const bucket = hash & (bounds.buckets - 1)
  const found = find(m, bucket, ip, bounds.chain)
  if (found === FULL) return dropped(s, Drop.ReassemblyFull)
  const r = holdFragment(s, found, bucket, ip + headerLength, offset, length, more)
  if (r < 0) return dropped(s, -r as Drop)
  if (found === 0) identify(m, r, ip)
  return isWhole(m, r) ? complete(s, r, toAll) : Drop.None
}

/**
 * Keeps a fragment, its payload at `at` in the input page, with those of its datagram, or as the first of a new one where
 * `found` is 0. Returns the datagram's record, or the reason to drop the fragment, negative.
 */
export function holdFragment(
  s: Core,
  found: Address,
  bucket: number,
  at: Address,
  offset: number,
  length: number,
  more: boolean,
): Address {
  const { m } = s
  if (found !== 0 && m.get8(found + SPOILT) !== 0) return -Drop.FragmentOverlap
  const link = found === 0 ? 0 : placeFor(m, found, at, offset, length, more)
  if (link === DUPLICATE) return -Drop.Duplicate
  if (link === OVERLAP) {
    spoil(s, found)
    return -Drop.FragmentOverlap
  }
  const page = keepFragment(s, found)
  if (page === 0) return -Drop.NoMemory
  m.put16(page + PAGE_OFFSET, at - page)
  m.put16(page + PAGE_LENGTH, length)
  m.put32(page + PAGE_SEQ, offset)
  const r = found === 0 ? begin(s, page, bucket) : found
  insert(m, r, found === 0 ? r + FRAGMENTS_HEAD : link, page)
  if (!more) m.put32(r + BYTES_IN_ALL, offset + length)
  return r
}

/** Whether every byte has come; BYTES_IN_ALL is not reached before the last fragment has said how many there are. */
export const isWhole = (m: Arena, r: Address): boolean =>
  m.get32(r + BYTES_HELD) === m.get32(r + BYTES_IN_ALL)

/** What is wrong with a fragment by itself. */
function faultOf(
  m: Arena,
  ip: Address,
  headerLength: number,
  offset: number,
  length: number,
  more: boolean,
): Drop {
  // RFC 791, 3.2: all fragments but the last are "multiples of 8 octets" long.
  if (length === 0 || (more && (length & 7) !== 0)) return Drop.BadFragmentLength
  if (headerLength + offset + length > DATAGRAM_MAX) return Drop.FragmentBeyondEnd
  if (m.get8(ip + IP_PROTOCOL) === PROTOCOL_TCP) {
    if (offset === OFFSET_INSIDE_TCP_HEADER) return Drop.TinyFragment
    const header = m.get8(ip + headerLength + TCP_DATA_OFFSET) >> 4
    if (offset === 0 && (length < TCP_HEADER || length < header * 4)) return Drop.TinyFragment
  }
  return Drop.None
}

// ---- the buckets ----------------------------------------------------------------------------------------------

/** In the place of a record: no more datagrams may wait in this bucket. */
export const FULL = -1

const keyOf = (m: Arena, ip: Address): number =>
  (m.view.getUint16(ip + IP_ID) << 16) | m.get8(ip + IP_PROTOCOL)

/** A bucket of reassembly is a key in the stack's hash table. */
export const slotOf = (m: Arena, bucket: number): Address => bucketOf(m, bucket, KIND_REASSEMBLY, 0)

/** The datagram that the fragment at `ip` belongs to; 0 when it is the first of it, FULL when no more may wait in its bucket. */
function find(m: Arena, bucket: number, ip: Address, most: number): Address {
  let waiting = 0
  for (let r = m.get32(slotOf(m, bucket)); r !== 0; r = m.get32(r + CHAIN)) {
    if (m.get8(r + RECORD_KIND) !== KIND_REASSEMBLY || m.get16(r + BUCKET) !== bucket) continue
    if (
      m.get32(r + SOURCE) === m.view.getInt32(ip + IP_SOURCE) &&
      m.get32(r + DESTINATION) === m.view.getInt32(ip + IP_DESTINATION) &&
      m.get16(r + IDENTIFICATION) === m.view.getUint16(ip + IP_ID) &&
      m.get8(r + PROTOCOL) === m.get8(ip + IP_PROTOCOL)
    )
      return r
    waiting++
  }
  return waiting < most ? 0 : FULL
}

/** Notes which datagram it is, by the fragment at `ip`. */
function identify(m: Arena, r: Address, ip: Address): void {
  m.put8(r + PROTOCOL, m.get8(ip + IP_PROTOCOL))
  m.put16(r + IDENTIFICATION, m.view.getUint16(ip + IP_ID))
  m.put32(r + SOURCE, m.view.getInt32(ip + IP_SOURCE))
  m.put32(r + DESTINATION, m.view.getInt32(ip + IP_DESTINATION))
}

/** A record for the datagram whose first fragment to arrive is kept in `page`. */
function begin(s: Core, page: Page, bucket: number): Address {
  const { m } = s
  const r = page + RECORD_AT
  m.bytes.fill(0, r, page + PAGE)
  m.put8(r + RECORD_KIND, KIND_REASSEMBLY)
  m.put16(r + BUCKET, bucket)
  chain(m, slotOf(m, bucket), r)
  appendBoth(m, REASSEMBLIES_HEAD, r, NEWER, OLDER)
  startTimer(m, r, timeout(s))
  return r
}

/** The datagram waits no more. Its record stands as long as its pages do. */
export function end(m: Arena, r: Address): void {
  clearTimer(m, r)
  unchain(m, slotOf(m, m.get16(r + BUCKET)), r)
  removeBoth(m, REASSEMBLIES_HEAD, r, NEWER, OLDER)
}

// ---- the fragments of a datagram ------------------------------------------------------------------------------

const OVERLAP = -1
const DUPLICATE = -2

const endOf = (m: Arena, page: Page): number => m.get32(page + PAGE_SEQ) + m.get16(page + PAGE_LENGTH)

/** The link behind which the fragment, with its payload at `at`, has its place; or that it overlaps others, or is one of them. */
function placeFor(m: Arena, r: Address, at: Address, offset: number, length: number, more: boolean): Address {
  const tail = m.get32(r + FRAGMENTS_TAIL)
  const all = m.get32(r + BYTES_IN_ALL)
  const here = offset + length
  // Two ends that differ, or bytes beyond the end.
  if (all !== 0 ? here > all || (!more && here !== all) : !more && here < endOf(m, tail)) return OVERLAP
  if (endOf(m, tail) <= offset) return tail + PAGE_NEXT
  let link = r + FRAGMENTS_HEAD
  let page = m.get32(link)
  for (; page !== 0 && endOf(m, page) <= offset; page = m.get32(link)) link = page + PAGE_NEXT
  if (page === 0 || m.get32(page + PAGE_SEQ) >= here) return link
  return m.get32(page + PAGE_SEQ) === offset &&
    m.get16(page + PAGE_LENGTH) === length &&
    isSame(m, page + m.get16(page + PAGE_OFFSET), at, length)
    ? DUPLICATE
    : OVERLAP
}

function isSame(m: Arena, a: Address, b: Address, length: number): boolean {
  for (let i = 0; i < length; i++) if (m.bytes[a + i] !== m.bytes[b + i]) return false
  return true
}

/** Takes the input page; the oldest datagrams make room for it. 0: nothing can, and `r`, if it was the oldest, is gone. */
function keepFragment(s: Core, r: Address): Page {
  const { m } = s
  const most = Math.max(2, m.get32(PAGE_COUNT) >> 1)
  for (;;) {
    const held = m.get32(POOLS_AT + POOL_FRAGMENTS * POOL_STRIDE + POOL_PAGES)
    const page = held < most ? keepInput(m, POOL_FRAGMENTS) : 0
    if (page !== 0) return page
    const oldest = m.get32(REASSEMBLIES_HEAD)
    if (!giveUp(s) || oldest === r) return 0
  }
}

function insert(m: Arena, r: Address, link: Address, page: Page): void {
  const next = m.get32(link)
  m.put32(page + PAGE_NEXT, next)
  m.put32(link, page)
  if (next === 0) m.put32(r + FRAGMENTS_TAIL, page)
  m.add32(r + BYTES_HELD, m.get16(page + PAGE_LENGTH))
}

/**
 * RFC 5722, 4: "the entire datagram (and any constituent fragments, including those not yet received) MUST be silently
 * discarded". The page with the record stays until the time is up, so that those not yet received find it.
 */
function spoil(s: Core, r: Address): void {
  const { m } = s
  const own = pageOf(m, r)
  for (let page = m.get32(r + FRAGMENTS_HEAD); page !== 0; ) {
    const next = m.get32(page + PAGE_NEXT)
    if (page !== own) freePage(m, page)
    page = next
  }
  m.put32(own + PAGE_NEXT, 0)
  m.put32(r + FRAGMENTS_HEAD, own)
  m.put32(r + FRAGMENTS_TAIL, own)
  m.put32(r + BYTES_HELD, m.get16(own + PAGE_LENGTH))
  m.put8(r + SPOILT, 1)
  count(s, ipReasmFails)
}

function complete(s: Core, r: Address, toAll: boolean): Drop {
  const { m } = s
  const head = m.get32(r + FRAGMENTS_HEAD)
  const length = m.get32(r + BYTES_IN_ALL)
  end(m, r)
  if (headerOf(m, head) + length > DATAGRAM_MAX) {
    count(s, ipReasmFails)
    freePages(m, head)
    return dropped(s, Drop.FragmentBeyondEnd)
  }
  count(s, ipReasmOKs)
  return deliverReassembled(s, head, headerOf(m, head), length, toAll)
}

/** Bytes of a fragment's own IP header. */
const headerOf = (m: Arena, page: Page): number => m.get16(page + PAGE_OFFSET) - PAGE_FRAME - ETH_HEADER

/** Drops the datagram that has waited longest. False: none waits. */
export function giveUp(s: Core): boolean {
  const oldest = s.m.get32(REASSEMBLIES_HEAD)
  if (oldest === 0) return false
  if (s.m.get8(oldest + SPOILT) === 0) count(s, ipReasmFails)
  end(s.m, oldest)
  freePages(s.m, s.m.get32(oldest + FRAGMENTS_HEAD))
  return true
}

/**
 * RFC 1122, 3.3.2: "If this timeout expires, the partially-reassembled datagram MUST be discarded and an ICMP Time
 * Exceeded message sent to the source host (if fragment zero has been received)".
 */
export function reassemblyTimer(s: Core, r: Address): void {
  const { m } = s
  const first = m.get32(r + FRAGMENTS_HEAD)
  const ip = frameAt(first) + ETH_HEADER
  const owed = m.get8(r + SPOILT) === 0 && m.get32(first + PAGE_SEQ) === 0
  if (m.get8(r + SPOILT) === 0) count(s, ipReasmFails)
  // First, so that it is not this datagram that makes room for the error.
  end(m, r)
  if (!owed) return freePages(m, first)
  if ((m.get16(r + BUCKET) & BUCKET_IPV6) === 0) sendReassemblyTimeExceeded(s, ip)
  else s.features.ipv6?.reassemblyTimedOut(s, ip)
  freePages(m, first)
}
