/** Laying out a new arena, and taking over one that was copied. */
import type { Core } from '../core.ts'
import { linkAt } from '../ethernet/links.ts'
import type { LinkSettings, Settings } from '../ip/config.ts'
import { layOutRoutes } from '../ip/routes.ts'
import { COUNTER_COUNT } from '../mib.ts'
import { SYSCTL_SIZE } from '../proc/sysctl.ts'
import { type Arena, PAGE, takePage } from './arena.ts'
import {
  COUNTERS_AT,
  FORWARDS,
  FREE_COUNT,
  FREE_HEAD,
  ICMP_TOKENS,
  INPUT_PAGE,
  LINK_COUNT,
  LINK_MAC_HIGH,
  LINK_MAC_LOW,
  LINK_MTU,
  LINK_SIZE,
  LINKS_AT,
  MAGIC,
  MAGIC_VALUE,
  NEXT_IP_ID,
  OUTPUT_PAGE,
  PAGE_COUNT,
  PAGE_MAP,
  PAGES_AT,
  POOL_STANDING,
  RESERVE,
  SECRET,
  SIZE,
  TABLE_AT,
  TABLE_MASK,
  USED_PEAK,
} from './layout.ts'

/** The largest arena: handles address it in 20 bits of 4-byte steps. */
export const ARENA_MAX = 4 * 1024 * 1024
/**
 * The fewest pages a host works with: two standing ones, one each of connections, flights and neighbours, two in reserve
 * for control traffic, and two of data.
 */
const PAGES_MIN = 9
/** Where data and sockets have taken all the rest: a page of text to say, one for the record of its flight, one to hear with. */
const RESERVE_MIN = 3
/** PROC_FS: counters, then settings, bytes. */
const NUMBERS_SIZE = COUNTER_COUNT * 4 + SYSCTL_SIZE
/** One bucket for each 512 bytes of arena: about one a connection when it is full of them. A small one has half as many. */
const BYTES_A_BUCKET = 512
const SMALL = 32 * 1024

/** The smallest budget that a profile works in, bytes. */
export function smallestArena(withCounters: boolean): number {
  let size = 1024
  while (pagesIn(size, withCounters, 0) < PAGES_MIN) size += 1024
  return size
}

/** A fresh arena of so many bytes. Throws RangeError when the budget is out of range. */
export function newArena(size: number, withCounters: boolean): ArrayBuffer {
  const smallest = smallestArena(withCounters)
  if (size >= smallest && size <= ARENA_MAX && size % 4 === 0) return new ArrayBuffer(size)
  throw new RangeError(
    `A budget of ${size} bytes does not work: this profile needs from ${smallest} (${smallest / 1024} KiB) to ${ARENA_MAX} bytes, a multiple of 4.`,
  )
}

/** Lays out a fresh arena. */
export function layOut(s: Core, settings: Settings, secret: Uint8Array): void {
  const { m } = s
  const size = m.buffer.byteLength
  const withCounters = s.features.procFs !== undefined
  if (secret.length !== 16) throw new RangeError(`The secret has 16 bytes; this one has ${secret.length}.`)
  const extra = settings.more.length
  const pages = pagesIn(size, withCounters, extra)
  const counters = align(PAGE_MAP + pages)
  const table = withCounters ? align(counters + NUMBERS_SIZE) : counters
  const first = fixedSize(pages, bucketsFor(size), withCounters, extra)
  m.put32(MAGIC, MAGIC_VALUE)
  m.put32(SIZE, size)
  m.put32(PAGES_AT, first)
  m.put32(PAGE_COUNT, pages)
  m.put32(COUNTERS_AT, withCounters ? counters : 0)
  m.put32(TABLE_AT, table)
  m.put32(TABLE_MASK, bucketsFor(size) - 1)
  m.bytes.set(secret, SECRET)
  m.put8(LINK_COUNT, 1 + extra)
  m.put8(FORWARDS, settings.forward ? 1 : 0)
  m.put32(LINKS_AT, table + bucketsFor(size) * 4)
  for (const [i, link] of [settings, ...settings.more].entries()) layOutLink(m, i, link)
  layOutRoutes(m)
  m.put16(NEXT_IP_ID, s.random32() & 0xffff)
  m.put8(ICMP_TOKENS, 20)
  freeAll(m, first, pages)
  s.features.procFs?.layOut(s)
  m.put32(RESERVE, Math.max(pages > PAGES_MIN + 1 ? RESERVE_MIN : 2, Math.min(16, pages >> 5)))
  m.put32(INPUT_PAGE, takePage(m, POOL_STANDING, true))
  m.put32(OUTPUT_PAGE, takePage(m, POOL_STANDING, true))
  s.features.offload?.layOut(s, settings.largestFrame)
  m.put32(USED_PEAK, pages - m.get32(FREE_COUNT))
}

function layOutLink(m: Arena, link: number, settings: LinkSettings): void {
  const at = linkAt(m, link)
  m.put16(at + LINK_MAC_HIGH, settings.macHigh)
  m.put32(at + LINK_MAC_LOW, settings.macLow)
  m.put16(at + LINK_MTU, settings.mtu)
}

/** Throws RangeError when the buffer is not a host's arena. */
export function takeOver(m: Arena): void {
  const size = m.buffer.byteLength
  if (size < PAGE_MAP || m.get32(MAGIC) !== MAGIC_VALUE || m.get32(SIZE) !== size) {
    throw new RangeError(
      'This buffer is not an arena of this version of the stack: copy a running host’s `arena` whole.',
    )
  }
}

function freeAll(m: Arena, first: number, pages: number): void {
  let head = 0
  for (let i = pages - 1; i >= 0; i--) {
    const page = first + i * PAGE
    m.put32(page, head)
    head = page
  }
  m.put32(FREE_HEAD, head)
  m.put32(FREE_COUNT, pages)
}

function pagesIn(size: number, withCounters: boolean, links: number): number {
  let pages = Math.floor((size - PAGE_MAP) / PAGE)
  while (pages > 0 && fixedSize(pages, bucketsFor(size), withCounters, links) + pages * PAGE > size) pages--
  return Math.max(0, pages)
}

function bucketsFor(size: number): number {
  const bytes = size < SMALL ? 2 * BYTES_A_BUCKET : BYTES_A_BUCKET
  let buckets = 16
  while (buckets * bytes < size) buckets *= 2
  return buckets
}

/** The fixed area: up to the page map, the counters, the table, `links` behind link 0; pages begin on a multiple of 64. */
function fixedSize(pages: number, buckets: number, withCounters: boolean, links: number): number {
  const behindMap = align(PAGE_MAP + pages)
  const behindCounters = withCounters ? align(behindMap + NUMBERS_SIZE) : behindMap
  return (behindCounters + buckets * 4 + links * LINK_SIZE + 63) & ~63
}

const align = (at: number): number => (at + 3) & ~3
