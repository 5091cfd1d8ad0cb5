/**
 * The arena: all of a host's state in one ArrayBuffer, cut into pages.
 *
 *     +--------------------+------+------+------+ - - - +------+---------+
 *     | host record, wheel,| page | page | page |       | page | remain- |
 *     | page map, table    |      |      |      |       |      | der     |
 *     +--------------------+------+------+------+ - - - +------+---------+
 *      ^ the fixed area      ^ each one free, a slab of records, or one block of data
 *
 * A page is 1,600 bytes: one largest Ethernet frame (1,514) behind a 24-byte page header, or nine TCP control
 * blocks. Buffered data sits in pages that connections share, so the same budget serves thousands of idle
 * connections or two bulk flows. Records are read and written through one DataView at explicit offsets: as fast as
 * object fields, and a copy of the buffer is a copy of the host. Little-endian, so a copy works on any machine.
 *
 * Everything that a host must remember is in here. What the class holds beside the buffer is derived from it.
 */
import {
  FREE_COUNT,
  FREE_HEAD,
  INPUT_PAGE,
  PAGE_COUNT,
  PAGE_MAP,
  PAGES_AT,
  POOL_FAILURES,
  POOL_FREE,
  POOL_PAGES,
  POOL_PEAK,
  POOL_STANDING,
  POOL_STRIDE,
  POOLS_AT,
  RESERVE,
  USED_PEAK,
} from './layout.ts'

/** Bytes of a page. A multiple of 64, so that cache lines and 32-bit words stay aligned. */
export const PAGE = 1600

/** A page's address in the arena; 0 is none. */
export type Page = number
/** A record's address in the arena; 0 is none. */
export type Address = number

/** The page header of a block of data: what hangs where. Slab pages have their own (slab.ts). */
export const PAGE_NEXT = 0
/** Where the data begins, from the start of the page, and how many bytes there are. */
export const PAGE_OFFSET = 4
export const PAGE_LENGTH = 6
/** TCP: the sequence number of the first byte of data. */
export const PAGE_SEQ = 8
/** TCP, text that was sent: when it last left (µs). Text out of order: the later it came, the larger (tcp/sack-blocks.ts). */
export const PAGE_SENT_AT = 12
export const PAGE_ARRIVAL = 12
/** Datagrams: where it came from. */
export const PAGE_FROM = 12
export const PAGE_FROM_PORT = 16
/** Bits; see their users. */
export const PAGE_FLAGS = 18
/** Frames on their way out: the link that takes them. */
export const PAGE_LINK = 20
/** Where a frame begins: 2 modulo 4, so that its IP header, 14 bytes on, is aligned to 4. */
export const PAGE_FRAME = 26
/** The largest frame that fits behind the page header: 1,500 bytes of IP behind 14 of Ethernet. */
export const FRAME_MAX = 1514
/** Where a larger frame begins in the room that is set aside for it (tcp/offload.ts): 2 modulo 4 as well. */
export const LARGE_FRAME = 2

/** The one ArrayBuffer of a host and how it is read: numbers are little-endian. RangeError behind its end. */
export class Arena {
  readonly buffer: ArrayBuffer
  readonly view: DataView
  readonly bytes: Uint8Array
  readonly words: Uint32Array
  /**
   * The last two windows on each page that were handed out, the later one first, kept because making one costs an allocation:
   * two, since a page that is sent from and read from in turn has one for each.
   */
  private readonly windows: (Uint8Array | undefined)[] = []

  constructor(buffer: ArrayBuffer) {
    this.buffer = buffer
    this.view = new DataView(buffer)
    this.bytes = new Uint8Array(buffer)
    this.words = new Uint32Array(buffer, 0, buffer.byteLength >> 2)
  }

  get8(at: Address): number {
    return this.view.getUint8(at)
  }
  put8(at: Address, value: number): void {
    this.view.setUint8(at, value)
  }
  get16(at: Address): number {
    return this.view.getUint16(at, true)
  }
  put16(at: Address, value: number): void {
    this.view.setUint16(at, value, true)
  }
  /** Signed, because sequence numbers and addresses compare faster as 32-bit integers. */
  get32(at: Address): number {
    return this.view.getInt32(at, true)
  }
  put32(at: Address, value: number): void {
    this.view.setInt32(at, value, true)
  }
  add32(at: Address, by: number): void {
    this.put32(at, this.get32(at) + by)
  }

  /** Bytes from `at`, as a view that stays valid until another is asked for on the same page. No copy. */
  window(at: Address, length: number): Uint8Array {
    const { windows } = this
    const slot = (((at - this.get32(PAGES_AT)) / PAGE) | 0) * 2
    const last = windows[slot]
    if (last !== undefined && last.byteOffset === at && last.length === length) return last
    let found = windows[slot + 1]
    if (found === undefined || found.byteOffset !== at || found.length !== length)
      found = new Uint8Array(this.buffer, at, length)
    windows[slot] = found
    windows[slot + 1] = last
    return found
  }
}

const poolAt = (pool: number): Address => POOLS_AT + pool * POOL_STRIDE

/** The page that `at` lies in. */
export function pageOf(m: Arena, at: Address): Page {
  const base = m.get32(PAGES_AT)
  return at - ((at - base) % PAGE)
}

/** Which pool holds a page. */
export const ownerOf = (m: Arena, page: Page): number =>
  m.get8(PAGE_MAP + (((page - m.get32(PAGES_AT)) / PAGE) | 0))

function setOwner(m: Arena, page: Page, pool: number): void {
  m.put8(PAGE_MAP + (((page - m.get32(PAGES_AT)) / PAGE) | 0), pool)
}

/**
 * Takes a page for a pool; 0 and a failure counted when none is to be had. The last `RESERVE` pages are for control
 * traffic alone (`urgent`), so that an ACK can free memory when data has taken all the rest.
 */
export function takePage(m: Arena, pool: number, urgent: boolean): Page {
  const free = m.get32(FREE_COUNT)
  if (free <= (urgent ? 0 : m.get32(RESERVE))) {
    m.add32(poolAt(pool) + POOL_FAILURES, 1)
    return 0
  }
  const page = m.get32(FREE_HEAD)
  m.put32(FREE_HEAD, m.get32(page))
  m.put32(FREE_COUNT, free - 1)
  m.put32(page + PAGE_NEXT, 0)
  m.put32(page + PAGE_OFFSET, 0)
  m.put16(page + PAGE_FLAGS, 0)
  setOwner(m, page, pool)
  held(m, pool, 1)
  const used = m.get32(PAGE_COUNT) - free + 1
  if (used > m.get32(USED_PEAK)) m.put32(USED_PEAK, used)
  return page
}

/** Moves a page from its pool to another. */
export function givePage(m: Arena, page: Page, to: number): void {
  const from = ownerOf(m, page)
  if (from === to) return
  held(m, from, -1)
  held(m, to, 1)
  setOwner(m, page, to)
}

/** Gives a page back. It must be in no list; what was in it stays there until it is taken again. */
export function freePage(m: Arena, page: Page): void {
  held(m, ownerOf(m, page), -1)
  setOwner(m, page, POOL_FREE)
  m.put32(page, m.get32(FREE_HEAD))
  m.put32(FREE_HEAD, page)
  m.add32(FREE_COUNT, 1)
}

/** Frees a list of pages. */
export function freePages(m: Arena, head: Page): void {
  for (let page = head; page !== 0; ) {
    const next = m.get32(page + PAGE_NEXT)
    freePage(m, page)
    page = next
  }
}

function held(m: Arena, pool: number, by: number): void {
  const at = poolAt(pool)
  const pages = m.get32(at + POOL_PAGES) + by
  m.put32(at + POOL_PAGES, pages)
  if (pages > m.get32(at + POOL_PEAK)) m.put32(at + POOL_PEAK, pages)
}

/**
 * The input page's frame is worth keeping: the page goes to `pool`, and a fresh one takes its place. 0 when memory
 * is full; then the frame stays where it is and will be overwritten. `urgent` as for `takePage`.
 */
export function keepInput(m: Arena, pool: number, urgent = false): Page {
  const fresh = takePage(m, pool, urgent)
  if (fresh === 0) return 0
  const page = m.get32(INPUT_PAGE)
  setOwner(m, fresh, POOL_STANDING)
  setOwner(m, page, pool)
  m.put32(INPUT_PAGE, fresh)
  m.put32(page + PAGE_NEXT, 0)
  m.put16(page + PAGE_FLAGS, 0)
  return page
}
