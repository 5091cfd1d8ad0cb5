/** The ACK field, RFC 9293, 3.10.7.4, fifth: what it acknowledges, what window it brings. */
import type { Core } from '../core.ts'
import { heardBack } from '../ethernet/neighbours.ts'
import { type Arena, freePage, PAGE_LENGTH, PAGE_NEXT, PAGE_OFFSET, PAGE_SEQ } from '../memory/arena.ts'
import { dropFirst } from '../memory/fifo.ts'
import { clearFlag, FLAG_ORPHAN, hasFlag, REMOTE_ADDRESS } from '../socket/record.ts'
import { raise } from '../socket/socket.ts'
import { Event } from '../stack.ts'
import { FIN, SYN } from '../wire/tcp.ts'
import { awaitsAck, startRetransmission } from './clock.ts'
import { flightOf, rest, SEND_CURSOR } from './flight.ts'
import { wantSend } from './output.ts'
import { duplicateAck, newAck } from './recovery.ts'
import { measure, setRto } from './rtt.ts'
import { seqDiff, seqGt, seqLe, seqMax } from './seq.ts'
import {
  CLOCK,
  CLOCK_PERSIST,
  ESTABLISHED,
  FLAG_FIN,
  FLAG_PROBE,
  FLAG_SACK,
  flightSize,
  RETRIES,
  SEND_HEAD,
  SEND_QUEUED,
  SND_MAX,
  SND_NXT,
  SND_UNA,
  SND_WL1,
  SND_WND,
  SND_WND_MAX,
  stateOf,
  type Tcb,
} from './tcb.ts'

/** RFC 5961, 5: (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.MAX. */
export function ackIsAcceptable(m: Arena, t: Tcb, ack: number): boolean {
  const una = m.get32(t + SND_UNA)
  return seqDiff(ack, una) >= -m.get32(t + SND_WND_MAX) && seqLe(ack, m.get32(t + SND_MAX))
}

/** An acceptable ACK in a synchronized state. */
export function acknowledge(s: Core, t: Tcb): void {
  const { m, segment: g } = s
  const una = m.get32(t + SND_UNA)
  if (m.get8(t + CLOCK) === CLOCK_PERSIST) m.put8(t + RETRIES, 0)
  // While something is in flight, the scoreboard says what is lost where there is one, else duplicate ACKs do.
  const sack =
    s.features.sack !== undefined && hasFlag(m, t, FLAG_SACK) && flightOf(m, t) !== 0
      ? s.features.sack
      : undefined
  sack?.update(s, t)
  s.features.ecn?.echoed(s, t)
  if (seqGt(g.ack, una)) {
    advanceUna(s, t, g.ack)
  } else if (sack === undefined && isDuplicate(s, t)) {
    duplicateAck(s, t)
  }
  if (seqLe(una, g.ack)) updateWindow(s, t)
  sack?.detect(s, t)
  afterAck(s, t, m.get32(t + SND_UNA) !== una)
}

/** SND.UNA moves to `ack`: what is acknowledged is freed, the round trip measured. */
export function advanceUna(s: Core, t: Tcb, ack: number): void {
  const { m } = s
  const acked = seqDiff(ack, m.get32(t + SND_UNA))
  const flight = flightSize(m, t)
  measure(s, t, ack)
  // The first number that is acknowledged is our SYN's.
  const text = stateOf(m, t) < ESTABLISHED ? acked - 1 : acked
  const freed = Math.min(text, m.get32(t + SEND_QUEUED))
  freeText(m, t, freed)
  m.put32(t + SND_UNA, ack)
  m.put32(t + SND_NXT, seqMax(m.get32(t + SND_NXT), ack))
  newAck(s, t, acked, flight)
  heardBack(s, m.get32(t + REMOTE_ADDRESS))
  if (freed > 0) raise(m, t, Event.Writable)
}

/** Takes `bytes` off the front of the text that waits for acknowledgement. */
function freeText(m: Arena, t: Tcb, bytes: number): void {
  m.add32(t + SEND_QUEUED, -bytes)
  // What is acknowledged was sent: there is a record of the flight.
  const f = flightOf(m, t)
  let left = bytes
  for (let page = m.get32(t + SEND_HEAD); left > 0; page = m.get32(t + SEND_HEAD)) {
    const length = m.get16(page + PAGE_LENGTH)
    if (left < length) {
      m.put16(page + PAGE_OFFSET, m.get16(page + PAGE_OFFSET) + left)
      m.put16(page + PAGE_LENGTH, length - left)
      m.put32(page + PAGE_SEQ, m.get32(page + PAGE_SEQ) + left)
      return
    }
    dropFirst(m, t + SEND_HEAD, PAGE_NEXT)
    if (m.get32(f + SEND_CURSOR) === page) m.put32(f + SEND_CURSOR, 0)
    freePage(m, page)
    left -= length
  }
}

/**
 * RFC 5681, 2: a duplicate has data outstanding, no text, no SYN or FIN, acknowledges SND.UNA, and offers the window
 * that was offered last. The answers to a probe of a closed window look the same, and are no sign of loss.
 */
function isDuplicate(s: Core, t: Tcb): boolean {
  const { m, segment: g } = s
  return (
    flightSize(m, t) > 0 &&
    m.get8(t + CLOCK) !== CLOCK_PERSIST &&
    g.length === 0 &&
    (g.flags & (SYN | FIN)) === 0 &&
    g.ack === m.get32(t + SND_UNA) &&
    g.window === m.get32(t + SND_WND)
  )
}

/** SND.WND, by the rule that keeps old segments from moving it. */
export function updateWindow(s: Core, t: Tcb): void {
  const { m, segment: g } = s
  const wl1 = m.get32(t + SND_WL1)
  if (seqLe(wl1, g.seq)) takeWindow(m, s, t)
}

/** SND.WND <- SEG.WND, SND.WL1 <- SEG.SEQ. */
export function takeWindow(m: Arena, s: Core, t: Tcb): void {
  const g = s.segment
  m.put32(t + SND_WND, g.window)
  m.put32(t + SND_WND_MAX, Math.max(g.window, m.get32(t + SND_WND_MAX)))
  m.put32(t + SND_WL1, g.seq)
}

/** Stops the clock that has nothing left to wait for, and sends what the ACK has made room for. */
function afterAck(s: Core, t: Tcb, moved: boolean): void {
  const { m } = s
  const clock = m.get8(t + CLOCK)
  // RFC 6298, 5.2: when all outstanding data has been acknowledged, turn off the retransmission timer.
  if (awaitsAck(clock) && flightSize(m, t) === 0) rest(s, t)
  // An orphan persists until text moves: a peer who opens and closes his window without taking any must not hold it for ever.
  const opened = m.get32(t + SND_WND) > 0 && !hasFlag(m, t, FLAG_ORPHAN)
  if (clock === CLOCK_PERSIST && (opened || moved)) stopPersisting(s, t)
  if (m.get32(t + SEND_QUEUED) > 0 || hasFlag(m, t, FLAG_FIN)) wantSend(s, t)
}

/**
 * The window is open, or a probe's byte was taken: what is left, if anything, begins to persist anew. The probes' back-off
 * said nothing of the path. What is in flight is waited for again; where nothing is, the connection may become idle.
 */
function stopPersisting(s: Core, t: Tcb): void {
  clearFlag(s.m, t, FLAG_PROBE)
  setRto(s, t)
  if (flightSize(s.m, t) > 0) startRetransmission(s, t)
  else rest(s, t)
}
