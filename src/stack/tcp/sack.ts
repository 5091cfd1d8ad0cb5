/**
 * TCP_SACK. The receiving side stands in sack-blocks.ts; here is the sender's: ACKs are entered into the scoreboard
 * (scoreboard.ts), from it follows what is lost, and recovery sends that again while the network has room for it, RFC
 * 6675. Where RACK is there, it says what is lost (rack.ts); else the rules of RFC 6675 do.
 *
 * Limited Transmit needs nothing here of its own: what is SACKed has left the network, and new text may take its place. On
 * connections without SACK, RFC 3042's form of it counts duplicate ACKs.
 */
import { type Core, count } from '../core.ts'
import { type Arena, PAGE_FLAGS, PAGE_SEQ, type Page } from '../memory/arena.ts'
import { tcpDsacksIn, tcpSackRecoveries } from '../mib.ts'
import { clearFlag, hasFlag, setFlag } from '../socket/record.ts'
import { reduceWindow } from './congestion.ts'
import { type Flight, flightOf, HIGH_SACKED, LOST, RECOVER, RESCUE_RXT, SACK_NEWS, SACKED } from './flight.ts'
import type { TcpOption } from './options.ts'
import { type OutgoingSegment, planText } from './output.ts'
import { blocksLeftOut, cameTwice, isNewest, sackBlocks, sackPermitted } from './sack-blocks.ts'
import {
  cutFront,
  firstInFlight,
  firstLost,
  forgetMarks,
  gone,
  IS_AGAIN,
  IS_LOST,
  IS_SACKED,
  isMarked,
  isWaiting,
  markLost,
  markSacked,
  nextInFlight,
  noteSent,
  pipe,
  sentEnd,
  sentLength,
  uncount,
  wentAgain,
} from './scoreboard.ts'
import { seqDiff, seqGe, seqGt, seqLe, seqLt, seqMax } from './seq.ts'
import {
  CWND,
  DUP_ACKS,
  ESTABLISHED,
  FLAG_PROBE,
  FLAG_RECOVERING,
  FLAG_RETRANSMIT,
  FLAG_SACK,
  FLAG_TIMING,
  MSS,
  SND_MAX,
  SND_NXT,
  SND_UNA,
  SND_WND,
  stateOf,
  type Tcb,
} from './tcb.ts'

/** What core code asks of SACK. All but `held`, `cameTwice`, `gone` and `timedOut` only where it was agreed on. */
export interface Sack {
  readonly permitted: TcpOption
  readonly blocks: TcpOption
  /** Receiving: a page was put into the queue out of order; text came that we have. */
  held(s: Core, t: Tcb, page: Page): void
  cameTwice(s: Core, t: Tcb, seq: number, length: number): void
  /** A segment that pays an ACK has left; true: that ACK is still owed. */
  leftOut(s: Core, t: Tcb, length: number): boolean
  /** The ACK in `s.segment` is entered into the scoreboard, before SND.UNA moves. */
  update(s: Core, t: Tcb): void
  /** SND.UNA has moved: what is lost by what is known now, and recovery from it. */
  detect(s: Core, t: Tcb): void
  /** Bytes by which more may be in flight than the congestion window says. */
  gone(s: Core, t: Tcb): number
  /** What is lost and may go now. */
  planAgain(s: Core, t: Tcb, out: OutgoingSegment): boolean
  /** In recovery, with nothing new to send. */
  planLastResort(s: Core, t: Tcb, out: OutgoingSegment): boolean
  /** A segment with text has left; `max` is SND.MAX as it was before. */
  sent(s: Core, t: Tcb, out: OutgoingSegment, max: number): void
  /**
   * The retransmission timer expired, or (`all`) nothing that is in flight can arrive. True: the scoreboard says what goes
   * again; else all does.
   */
  timedOut(s: Core, t: Tcb, all: boolean): boolean
}

/** RFC 6675, 2. */
export const DUP_THRESH = 3

// SACK_NEWS: what the ACK that is being taken has brought.
/** Text was SACKed that was not before. */
const NEWS_BLOCK = 1
/** RFC 2883: text came twice. */
export const NEWS_DSACK = 2
/** Recovery was on when the ACK came. */
export const NEWS_RECOVERY = 4
/** RACK.rtt is this ACK's. */
export const NEWS_RTT = 8
/** SND.UNA moves. */
export const NEWS_ADVANCE = 32
/** Not of the ACK, but until it is done: the first segment of a recovery goes whatever is in the network. */
const FORCED = 16

/** The feature TCP_SACK, RFC 2018, 2883 and 6675. */
export const sack: Sack = {
  permitted: sackPermitted,
  blocks: sackBlocks,
  held: (s, t, page) => isNewest(s.m, t, page),
  cameTwice,
  leftOut: (s, t, length) => blocksLeftOut(s.m, t, length),

  update(s, t) {
    const { m, segment: g } = s
    const f = flightOf(m, t)
    let news = m.get8(f + SACK_NEWS) & FORCED
    if (inRecovery(m, t, f)) news |= NEWS_RECOVERY
    if (seqGt(g.ack, m.get32(t + SND_UNA))) news |= NEWS_ADVANCE
    const first = isDsack(s) ? 1 : 0
    if (first === 1) {
      news |= NEWS_DSACK
      count(s, tcpDsacksIn)
    }
    const high = highestBlock(s, t, first)
    if (seqGt(high, m.get32(f + HIGH_SACKED))) {
      m.put32(f + HIGH_SACKED, high)
      if (high !== m.get32(t + SND_UNA)) news |= NEWS_BLOCK
    }
    m.put8(f + SACK_NEWS, news)
    const limit = seqMax(g.ack, high)
    for (let page = firstInFlight(m, t); page !== 0; page = nextInFlight(m, t, page)) {
      if (!seqLt(m.get32(page + PAGE_SEQ), limit)) break
      enter(s, t, f, page, first)
    }
  },

  detect(s, t) {
    const { m } = s
    const f = flightOf(m, t)
    if ((m.get8(f + SACK_NEWS) & NEWS_BLOCK) !== 0)
      m.put8(t + DUP_ACKS, Math.min(255, m.get8(t + DUP_ACKS) + 1))
    if (s.features.rack !== undefined) s.features.rack.detect(s, t)
    else detectByCount(s, t, f)
    enterRecovery(s, t)
  },

  gone(s, t) {
    const { m } = s
    if (hasFlag(m, t, FLAG_SACK)) {
      const f = flightOf(m, t)
      return f === 0 ? 0 : gone(m, f)
    }
    // RFC 3042, 2: for each of the first two duplicate ACKs a segment of new text, "at most two segments" beyond cwnd.
    const duplicates = m.get8(t + DUP_ACKS)
    if (duplicates === 0 || duplicates >= DUP_THRESH || hasFlag(m, t, FLAG_RECOVERING)) return 0
    return m.get32(t + SND_NXT) === m.get32(t + SND_MAX) ? duplicates * m.get16(t + MSS) : 0
  },

  planAgain(s, t, out) {
    const { m } = s
    const page = firstLost(m, t)
    if (page === 0) clearFlag(m, t, FLAG_RETRANSMIT)
    if (page === 0) return false
    const went = wentAgain(m, page)
    const from = (m.get32(page + PAGE_SEQ) + went) | 0
    const length = Math.min(sentLength(m, t, page) - went, m.get16(t + MSS), roomInWindow(m, t, from))
    if (length <= 0) return false
    // RFC 6675, 5 (4.3): the first goes at once; (C): the others while cwnd - pipe has room.
    const forced = (m.get8(flightOf(m, t) + SACK_NEWS) & FORCED) !== 0
    if (!forced && pipe(m, t) + went + length > m.get32(t + CWND)) return false
    return planText(m, t, out, from, length)
  },

  planLastResort(s, t, out) {
    const { m } = s
    // RACK has its own last resort, the tail loss probe, and does not send what it does not think lost.
    if (s.features.rack !== undefined || !hasFlag(m, t, FLAG_SACK)) return false
    if (pipe(m, t) + m.get16(t + MSS) > m.get32(t + CWND)) return false
    const page = lastResort(m, t, flightOf(m, t))
    if (page === 0) return false
    const from = m.get32(page + PAGE_SEQ)
    const length = Math.min(sentLength(m, t, page), m.get16(t + MSS), roomInWindow(m, t, from))
    return planText(m, t, out, from, Math.max(0, length))
  },

  sent(s, t, out, max) {
    const { m } = s
    const f = flightOf(m, t)
    if (out.seq === max) return noteSent(m, t, out, max, true)
    // A byte that probes a closed window stands for no segment: what is lost still waits for the window.
    if (hasFlag(m, t, FLAG_PROBE) && m.get32(t + SND_WND) === 0) return noteSent(m, t, out, max, false)
    // Karn: what was sent twice is not timed.
    clearFlag(m, t, FLAG_TIMING)
    const rescue = isRescue(m, t, f, out.page)
    if (rescue) m.put32(f + RESCUE_RXT, m.get32(f + RECOVER))
    m.put8(f + SACK_NEWS, m.get8(f + SACK_NEWS) & ~FORCED)
    noteSent(m, t, out, max, !rescue)
  },

  timedOut(s, t, all) {
    const { m } = s
    const f = flightOf(m, t)
    // Of SYN and FIN the scoreboard knows nothing.
    if (f === 0 || !hasFlag(m, t, FLAG_SACK) || stateOf(m, t) < ESTABLISHED || firstInFlight(m, t) === 0)
      return false
    // RFC 2018, 8: "After a retransmit timeout the data sender SHOULD turn off all of the SACKed bits".
    forgetMarks(m, t, f)
    if (s.features.rack !== undefined && !all) s.features.rack.timedOut(s, t)
    else
      for (let page = firstInFlight(m, t); page !== 0; page = nextInFlight(m, t, page))
        markLost(m, t, f, page)
    m.put8(f + SACK_NEWS, FORCED)
    return true
  },
}

/** RFC 9293, 3.8.6 (SHLD-16): what goes again lies in the window, also in one that has shrunk. */
const roomInWindow = (m: Arena, t: Tcb, from: number): number =>
  seqDiff(m.get32(t + SND_UNA) + m.get32(t + SND_WND), from)

/** Fast recovery, or what follows a timeout: until what was in flight then is acknowledged. */
export const inRecovery = (m: Arena, t: Tcb, f: Flight): boolean =>
  hasFlag(m, t, FLAG_RECOVERING) || seqLt(m.get32(t + SND_UNA), m.get32(f + RECOVER))

// ---- the ACK's blocks ------------------------------------------------------------------------------------------

const leftEdge = (s: Core, i: number): number => s.m.view.getInt32(s.segment.blocksAt + i * 8)
const rightEdge = (s: Core, i: number): number => s.m.view.getInt32(s.segment.blocksAt + i * 8 + 4)

/** RFC 2883, 5: the first block is a D-SACK when it is acknowledged already, or lies within the second. */
function isDsack(s: Core): boolean {
  const g = s.segment
  if (g.blocks === 0) return false
  if (seqLe(rightEdge(s, 0), g.ack)) return true
  return g.blocks > 1 && seqGe(leftEdge(s, 0), leftEdge(s, 1)) && seqLe(rightEdge(s, 0), rightEdge(s, 1))
}

/**
 * RFC 2018, 3: a block is of what was sent, and behind what is acknowledged, which would reach farther else; anything else is
 * a mistake or an attack.
 */
function isBelievable(s: Core, t: Tcb, i: number): boolean {
  const { m, segment: g } = s
  const left = leftEdge(s, i)
  const right = rightEdge(s, i)
  return (
    seqGt(left, seqMax(m.get32(t + SND_UNA), g.ack)) &&
    seqGt(right, left) &&
    seqLe(right, m.get32(t + SND_MAX))
  )
}

/** Where the highest block ends; SND.UNA when there is none. */
function highestBlock(s: Core, t: Tcb, first: number): number {
  let high = s.m.get32(t + SND_UNA)
  for (let i = first; i < s.segment.blocks; i++)
    if (isBelievable(s, t, i)) high = seqMax(high, rightEdge(s, i))
  return high
}

/** What the ACK says of one page. */
function enter(s: Core, t: Tcb, f: Flight, page: Page, first: number): void {
  const { m, segment: g } = s
  const from = m.get32(page + PAGE_SEQ)
  const end = sentEnd(m, t, page)
  if (seqLe(end, g.ack)) {
    if (!isMarked(m, page, IS_SACKED)) s.features.rack?.delivered(s, t, page)
    uncount(m, f, page, seqDiff(end, from))
    m.put16(page + PAGE_FLAGS, 0)
    return
  }
  if (seqLt(from, g.ack)) {
    // Its beginning goes now.
    return cutFront(m, f, page, seqDiff(g.ack, from))
  }
  if (isMarked(m, page, IS_SACKED)) return
  for (let i = first; i < g.blocks; i++) {
    if (!isBelievable(s, t, i) || seqLt(from, leftEdge(s, i)) || seqGt(end, rightEdge(s, i))) continue
    s.features.rack?.delivered(s, t, page)
    markSacked(m, t, f, page)
    m.put8(f + SACK_NEWS, m.get8(f + SACK_NEWS) | NEWS_BLOCK)
    return
  }
}

// ---- RFC 6675 --------------------------------------------------------------------------------------------------

/**
 * IsLost (), 4: "either DupThresh discontiguous SACKed sequences have arrived above 'SeqNum' or more than (DupThresh - 1) *
 * SMSS bytes with sequence numbers greater than 'SeqNum' have been SACKed". Three pages that are SACKed are more bytes than
 * that, since all pages but the last are full: the second rule holds whenever the first does. What is SACKed of a page in part
 * stands in the ACK's blocks alone. What was sent again once is left to the timer.
 */
function detectByCount(s: Core, t: Tcb, f: Flight): void {
  const { m } = s
  let above = m.get32(f + SACKED)
  const most = (DUP_THRESH - 1) * m.get16(t + MSS)
  const head = firstInFlight(m, t)
  for (
    let page = head;
    page !== 0 && (above > most || blockBehind(s, t, sentEnd(m, t, page)) > most);
    page = nextInFlight(m, t, page)
  ) {
    if (isMarked(m, page, IS_SACKED)) above -= sentLength(m, t, page)
    else if (!isMarked(m, page, IS_LOST | IS_AGAIN)) markLost(m, t, f, page)
  }
  // 5 (1): three ACKs that each SACK more than before, though the segments are too small for the rule above, or share a page.
  if (m.get8(t + DUP_ACKS) >= DUP_THRESH && !inRecovery(m, t, f)) markLost(m, t, f, head)
}

/** How many bytes from `seq` on the largest of the ACK's blocks there SACKs: several may say the same. */
function blockBehind(s: Core, t: Tcb, seq: number): number {
  let most = 0
  for (let i = 0; i < s.segment.blocks; i++)
    if (isBelievable(s, t, i)) most = Math.max(most, seqDiff(rightEdge(s, i), seqMax(seq, leftEdge(s, i))))
  return most
}

/** 5 (4): something is lost, and it is not what a recovery was for already. */
export function enterRecovery(s: Core, t: Tcb): void {
  const { m } = s
  const f = flightOf(m, t)
  if (m.get32(f + LOST) === 0 || inRecovery(m, t, f)) return
  count(s, tcpSackRecoveries)
  m.put32(f + RECOVER, m.get32(t + SND_MAX))
  reduceWindow(s, t)
  setFlag(m, t, FLAG_RECOVERING)
  m.put8(f + SACK_NEWS, m.get8(f + SACK_NEWS) | FORCED)
  m.put32(f + RESCUE_RXT, sentEnd(m, t, firstLost(m, t)))
  s.features.rack?.recovers(s, t)
}

/** NextSeg (), rules (3) and (4): what may be lost though nothing says so; once a recovery, the end of what is in flight. */
function lastResort(m: Arena, t: Tcb, f: Flight): Page {
  let last = 0
  for (let page = firstInFlight(m, t); page !== 0; page = nextInFlight(m, t, page)) {
    // What is known to be lost waits for rule (1).
    if (isMarked(m, page, IS_SACKED) || isWaiting(m, page)) continue
    last = page
    if (!isMarked(m, page, IS_AGAIN) && seqLe(sentEnd(m, t, page), m.get32(f + HIGH_SACKED))) return page
  }
  return seqGt(m.get32(t + SND_UNA), m.get32(f + RESCUE_RXT)) ? last : 0
}

/**
 * What goes again is rule (4)'s: HighRxt stays where it is, so that it does not count as in the network. By no other rule does
 * anything go while it is under way again.
 */
const isRescue = (m: Arena, t: Tcb, f: Flight, page: Page): boolean =>
  hasFlag(m, t, FLAG_RECOVERING) &&
  (isMarked(m, page, IS_AGAIN) ||
    (!isMarked(m, page, IS_LOST) && seqGt(sentEnd(m, t, page), m.get32(f + HIGH_SACKED))))
