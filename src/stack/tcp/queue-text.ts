/**
 * Text to send, on its way into pages, a segment each.
 *
 * JavaScript copies bytes fast by `set` alone, which takes a whole array; a part of one has to be made into an object
 * first, and that for each page. So text that goes into several pages is copied twice: as it is into a room that is kept for
 * that, where it is laid so that each page's part stands at a multiple of a segment; and from there by windows that were made
 * once. Measured: 80 ns a page, where `subarray` and `set` take 50 and leave 96 bytes to collect, and a loop over words 190.
 *
 *     what the last page has room for | a segment | a segment | the rest, and what came after it last time
 */
import type { Core } from '../core.ts'
import {
  type Address,
  type Arena,
  PAGE,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  PAGE_SEQ,
  type Page,
  takePage,
} from '../memory/arena.ts'
import { append } from '../memory/fifo.ts'
import { FREE_COUNT, POOL_PAGES, POOL_SEND, POOL_STRIDE, POOLS_AT } from '../memory/layout.ts'
import { MSS_DEFAULT, reclaimPages } from './connection.ts'
import { endOfText } from './output.ts'
import { MSS, SEND_HEAD, SEND_QUEUED, SEND_TAIL, type Tcb } from './tcb.ts'

/** Where text begins in its page: behind the page header, room for Ethernet, IPv6 and the longest TCP header. */
export const TEXT_OFFSET = 140

/** Bytes that are laid out at once. */
const ROUND = 65_536
/** One room for all stacks; what stands in it means nothing between calls. */
const room = new Uint8Array(ROUND + 2 * PAGE)
/** Its windows, each a segment long. */
const windows: Uint8Array[] = []

/** Copies up to `limit` bytes into the tail's page and fresh ones, a segment each. Returns how many found room. */
export function queueText(s: Core, t: Tcb, data: Uint8Array, limit: number): number {
  if (limit > ROUND) {
    const taken = queueText(s, t, data, ROUND)
    return taken < ROUND ? taken : taken + queueText(s, t, data.subarray(ROUND), limit - ROUND)
  }
  const { m } = s
  // A page holds a segment, which goes out from where it stands. Smaller ones are cut from it: they must not cost a page each.
  const segment = Math.min(Math.max(m.get16(t + MSS), MSS_DEFAULT), PAGE - TEXT_OFFSET)
  const text = limit === data.length ? data : data.subarray(0, limit)
  let page = pageWithRoom(m, t, segment)
  const first =
    page === 0 ? 0 : Math.min(segment - m.get16(page + PAGE_LENGTH), page + PAGE - endOfPage(m, page))
  const spreads = limit > (first || segment)
  if (spreads) room.set(text, segment - first)
  let done = 0
  for (let part = first === 0 ? 1 : 0; done < limit; part++) {
    if (part > 0) page = addTextPage(s, t)
    if (page === 0) break
    const at = endOfPage(m, page)
    const piece = Math.min(limit - done, part === 0 ? first : segment)
    if (!spreads) m.bytes.set(text, at)
    else if (part > 0) m.bytes.set(windowOf(part, segment), at)
    // Less than a segment, once a call: byte by byte.
    else for (let i = 0; i < first; i++) m.bytes[at + i] = room[segment - first + i] as number
    m.put16(page + PAGE_LENGTH, m.get16(page + PAGE_LENGTH) + piece)
    m.add32(t + SEND_QUEUED, piece)
    done += piece
  }
  return done
}

function windowOf(part: number, segment: number): Uint8Array {
  const kept = windows[part]
  if (kept?.length === segment) return kept
  const made = room.subarray(part * segment, (part + 1) * segment)
  windows[part] = made
  return made
}

/** Where the text of a page ends. */
const endOfPage = (m: Arena, page: Page): Address =>
  page + m.get16(page + PAGE_OFFSET) + m.get16(page + PAGE_LENGTH)

/** The last page of the text, if it has room; else 0. */
function pageWithRoom(m: Arena, t: Tcb, segment: number): Page {
  const tail = m.get32(t + SEND_TAIL)
  return tail !== 0 && m.get16(tail + PAGE_LENGTH) < segment && endOfPage(m, tail) < tail + PAGE ? tail : 0
}

/**
 * Where no text waits to be sent, one connection may have a page of the reserve for some: what hosts and connections are
 * remembered by may have taken all the rest for good. What is left of it is enough to send it, and to hear (window.ts, mayHear).
 */
const maySay = (m: Arena): boolean =>
  m.get32(FREE_COUNT) > 1 && m.get32(POOLS_AT + POOL_SEND * POOL_STRIDE + POOL_PAGES) === 0

function addTextPage(s: Core, t: Tcb): Page {
  const { m } = s
  let page = takePage(m, POOL_SEND, false)
  if (page === 0) {
    reclaimPages(s)
    page = takePage(m, POOL_SEND, maySay(m))
    if (page === 0) return 0
  }
  m.put16(page + PAGE_OFFSET, TEXT_OFFSET)
  m.put16(page + PAGE_LENGTH, 0)
  m.put32(page + PAGE_SEQ, endOfText(m, t))
  append(m, t + SEND_HEAD, page, PAGE_NEXT)
  return page
}
