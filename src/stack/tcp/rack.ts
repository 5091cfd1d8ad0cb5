/**
 * TCP_RACK: RFC 8985. RACK tells losses by time instead of by counting: a segment is lost when one that was sent after it
 * has arrived, and it has had a reordering window's time since. The tail loss probe (tail-loss-probe.ts) makes sure
 * that something arrives. When each segment left stands in its page (scoreboard.ts). Times are in microseconds.
 *
 * The RFC's state lives as long as the flight record: a connection that was idle begins to learn anew.
 */
import type { Core } from '../core.ts'
import { type Arena, PAGE_SENT_AT, type Page } from '../memory/arena.ts'
import { NOW_US } from '../memory/layout.ts'
import { startClock, startRetransmission } from './clock.ts'
import {
  DSACK_ROUND,
  type Flight,
  flightOf,
  LOST,
  MIN_RTT,
  MIN_RTT_AT,
  RACK_END,
  RACK_FACK,
  RACK_RTT,
  RACK_SENT_AT,
  RACK_STATE,
  REO_MULT,
  REO_PERSIST,
  SACK_NEWS,
  SACKED,
} from './flight.ts'
import { type OutgoingSegment, wantSend } from './output.ts'
import { DUP_THRESH, enterRecovery, inRecovery, NEWS_DSACK, NEWS_RECOVERY, NEWS_RTT } from './sack.ts'
import {
  firstInFlight,
  IS_SACKED,
  isMarked,
  isWaiting,
  markLost,
  nextInFlight,
  sentEnd,
  WAS_AGAIN,
} from './scoreboard.ts'
import { seqGe, seqGt, seqLt } from './seq.ts'
import {
  forgetProbe,
  noteMeasured,
  planProbe,
  probeAcknowledged,
  probeTimer,
  restartProbe,
  startProbe,
} from './tail-loss-probe.ts'
import { CLOCK, CLOCK_REORDERING, CLOCK_TAIL_PROBE, SND_NXT, SND_UNA, SRTT, type Tcb } from './tcb.ts'

/** What SACK and core code ask of RACK-TLP. */
export interface Rack {
  /** A page was acknowledged or SACKed for the first time. */
  delivered(s: Core, t: Tcb, page: Page): void
  /** After each ACK: marks what is lost. */
  detect(s: Core, t: Tcb): void
  /** The retransmission timer expired: marks what is lost by that. */
  timedOut(s: Core, t: Tcb): void
  /** Fast recovery begins. */
  recovers(s: Core, t: Tcb): void
  /** One of the clocks of this feature struck. */
  strike(s: Core, t: Tcb, clock: number): void
  /** In the place of the retransmission timer: true when a tail loss probe will go before it. */
  startProbe(s: Core, t: Tcb): boolean
  /** The tail loss probe that is due. */
  planProbe(s: Core, t: Tcb, out: OutgoingSegment): boolean
  /** A segment that must be acknowledged has left; `max` is SND.MAX as it was before. */
  restartProbe(s: Core, t: Tcb, out: OutgoingSegment, max: number): void
}

// RACK_STATE. Those of the probe stand in tail-loss-probe.ts.
const REORDERING_SEEN = 1
/** RACK.dsack_round is valid. */
const IN_DSACK_ROUND = 2
/** Some segment was delivered: RACK.segment is valid. */
const DELIVERED = 4

/** 6.2, step 4: for how many recoveries an enlarged window is kept. */
const PERSIST = 16
/** 6.2, step 1: the least round trip of about this time, so that a path that became longer is noticed. */
const MIN_RTT_WINDOW = 10_000_000

/** The feature TCP_RACK, RFC 8985; it needs TCP_SACK. */
export const rack: Rack = {
  delivered(s, t, page) {
    const { m } = s
    const f = flightOf(m, t)
    const sentAt = m.get32(page + PAGE_SENT_AT)
    const end = sentEnd(m, t, page)
    const rtt = Math.max(1, (m.get32(NOW_US) - sentAt) | 0)
    const again = isMarked(m, page, WAS_AGAIN)
    noteOrder(m, f, end, again)
    if (again && isAmbiguous(s, t, f, rtt)) return
    if (!again) {
      noteMinimum(m, f, rtt)
      noteMeasured(m, f)
    }
    const first = (m.get8(f + SACK_NEWS) & NEWS_RTT) === 0
    const later =
      (m.get8(f + RACK_STATE) & DELIVERED) === 0 ||
      sentAfter(sentAt, end, m.get32(f + RACK_SENT_AT), m.get32(f + RACK_END))
    if (first || later) m.put32(f + RACK_RTT, rtt)
    m.put8(f + SACK_NEWS, m.get8(f + SACK_NEWS) | NEWS_RTT)
    if (!later) return
    m.put8(f + RACK_STATE, m.get8(f + RACK_STATE) | DELIVERED)
    m.put32(f + RACK_SENT_AT, sentAt)
    m.put32(f + RACK_END, end)
  },

  detect(s, t) {
    const { m } = s
    const f = flightOf(m, t)
    const news = m.get8(f + SACK_NEWS)
    probeAcknowledged(s, t, f, news)
    adaptWindow(m, t, f, news)
    const clock = m.get8(t + CLOCK)
    const wait = markOverdue(s, t, f)
    if (wait > 0) startClock(s, t, CLOCK_REORDERING, Math.ceil(wait / 1000))
    else if (clock === CLOCK_REORDERING || (clock === CLOCK_TAIL_PROBE && isMissing(m, f))) {
      // 7.2: a probe is for who knows of nothing that is missing; where something is SACKed the RTO waits, from now on.
      startRetransmission(s, t)
    }
  },

  timedOut(s, t) {
    const { m } = s
    const f = flightOf(m, t)
    forgetProbe(m, t, f)
    // 6.3: "the first outstanding segment", and those that were sent longer than a round trip and the window ago.
    const limit = m.get32(f + RACK_RTT) + reorderingWindow(m, t, f)
    let page = firstInFlight(m, t)
    markLost(m, t, f, page)
    for (page = nextInFlight(m, t, page); page !== 0; page = nextInFlight(m, t, page))
      if (((m.get32(NOW_US) - m.get32(page + PAGE_SENT_AT)) | 0) >= limit) markLost(m, t, f, page)
  },

  recovers: (s, t) => forgetProbe(s.m, t, flightOf(s.m, t)),

  strike(s, t, clock) {
    if (clock === CLOCK_TAIL_PROBE) return probeTimer(s, t)
    const { m } = s
    const wait = markOverdue(s, t, flightOf(m, t))
    enterRecovery(s, t)
    wantSend(s, t)
    if (wait > 0) startClock(s, t, CLOCK_REORDERING, Math.ceil(wait / 1000))
    else startRetransmission(s, t)
  },

  startProbe,
  planProbe,
  restartProbe,
}

/** 6.2, RACK_sent_after (). */
const sentAfter = (at1: number, end1: number, at2: number, end2: number): boolean =>
  at1 === at2 ? seqGt(end1, end2) : ((at1 - at2) | 0) > 0

/** Step 2: whether an ACK of what was sent more than once may be of an earlier time. */
function isAmbiguous(s: Core, t: Tcb, f: Flight, rtt: number): boolean {
  const ms = s.features.timestamps?.elapsed(s, t) ?? -1
  // The timestamp's clock ticks in milliseconds: it may seem that much older than it is.
  return ms * 1000 >= rtt + 1000 || rtt < s.m.get32(f + MIN_RTT)
}

/** Step 1. */
function noteMinimum(m: Arena, f: Flight, rtt: number): void {
  const least = m.get32(f + MIN_RTT)
  const age = (m.get32(NOW_US) - m.get32(f + MIN_RTT_AT)) | 0
  if (least !== 0 && rtt > least && age >= 0 && age < MIN_RTT_WINDOW) return
  m.put32(f + MIN_RTT, rtt)
  m.put32(f + MIN_RTT_AT, m.get32(NOW_US))
}

/** Step 3: what was never sent again and arrives after what lies behind it was reordered. */
function noteOrder(m: Arena, f: Flight, end: number, again: boolean): void {
  if (seqGt(end, m.get32(f + RACK_FACK))) m.put32(f + RACK_FACK, end)
  else if (seqLt(end, m.get32(f + RACK_FACK)) && !again)
    m.put8(f + RACK_STATE, m.get8(f + RACK_STATE) | REORDERING_SEEN)
}

/** Step 4: one more quarter of the least round trip for each round with a D-SACK; back after 16 recoveries without one. */
function adaptWindow(m: Arena, t: Tcb, f: Flight, news: number): void {
  const state = m.get8(f + RACK_STATE)
  const una = m.get32(t + SND_UNA)
  const inRound = (state & IN_DSACK_ROUND) !== 0 && !seqGe(una, m.get32(f + DSACK_ROUND))
  m.put8(f + RACK_STATE, inRound ? state : state & ~IN_DSACK_ROUND)
  if (!inRound && (news & NEWS_DSACK) !== 0) {
    m.put8(f + RACK_STATE, state | IN_DSACK_ROUND)
    m.put32(f + DSACK_ROUND, m.get32(t + SND_NXT))
    m.put8(f + REO_MULT, Math.min(255, m.get8(f + REO_MULT) + 1))
    m.put8(f + REO_PERSIST, PERSIST)
  } else if ((news & NEWS_RECOVERY) !== 0 && !inRecovery(m, t, f)) {
    const left = Math.max(0, m.get8(f + REO_PERSIST) - 1)
    m.put8(f + REO_PERSIST, left)
    if (left === 0) m.put8(f + REO_MULT, 0)
  }
}

/** RACK_update_reo_wnd (). REO_MULT counts what was added to the first quarter. */
function reorderingWindow(m: Arena, t: Tcb, f: Flight): number {
  const seen = (m.get8(f + RACK_STATE) & REORDERING_SEEN) !== 0
  if (!seen && (inRecovery(m, t, f) || sackedSegments(m, t, f) >= DUP_THRESH)) return 0
  return Math.min(((m.get8(f + REO_MULT) + 1) * m.get32(f + MIN_RTT)) >> 2, m.get32(t + SRTT) >> 3)
}

/** RACK.segs_sacked, as far as DupThresh. */
function sackedSegments(m: Arena, t: Tcb, f: Flight): number {
  if (m.get32(f + SACKED) === 0) return 0
  let segments = 0
  for (let page = firstInFlight(m, t); page !== 0 && segments < DUP_THRESH; page = nextInFlight(m, t, page))
    if (isMarked(m, page, IS_SACKED)) segments++
  return segments
}

/** Whether the scoreboard tells of text that is missing. */
const isMissing = (m: Arena, f: Flight): boolean => m.get32(f + SACKED) + m.get32(f + LOST) > 0

/** Step 5, RACK_detect_loss (): marks what is lost; returns in how many µs more of it will be, 0 if none. */
function markOverdue(s: Core, t: Tcb, f: Flight): number {
  const { m } = s
  const head = firstInFlight(m, t)
  if (head === 0 || (m.get8(f + RACK_STATE) & DELIVERED) === 0) return 0
  // In order, as mostly: nothing is SACKed, and what comes next was sent after what was delivered last.
  if (m.get32(f + SACKED) === 0 && !isBefore(m, t, f, head)) return 0
  const limit = m.get32(f + RACK_RTT) + reorderingWindow(m, t, f)
  let wait = 0
  for (let page = head; page !== 0; page = nextInFlight(m, t, page)) {
    if (isMarked(m, page, IS_SACKED) || isWaiting(m, page)) continue
    if (!isBefore(m, t, f, page)) continue
    const left = limit - ((m.get32(NOW_US) - m.get32(page + PAGE_SENT_AT)) | 0)
    if (left <= 0) markLost(m, t, f, page)
    else wait = Math.max(wait, left)
  }
  return wait
}

/** Whether the page was sent before the segment that was sent last of those delivered. */
const isBefore = (m: Arena, t: Tcb, f: Flight, page: Page): boolean =>
  sentAfter(
    m.get32(f + RACK_SENT_AT),
    m.get32(f + RACK_END),
    m.get32(page + PAGE_SENT_AT),
    sentEnd(m, t, page),
  )
