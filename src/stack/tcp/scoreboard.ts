/**
 * The scoreboard: what of the text in flight the peer has, what is lost, what was sent again.
 *
 * Text to send stands in pages, a segment each, and the marks are the page's: a page is SACKed when blocks cover all of it
 * that was sent. A page holds more than one segment where short pieces were gathered in it, part of it being sent
 * already, or segments are tiny; then a SACK for some of it marks nothing, and what is lost goes again with the rest of the
 * page, in as many segments as it takes: how far they are stands beside the marks. (To begin a page with each segment that
 * was sent instead would cost 1,600 bytes for a byte.) When more of a page is sent later, what it was marked with no longer
 * says all, and is forgotten.
 */
import {
  type Arena,
  PAGE_FLAGS,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_SENT_AT,
  PAGE_SEQ,
  type Page,
} from '../memory/arena.ts'
import { NOW_US } from '../memory/layout.ts'
import { setFlag } from '../socket/record.ts'
import { AGAIN, type Flight, flightOf, LOST, SACKED } from './flight.ts'
import type { OutgoingSegment } from './output.ts'
import { seqDiff, seqLt } from './seq.ts'
import { FLAG_RETRANSMIT, flightSize, SEND_HEAD, SND_MAX, type Tcb } from './tcb.ts'

// PAGE_FLAGS of text to send.
export const IS_SACKED = 1
export const IS_LOST = 2
/** It was sent again since it was lost, and that is still under way. */
export const IS_AGAIN = 4
/** It was sent more than once: an ACK of it does not say which time. */
export const WAS_AGAIN = 8
/** Behind the marks: how many bytes of a lost page have gone again, until all have and it IS_AGAIN. */
const MARK_BITS = 4
const MARKS = 15

/** The first page of those in flight; 0 when there is none. */
export function firstInFlight(m: Arena, t: Tcb): Page {
  const page = m.get32(t + SEND_HEAD)
  return page !== 0 && seqLt(m.get32(page + PAGE_SEQ), m.get32(t + SND_MAX)) ? page : 0
}

/** The one behind it. */
export function nextInFlight(m: Arena, t: Tcb, page: Page): Page {
  const next = m.get32(page + PAGE_NEXT)
  return next !== 0 && seqLt(m.get32(next + PAGE_SEQ), m.get32(t + SND_MAX)) ? next : 0
}

/** Bytes of the page that were sent. */
export const sentLength = (m: Arena, t: Tcb, page: Page): number =>
  Math.min(m.get16(page + PAGE_LENGTH), seqDiff(m.get32(t + SND_MAX), m.get32(page + PAGE_SEQ)))

/** The number behind them. */
export const sentEnd = (m: Arena, t: Tcb, page: Page): number =>
  (m.get32(page + PAGE_SEQ) + sentLength(m, t, page)) | 0

/** Whether the page has any of these marks, IS_SACKED … WAS_AGAIN. */
export const isMarked = (m: Arena, page: Page, marks: number): boolean =>
  (m.get16(page + PAGE_FLAGS) & marks) !== 0

/** Lost, and not sent again yet. */
export const isWaiting = (m: Arena, page: Page): boolean =>
  (m.get16(page + PAGE_FLAGS) & (IS_LOST | IS_AGAIN)) === IS_LOST

/**
 * RFC 6675, 4: SetPipe (): what is in flight, less what has arrived or is lost, and once more what was sent again. Bytes that
 * were SACKed of a page in part count as in the network until all of it was, or it is lost: pipe may be too large by less than
 * a page for each such page, never too small. So a sender of segments of half a page and less, for only with those are losses
 * not pages, holds back for a moment what it might send. To count them would take the blocks of earlier ACKs, page by page.
 */
export const pipe = (m: Arena, t: Tcb): number => flightSize(m, t) - gone(m, flightOf(m, t))

/** Bytes in flight that are not in the network. */
export const gone = (m: Arena, f: Flight): number =>
  m.get32(f + SACKED) + m.get32(f + LOST) - m.get32(f + AGAIN)

/** How many bytes at the beginning of a lost page have been sent again, while its others wait. */
export const wentAgain = (m: Arena, page: Page): number => m.get16(page + PAGE_FLAGS) >> MARK_BITS

function setWentAgain(m: Arena, page: Page, bytes: number): void {
  m.put16(page + PAGE_FLAGS, (m.get16(page + PAGE_FLAGS) & MARKS) | (bytes << MARK_BITS))
}

/** The first `bytes` of the page are acknowledged, and are part of it no more. */
export function cutFront(m: Arena, f: Flight, page: Page, bytes: number): void {
  uncount(m, f, page, bytes)
  setWentAgain(m, page, Math.max(0, wentAgain(m, page) - bytes))
}

/** Takes `bytes` of a page out of the sums that its marks have put it into. */
export function uncount(m: Arena, f: Flight, page: Page, bytes: number): void {
  const marks = m.get16(page + PAGE_FLAGS)
  if ((marks & IS_SACKED) !== 0) m.add32(f + SACKED, -bytes)
  if ((marks & IS_LOST) !== 0) m.add32(f + LOST, -bytes)
  if ((marks & IS_AGAIN) !== 0) m.add32(f + AGAIN, -bytes)
}

/** The peer has said that it has all of the page that was sent: what was lost of it is lost no more. */
export function markSacked(m: Arena, t: Tcb, f: Flight, page: Page): void {
  const length = sentLength(m, t, page)
  uncount(m, f, page, length)
  m.put16(page + PAGE_FLAGS, (m.get16(page + PAGE_FLAGS) & WAS_AGAIN) | IS_SACKED)
  m.add32(f + SACKED, length)
}

/** The page, or what was sent again of it, is lost, and waits to be sent. */
export function markLost(m: Arena, t: Tcb, f: Flight, page: Page): void {
  const length = sentLength(m, t, page)
  uncount(m, f, page, length)
  m.put16(page + PAGE_FLAGS, (m.get16(page + PAGE_FLAGS) & WAS_AGAIN) | IS_LOST)
  m.add32(f + LOST, length)
  setFlag(m, t, FLAG_RETRANSMIT)
}

/** The first page that is lost and was not sent again. */
export function firstLost(m: Arena, t: Tcb): Page {
  let page = firstInFlight(m, t)
  while (page !== 0 && !isWaiting(m, page)) page = nextInFlight(m, t, page)
  return page
}

/** The peer may have dropped what it has SACKed: nothing is known of what is in flight but what was sent twice. */
export function forgetMarks(m: Arena, t: Tcb, f: Flight): void {
  for (let page = firstInFlight(m, t); page !== 0; page = nextInFlight(m, t, page))
    m.put16(page + PAGE_FLAGS, m.get16(page + PAGE_FLAGS) & WAS_AGAIN)
  m.put32(f + SACKED, 0)
  m.put32(f + LOST, 0)
  m.put32(f + AGAIN, 0)
}

/** The segment has left. `max` is SND.MAX as it was before; `counts` whether what goes again counts as in the network. */
export function noteSent(m: Arena, t: Tcb, out: OutgoingSegment, max: number, counts: boolean): void {
  const f = flightOf(m, t)
  const end = (out.seq + out.length) | 0
  for (
    let page = out.page;
    page !== 0 && seqLt(m.get32(page + PAGE_SEQ), end);
    page = m.get32(page + PAGE_NEXT)
  ) {
    m.put32(page + PAGE_SENT_AT, m.get32(NOW_US))
    const before = Math.min(m.get16(page + PAGE_LENGTH), seqDiff(max, m.get32(page + PAGE_SEQ)))
    if (before <= 0) continue
    const marks = m.get16(page + PAGE_FLAGS)
    if (before < sentLength(m, t, page)) {
      // More of it has left, alone or with what a window probe had brought before.
      uncount(m, f, page, before)
      m.put16(page + PAGE_FLAGS, out.seq === max ? marks & WAS_AGAIN : WAS_AGAIN)
    } else if (counts && (marks & (IS_AGAIN | IS_SACKED)) === 0) {
      const went = seqDiff(end, m.get32(page + PAGE_SEQ))
      const part = (marks & IS_LOST) !== 0 && went < before
      m.put16(page + PAGE_FLAGS, marks | WAS_AGAIN | (part ? 0 : IS_AGAIN))
      setWentAgain(m, page, part ? went : 0)
      if (!part) m.add32(f + AGAIN, before)
    } else {
      m.put16(page + PAGE_FLAGS, marks | WAS_AGAIN)
    }
  }
}
