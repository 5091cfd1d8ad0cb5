/**
 * Segments out of order: held in a list of pages by sequence number, none overlapping another. What was held first is
 * kept, what overlaps it is cut off the newcomer.
 */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import {
  type Address,
  type Arena,
  freePage,
  givePage,
  keepInput,
  PAGE_FLAGS,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  PAGE_SEQ,
  type Page,
} from '../memory/arena.ts'
import { PAGE_COUNT, POOL_OUT_OF_ORDER, POOL_RECEIVE } from '../memory/layout.ts'
import { FIN } from '../wire/tcp.ts'
import { advance, appendPage } from './receive.ts'
import { seqDiff } from './seq.ts'
import { OUT_OF_ORDER, RCV_NXT, type Tcb } from './tcb.ts'

/** PAGE_FLAGS: the peer's FIN stands behind this page. */
const PAGE_FIN = 1

/** Keeps the segment, which begins beyond RCV.NXT and ends inside the window. */
export function holdSegment(s: Core, t: Tcb): Drop {
  const { m, segment: g } = s
  let link: Address = t + OUT_OF_ORDER
  let held = 0
  let page = m.get32(link)
  for (; page !== 0 && seqDiff(endOf(m, page), g.seq) <= 0; page = m.get32(link)) {
    link = page + PAGE_NEXT
    held++
  }
  const { seq, length } = g
  if (page !== 0 && !cutAround(m, s, page)) {
    s.features.sack?.cameTwice(s, t, seq, length)
    return dropped(s, Drop.Duplicate)
  }
  // Segments of one byte must not buy a page each without end.
  if (held + count(m, page) >= Math.max(2, m.get32(PAGE_COUNT) >> 3)) return dropped(s, Drop.QueueFull)
  const kept = keepInput(m, POOL_OUT_OF_ORDER)
  if (kept === 0) return dropped(s, Drop.NoMemory)
  m.put16(kept + PAGE_OFFSET, g.at - kept)
  m.put16(kept + PAGE_LENGTH, g.length)
  m.put32(kept + PAGE_SEQ, g.seq)
  m.put16(kept + PAGE_FLAGS, (g.flags & FIN) !== 0 ? PAGE_FIN : 0)
  insert(m, link, kept, g.seq)
  s.features.sack?.held(s, t, kept)
  return Drop.None
}

/**
 * Cuts off the newcomer what `page`, the first that ends behind its beginning, already holds. False: nothing is left.
 */
function cutAround(m: Arena, s: Core, page: Page): boolean {
  const g = s.segment
  const overlap = seqDiff((g.seq + g.length) | 0, m.get32(page + PAGE_SEQ))
  if (overlap <= 0) return true
  if (seqDiff(m.get32(page + PAGE_SEQ), g.seq) > 0) {
    // Its head is new; the rest, if it reaches beyond the page, comes again in its own time.
    g.length -= overlap
    g.flags &= ~FIN
    return true
  }
  const cut = seqDiff(endOf(m, page), g.seq)
  if (cut >= g.length) return false
  g.seq = (g.seq + cut) | 0
  g.at += cut
  g.length -= cut
  const next = m.get32(page + PAGE_NEXT)
  return next === 0 || cutAround(m, s, next)
}

/** Files a page behind `link`, past those that end before `seq`. */
function insert(m: Arena, link: Address, page: Page, seq: number): void {
  let at = link
  for (let next = m.get32(at); next !== 0 && seqDiff(endOf(m, next), seq) <= 0; next = m.get32(at))
    at = next + PAGE_NEXT
  m.put32(page + PAGE_NEXT, m.get32(at))
  m.put32(at, page)
}

/** RCV.NXT has moved: what now follows it without a gap can be read. Sets FIN in the segment when it is reached. */
export function deliverHeld(s: Core, t: Tcb): void {
  const { m, segment: g } = s
  for (let page = m.get32(t + OUT_OF_ORDER); page !== 0; page = m.get32(t + OUT_OF_ORDER)) {
    const behind = seqDiff(m.get32(t + RCV_NXT), m.get32(page + PAGE_SEQ))
    if (behind < 0) return
    m.put32(t + OUT_OF_ORDER, m.get32(page + PAGE_NEXT))
    const length = m.get16(page + PAGE_LENGTH) - behind
    if (length >= 0 && m.get16(page + PAGE_FLAGS) === PAGE_FIN) g.flags |= FIN
    if (length <= 0) {
      freePage(m, page)
      continue
    }
    m.put16(page + PAGE_OFFSET, m.get16(page + PAGE_OFFSET) + behind)
    m.put16(page + PAGE_LENGTH, length)
    givePage(m, page, POOL_RECEIVE)
    appendPage(m, t, page)
    advance(m, t, length)
  }
}

/** The sequence number behind the page's text. */
export const endOf = (m: Arena, page: Page): number =>
  (m.get32(page + PAGE_SEQ) + m.get16(page + PAGE_LENGTH)) | 0

function count(m: Arena, from: Page): number {
  let pages = 0
  for (let page = from; page !== 0; page = m.get32(page + PAGE_NEXT)) pages++
  return pages
}

/** Bytes held out of order. */
export function heldBytes(m: Arena, t: Tcb): number {
  let bytes = 0
  for (let page = m.get32(t + OUT_OF_ORDER); page !== 0; page = m.get32(page + PAGE_NEXT))
    bytes += m.get16(page + PAGE_LENGTH)
  return bytes
}
