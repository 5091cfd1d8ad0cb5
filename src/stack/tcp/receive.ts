/**
 * Text arrives, RFC 9293, 3.10.7.4, seventh: what begins at RCV.NXT joins the data that can be read, what lies ahead is
 * held for later (SHLD-31) in reassembly.ts. A segment is not copied: its page changes hands. Only a small one, which
 * would waste a page, is copied behind what came before it.
 */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { ECONNRESET } from '../errno.ts'
import { heardBack } from '../ethernet/neighbours.ts'
import {
  type Arena,
  keepInput,
  PAGE,
  PAGE_LENGTH,
  PAGE_NEXT,
  PAGE_OFFSET,
  PAGE_SEQ,
  type Page,
} from '../memory/arena.ts'
import { append } from '../memory/fifo.ts'
import { POOL_RECEIVE } from '../memory/layout.ts'
import { FLAG_ORPHAN, hasFlag, REMOTE_ADDRESS } from '../socket/record.ts'
import { raise } from '../socket/socket.ts'
import { Event } from '../stack.ts'
import { FIN } from '../wire/tcp.ts'
import { delayAck } from './clock.ts'
import { endConnection, reclaimPages } from './connection.ts'
import { oweAck, oweDuplicateAck } from './output.ts'
import { deliverHeld, holdSegment } from './reassembly.ts'
import { refuseSegment } from './reset.ts'
import { seqDiff } from './seq.ts'
import {
  ACKS_OWED,
  LAST_ACK_SENT,
  MSS,
  OUT_OF_ORDER,
  RCV_NXT,
  RECV_HEAD,
  RECV_QUEUED,
  RECV_TAIL,
  type Tcb,
} from './tcb.ts'
import { mayHear, offeredWindow } from './window.ts'

/** Text this short is copied behind the last, if that has room. */
const SMALL = 512

/** Takes the text of the segment, cut to the window. */
export function receiveText(s: Core, t: Tcb): Drop {
  const { m, segment: g } = s
  cutToWindow(m, s, t)
  if (g.length === 0) return Drop.None
  s.features.ecn?.received(s, t)
  if (hasFlag(m, t, FLAG_ORPHAN)) {
    // RFC 9293, 3.6.1 (SHLD-3): data after CLOSE is lost, and the peer is told so.
    refuseSegment(s)
    endConnection(s, t, ECONNRESET)
    return dropped(s, Drop.ReaderGone)
  }
  if (g.seq !== m.get32(t + RCV_NXT)) {
    // RFC 5681, 4.2: an immediate duplicate ACK for each segment out of order.
    oweDuplicateAck(s, t)
    return holdSegment(s, t)
  }
  if (!appendInput(s, t)) {
    oweAck(s, t)
    return dropped(s, Drop.NoMemory)
  }
  heardBack(s, m.get32(t + REMOTE_ADDRESS))
  const filled = m.get32(t + OUT_OF_ORDER) !== 0
  if (filled) deliverHeld(s, t)
  acknowledge(s, t, filled)
  raise(m, t, Event.Readable)
  return Drop.None
}

/** Puts the segment's text behind the data that can be read. False: no memory. */
function appendInput(s: Core, t: Tcb): boolean {
  const { m, segment: g } = s
  const tail = m.get32(t + RECV_TAIL)
  if (tail !== 0 && g.length <= SMALL) {
    const end = m.get16(tail + PAGE_OFFSET) + m.get16(tail + PAGE_LENGTH)
    if (end + g.length <= PAGE) {
      m.bytes.copyWithin(tail + end, g.at, g.at + g.length)
      m.put16(tail + PAGE_LENGTH, m.get16(tail + PAGE_LENGTH) + g.length)
      advance(m, t, g.length)
      return true
    }
  }
  let page = keepInput(m, POOL_RECEIVE)
  if (page === 0) {
    reclaimPages(s)
    page = keepInput(m, POOL_RECEIVE, mayHear(m, t))
    if (page === 0) return false
  }
  m.put16(page + PAGE_OFFSET, g.at - page)
  m.put16(page + PAGE_LENGTH, g.length)
  m.put32(page + PAGE_SEQ, g.seq)
  appendPage(m, t, page)
  advance(m, t, g.length)
  return true
}

/** Hangs a page of data at the end of what can be read. */
export const appendPage = (m: Arena, t: Tcb, page: Page): void => append(m, t + RECV_HEAD, page, PAGE_NEXT)

/** So many bytes more, in order, are there to be read: RCV.NXT goes on by them. */
export function advance(m: Arena, t: Tcb, length: number): void {
  m.add32(t + RCV_NXT, length)
  m.add32(t + RECV_QUEUED, length)
}

/**
 * RFC 9293, 3.8.6.3 and RFC 5681, 4.2: an ACK for at least every second full-sized segment, at once when a gap was
 * filled, else within the delay.
 */
function acknowledge(s: Core, t: Tcb, gapFilled: boolean): void {
  const { m } = s
  const unacked = seqDiff(m.get32(t + RCV_NXT), m.get32(t + LAST_ACK_SENT))
  if (gapFilled || unacked >= 2 * m.get16(t + MSS)) {
    // One ACK says all now: duplicates that were owed would be taken for a loss of what comes next.
    m.put8(t + ACKS_OWED, 0)
    return oweAck(s, t)
  }
  delayAck(s, t)
}

/** "One could tailor actual segments ... by trimming off any portions that lie outside the window". */
function cutToWindow(m: Arena, s: Core, t: Tcb): void {
  const g = s.segment
  const behind = seqDiff(m.get32(t + RCV_NXT), g.seq)
  if (behind > 0) {
    const cut = Math.min(behind, g.length)
    s.features.sack?.cameTwice(s, t, g.seq, cut)
    g.seq = (g.seq + cut) | 0
    g.at += cut
    g.length -= cut
  }
  const edge = (m.get32(t + RCV_NXT) + offeredWindow(m, t)) | 0
  const beyond = seqDiff((g.seq + g.length) | 0, edge)
  if (g.length > 0 && beyond > 0) {
    g.length = Math.max(0, g.length - beyond)
    // What was cut off came before the FIN.
    g.flags &= ~FIN
  }
}
