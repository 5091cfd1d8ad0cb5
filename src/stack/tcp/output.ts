/**
 * What a connection sends next, RFC 9293, 3.8. Segments are not queued: when the link has room it asks, and the
 * segment is decided on (planSegment), built (emit.ts), and only once the link has taken it does the state move
 * (commitSegment). So a busy link holds no stale ACKs, and back-pressure reaches the sockets by itself.
 */
import type { Core, Emit } from '../core.ts'
import type { Arena, Page } from '../memory/arena.ts'
import { append, dropFirst, remove } from '../memory/fifo.ts'
import { SENDERS_HEAD } from '../memory/layout.ts'
import { clearFlag, hasFlag, setFlag } from '../socket/record.ts'
import { ACK, FIN, PSH, SYN } from '../wire/tcp.ts'
import { isAtRest, startClock, startRetransmission } from './clock.ts'
import { commitSegment, emitSegment } from './emit.ts'
import { flightOf, takeFlight } from './flight.ts'
import { seqDiff, seqLt } from './seq.ts'
import {
  ACKS_OWED,
  CLOCK_PERSIST,
  CLOSED,
  CWND,
  ESTABLISHED,
  FIN_WAIT_2,
  FLAG_FAST_OPEN,
  FLAG_FIN,
  FLAG_IN_SENDERS,
  FLAG_KEEP_ALIVE,
  FLAG_NO_DELAY,
  FLAG_PROBE,
  FLAG_RECOVERING,
  FLAG_RETRANSMIT,
  FLAG_SACK,
  FLAG_TAIL_PROBE,
  flightSize,
  ISS,
  LISTEN,
  MSS,
  RTO,
  SEND_QUEUED,
  SENDERS_NEXT,
  SND_MAX,
  SND_NXT,
  SND_UNA,
  SND_WND,
  SND_WND_MAX,
  SYN_SENT,
  stateOf,
  type Tcb,
  TIME_WAIT,
} from './tcb.ts'

/** The segment that was decided on: one object for all, as for incoming ones. */
export interface OutgoingSegment {
  seq: number
  /** Bytes of text. */
  length: number
  flags: number
  /** The page that holds the first byte of text, once it was found. */
  page: Page
  /** The ECN field of the IP header, RFC 3168, 5. */
  ecn: number
}
const plan: OutgoingSegment = { seq: 0, length: 0, flags: 0, page: 0, ecn: 0 }

/** How many segments one connection may send before the next has its turn. */
const TURN = 8

/** Puts the connection among those that are asked when the link has room. */
export function wantSend(s: Core, t: Tcb): void {
  const { m } = s
  if (hasFlag(m, t, FLAG_IN_SENDERS)) return
  setFlag(m, t, FLAG_IN_SENDERS)
  append(m, SENDERS_HEAD, t, SENDERS_NEXT)
}

/** An ACK must go out now. */
export function oweAck(s: Core, t: Tcb): void {
  if (s.m.get8(t + ACKS_OWED) === 0) s.m.put8(t + ACKS_OWED, 1)
  wantSend(s, t)
}

/** One more ACK must go out, even if it says what the last one said: the peer counts duplicates (RFC 5681, 4.2). */
export function oweDuplicateAck(s: Core, t: Tcb): void {
  s.m.put8(t + ACKS_OWED, Math.min(200, s.m.get8(t + ACKS_OWED) + 1))
  wantSend(s, t)
}

/**
 * Asks each connection in its turn for segments, until none has any. One whose segment the link refused keeps its
 * place among the senders; the others go on, since a port that is busy is not the whole link.
 */
export function emitSegments(s: Core, emit: Emit): void {
  const { m } = s
  let refused = 0 as Tcb
  for (let t = m.get32(SENDERS_HEAD) as Tcb; t !== 0 && t !== refused; t = m.get32(SENDERS_HEAD) as Tcb) {
    const turn = takeTurn(s, t, emit)
    dropFirst(m, SENDERS_HEAD, SENDERS_NEXT)
    clearFlag(m, t, FLAG_IN_SENDERS)
    if (turn === DONE) continue
    wantSend(s, t)
    if (turn === REFUSED && refused === 0) refused = t
    // Somebody got through: those who were refused may try again in the next round.
    else if (turn === MORE) refused = 0 as Tcb
  }
}

/** What came of a connection's turn: it has nothing left, it has more, or the link refused its segment. */
const DONE = 0
const MORE = 1
const REFUSED = 2

function takeTurn(s: Core, t: Tcb, emit: Emit): number {
  const { m } = s
  for (let turns = TURN; turns > 0; turns--) {
    if (!planSegment(s, t, plan)) return DONE
    if (flightOf(m, t) === 0 && mustBeAcknowledged(plan) && !takeFlight(s, t)) {
      // Memory is full. A loss like any other: the retransmission timer deals with it.
      if (isAtRest(m, t)) startRetransmission(s, t)
      return DONE
    }
    s.features.ecn?.mark(s, t, plan)
    if (!emitSegment(s, t, plan, emit)) return REFUSED
    commitSegment(s, t, plan)
  }
  return MORE
}

const mustBeAcknowledged = (out: OutgoingSegment): boolean =>
  out.length > 0 || (out.flags & (SYN | FIN)) !== 0

/** Takes a connection out of the list, before its record is freed. */
export function stopSending(m: Arena, t: Tcb): void {
  if (!hasFlag(m, t, FLAG_IN_SENDERS)) return
  remove(m, SENDERS_HEAD, t, SENDERS_NEXT)
  clearFlag(m, t, FLAG_IN_SENDERS)
}

/** Decides on the next segment; false when there is nothing to send. */
function planSegment(s: Core, t: Tcb, out: OutgoingSegment): boolean {
  const { m } = s
  const state = stateOf(m, t)
  if (state === CLOSED || state === LISTEN) return false
  const next = m.get32(t + SND_NXT)
  if (state < ESTABLISHED) {
    // The SYN, or its retransmission: SND.NXT stands at ISS until it has left.
    if (next === m.get32(t + ISS))
      return set(out, next, s.features.fastOpen?.synText(s, t) ?? 0, state === SYN_SENT ? SYN : SYN | ACK)
    if (state !== SYN_SENT && hasFlag(m, t, FLAG_FAST_OPEN) && planNew(s, t, out)) return true
    return m.get8(t + ACKS_OWED) > 0 && state !== SYN_SENT && set(out, next, 0, ACK)
  }
  if (hasFlag(m, t, FLAG_RETRANSMIT) && planAgain(s, t, out)) return true
  if (s.features.rack !== undefined && hasFlag(m, t, FLAG_TAIL_PROBE) && s.features.rack.planProbe(s, t, out))
    return true
  if (hasFlag(m, t, FLAG_PROBE) && planText(m, t, out, m.get32(t + SND_UNA), probeLength(m, t))) return true
  if (planNew(s, t, out)) return true
  if (
    s.features.sack !== undefined &&
    hasFlag(m, t, FLAG_RECOVERING) &&
    s.features.sack.planLastResort(s, t, out)
  )
    return true
  // RFC 9293, 3.8.4: a keep-alive has SEG.SEQ = SND.NXT - 1.
  const before = hasFlag(m, t, FLAG_KEEP_ALIVE) ? 1 : 0
  return m.get8(t + ACKS_OWED) > 0 && set(out, (bareSequence(m, t) - before) | 0, 0, ACK)
}

/** What is lost goes before what is new: by the scoreboard where there is one, else the first that is not acknowledged. */
function planAgain(s: Core, t: Tcb, out: OutgoingSegment): boolean {
  const { m } = s
  if (s.features.sack !== undefined && hasFlag(m, t, FLAG_SACK)) return s.features.sack.planAgain(s, t, out)
  return planText(m, t, out, m.get32(t + SND_UNA), againLength(m, t))
}

/**
 * The number of a segment that has neither text nor FIN: the highest sent, in the peer's window. SND.NXT, which 3.10.7.4
 * names, goes back on a timeout; a peer who has received more would find it unacceptable and drop the ACK, and two hosts
 * that both went back would answer each other for ever.
 */
export function bareSequence(m: Arena, t: Tcb): number {
  const max = m.get32(t + SND_MAX)
  if (stateOf(m, t) < ESTABLISHED) return max
  const edge = (m.get32(t + SND_UNA) + m.get32(t + SND_WND)) | 0
  return seqLt(edge, max) ? edge : max
}

/** A segment, of what was sent before and lies in the window, and no more: the rest waits for window and Nagle as ever. */
const againLength = (m: Arena, t: Tcb): number =>
  Math.min(m.get16(t + MSS), flightSize(m, t), m.get32(t + SND_WND))

function set(out: OutgoingSegment, seq: number, length: number, flags: number): boolean {
  out.seq = seq
  out.length = length
  out.flags = flags
  out.ecn = 0
  return true
}

/** 3.8.6.1: at least one octet; what fits when the window is open but too small for SWS avoidance (its override). */
const probeLength = (m: Arena, t: Tcb): number =>
  Math.max(1, Math.min(m.get32(t + SND_WND), m.get16(t + MSS)))

/** Where the text that is not acknowledged begins: SND.UNA, or behind our SYN while that is not acknowledged. */
const startOfText = (m: Arena, t: Tcb): number => m.get32(t + SND_UNA) + (stateOf(m, t) < ESTABLISHED ? 1 : 0)

/** Where the text that was given to us ends; FIN has this number. */
export const endOfText = (m: Arena, t: Tcb): number => (startOfText(m, t) + m.get32(t + SEND_QUEUED)) | 0

/** Whether FIN stands behind the text: given by the user, not yet acknowledged. */
export const finStands = (m: Arena, t: Tcb): boolean =>
  hasFlag(m, t, FLAG_FIN) && stateOf(m, t) !== FIN_WAIT_2 && stateOf(m, t) !== TIME_WAIT

/** Up to `limit` bytes of text from `seq`, with PSH where the text ends and FIN where it stands; false if there are none. */
export function planText(m: Arena, t: Tcb, out: OutgoingSegment, seq: number, limit: number): boolean {
  const rest = seqDiff(endOfText(m, t), seq)
  if (rest < 0) return false
  const length = Math.min(rest, limit)
  const last = length === rest
  const fin = last && finStands(m, t)
  if (length === 0 && !fin) return false
  return set(out, seq, length, ACK | (last && length > 0 ? PSH : 0) | (fin ? FIN : 0))
}

/** New text from SND.NXT (or old text, after a timeout), as window, congestion window, Nagle and SWS avoidance allow. */
function planNew(s: Core, t: Tcb, out: OutgoingSegment): boolean {
  const { m } = s
  const next = m.get32(t + SND_NXT)
  const una = startOfText(m, t)
  const waiting = seqDiff(endOfText(m, t), next)
  if (waiting < 0 || (waiting === 0 && !finStands(m, t))) return false
  const inFlight = seqDiff(next, una)
  const gone = s.features.sack?.gone(s, t) ?? 0
  const usable = Math.min(m.get32(t + SND_WND), m.get32(t + CWND) + gone) - inFlight
  const mss = m.get16(t + MSS)
  const limit = s.features.offload?.textLimit(s, t) ?? mss
  let length = Math.max(0, Math.min(waiting, usable, limit))
  // Of a large frame each segment is full, but for the last of the text.
  if (length > mss && length < waiting) length -= length % mss
  if (length === waiting ? mayEnd(m, t, next, inFlight, length) : mayStop(m, t, next, length, mss)) {
    return planText(m, t, out, next, length)
  }
  // 3.8.6.1: nothing is in flight that an ACK could come for: only a probe can find the window open.
  if (inFlight === 0 && isAtRest(m, t)) startClock(s, t, CLOCK_PERSIST, m.get16(t + RTO))
  return false
}

/**
 * 3.8.6.2.1 (2) and (4), 3.7.4: the rest of the text, less than a segment, may go when nothing is in flight, when Nagle's
 * algorithm is off, when FIN ends it, or when it was sent before. A full segment may always go.
 */
const mayEnd = (m: Arena, t: Tcb, next: number, inFlight: number, length: number): boolean =>
  inFlight === 0 ||
  length >= m.get16(t + MSS) ||
  hasFlag(m, t, FLAG_NO_DELAY | FLAG_FIN) ||
  seqLt(next, m.get32(t + SND_MAX))

/** 3.8.6.2.1 (1) and (3): a part of it may go when it is a full segment or half of the largest window ever offered. */
const mayStop = (m: Arena, t: Tcb, next: number, length: number, mss: number): boolean =>
  length > 0 &&
  (length >= mss || length >= m.get32(t + SND_WND_MAX) >> 1 || seqLt(next, m.get32(t + SND_MAX)))
