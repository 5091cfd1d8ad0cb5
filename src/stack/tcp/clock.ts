/**
 * A connection's clocks. One node in the timing wheel serves them all: the clock (retransmission, persist, TIME-WAIT
 * and FIN-WAIT-2 exclude each other) and the delayed ACK. A deadline that moves later is not filed anew: the node
 * fires early, finds nothing due, and is filed then; so an ACK that restarts the timer costs one write.
 */
import type { Core } from '../core.ts'
import { ETIMEDOUT } from '../errno.ts'
import type { Arena } from '../memory/arena.ts'
import { NOW_MS } from '../memory/layout.ts'
import { setTimer, TIMER_AT, timerIsSet } from '../memory/wheel.ts'
import { TCP_FIN_TIMEOUT, TCP_RETRIES2, TCP_SYNACK_RETRIES } from '../proc/sysctl.ts'
import { clearFlag, FLAG_ORPHAN, hasFlag, setFlag } from '../socket/record.ts'
import { endConnection } from './connection.ts'
import { becomeIdle } from './flight.ts'
import { oweAck, wantSend } from './output.ts'
import { timedOut } from './recovery.ts'
import { resetConnection } from './reset.ts'
import { backOff, RTO_MAX } from './rtt.ts'
import {
  ACK_AT,
  CLOCK,
  CLOCK_AT,
  CLOCK_NONE,
  CLOCK_PERSIST,
  CLOCK_REORDERING,
  CLOCK_REST,
  CLOCK_RETRANSMISSION,
  FLAG_ACK_DELAYED,
  FLAG_PROBE,
  RETRIES,
  RTO,
  SYN_RECEIVED,
  stateOf,
  type Tcb,
} from './tcb.ts'

/**
 * RFC 1122, 4.2.3.5: R2, when to give up, "at least 100 seconds" for data, 3 minutes for a SYN. Seven doublings from
 * one second, capped at 60, make 3 minutes and 3 seconds; a handshake that a stranger began gets five, 31 s. From a
 * shorter RTO it takes more of them: the last wait is 50 s at least, and those before it were as long together.
 */
const RETRIES_MAX = 8
const RETRIES_PASSIVE = 5
const LAST_RTO_MS = 50_000
/** RFC 9293, 3.8.6.3: an ACK "MUST be generated within 0.5 seconds"; 40 ms is what Linux takes in a conversation. */
const DELAYED_ACK_MS = 40
const FIN_WAIT_2_MS = 60_000

/** How long a connection that nobody reads waits in FIN-WAIT-2. */
export const finWait2 = (s: Core): number =>
  (s.features.procFs?.setting(s, TCP_FIN_TIMEOUT) ?? FIN_WAIT_2_MS / 1000) * 1000

/** Starts one of CLOCK_… in the place of the one that runs; it strikes in `ms` milliseconds. */
export function startClock(s: Core, t: Tcb, clock: number, ms: number): void {
  const { m } = s
  m.put8(t + CLOCK, clock)
  m.put32(t + CLOCK_AT, (m.get32(NOW_MS) + ms) | 0)
  arm(m, t)
}

/** The delayed ACK goes on; the node stays filed and finds nothing due. */
export const stopClock = (m: Arena, t: Tcb): void => m.put8(t + CLOCK, CLOCK_NONE)

/** Whether the clock waits for an ACK: the retransmission timer, or one of RFC 8985's in its place. */
export const awaitsAck = (clock: number): boolean =>
  clock === CLOCK_RETRANSMISSION || clock >= CLOCK_REORDERING

/** Whether no clock waits for the peer. */
export function isAtRest(m: Arena, t: Tcb): boolean {
  const clock = m.get8(t + CLOCK)
  return clock === CLOCK_NONE || clock === CLOCK_REST
}

/** RFC 6298, 5.1 and 5.3: (re)start the retransmission timer, or what RFC 8985 has strike before it. */
export function startRetransmission(s: Core, t: Tcb): void {
  if (s.features.rack?.startProbe(s, t) !== true) startClock(s, t, CLOCK_RETRANSMISSION, s.m.get16(t + RTO))
}

/** An ACK is owed but may wait for data to go with it, or for a second segment. */
export function delayAck(s: Core, t: Tcb): void {
  const { m } = s
  if (hasFlag(m, t, FLAG_ACK_DELAYED)) return
  setFlag(m, t, FLAG_ACK_DELAYED)
  m.put16(t + ACK_AT, (m.get32(NOW_MS) + DELAYED_ACK_MS) & 0xffff)
  arm(m, t)
}

/** Milliseconds until the delayed ACK is due. Its deadline is kept modulo 2^16: one that seems farther off has passed. */
export function ackDueIn(m: Arena, t: Tcb): number {
  const wait = (m.get16(t + ACK_AT) - m.get32(NOW_MS)) & 0xffff
  return wait > DELAYED_ACK_MS ? 0 : wait
}

function arm(m: Arena, t: Tcb): void {
  const now = m.get32(NOW_MS)
  let wait = Number.MAX_SAFE_INTEGER
  if (m.get8(t + CLOCK) !== CLOCK_NONE) wait = (m.get32(t + CLOCK_AT) - now) | 0
  if (hasFlag(m, t, FLAG_ACK_DELAYED)) wait = Math.min(wait, ackDueIn(m, t))
  if (wait === Number.MAX_SAFE_INTEGER) return
  const earlyEnough = timerIsSet(m, t) && ((m.get32(t + TIMER_AT) - now) | 0) <= wait
  if (!earlyEnough) setTimer(m, t, (now + Math.max(0, wait)) | 0)
}

/** The connection's node fired. */
export function connectionTimer(s: Core, t: Tcb): void {
  const { m } = s
  const now = m.get32(NOW_MS)
  if (hasFlag(m, t, FLAG_ACK_DELAYED) && ackDueIn(m, t) === 0) {
    clearFlag(m, t, FLAG_ACK_DELAYED)
    oweAck(s, t)
  }
  const clock = m.get8(t + CLOCK)
  if (clock !== CLOCK_NONE && ((m.get32(t + CLOCK_AT) - now) | 0) <= 0) {
    stopClock(m, t)
    strike(s, t, clock)
  }
  // The connection may be gone; its record stays until its events were told, with no clock set.
  arm(m, t)
}

function strike(s: Core, t: Tcb, clock: number): void {
  const { m } = s
  if (clock === CLOCK_PERSIST) {
    // RFC 9293, 3.8.6.1: probe, with exponential back-off, for as long as the peer answers. Its answers reset RETRIES.
    if (giveUp(s, t) || abandon(s, t)) return
    backOff(s, t)
    setFlag(m, t, FLAG_PROBE)
    wantSend(s, t)
    return startClock(s, t, CLOCK_PERSIST, m.get16(t + RTO))
  }
  if (clock === CLOCK_RETRANSMISSION) {
    if (giveUp(s, t)) return
    s.features.pathMtu?.struck(s, t)
    return timedOut(s, t)
  }
  if (clock >= CLOCK_REORDERING) return s.features.rack?.strike(s, t, clock)
  if (clock === CLOCK_REST) return becomeIdle(m, t)
  // TIME-WAIT and FIN-WAIT-2 are over.
  endConnection(s, t, 0)
}

/**
 * RFC 9293, 3.8.6.1 (MUST-37) keeps a connection whose window is closed for as long as the peer answers, "subject to the
 * implementation's resource management concerns". Where a user waits, he can end it. One whose user has gone is ended when
 * the probes are a minute apart and no text has moved since they began: after about two minutes, as on Linux.
 */
function abandon(s: Core, t: Tcb): boolean {
  if (!hasFlag(s.m, t, FLAG_ORPHAN) || s.m.get16(t + RTO) < RTO_MAX) return false
  resetConnection(s, t)
  endConnection(s, t, ETIMEDOUT)
  return true
}

/** Counts a try; after the last the connection ends with ETIMEDOUT. */
function giveUp(s: Core, t: Tcb): boolean {
  const { m } = s
  const tries = m.get8(t + RETRIES) + 1
  m.put8(t + RETRIES, tries)
  const stranger = stateOf(m, t) === SYN_RECEIVED
  if (!stranger && s.features.settings?.hasTimeout(s, t) === true) return false
  const most = stranger
    ? (s.features.procFs?.setting(s, TCP_SYNACK_RETRIES) ?? RETRIES_PASSIVE)
    : (s.features.procFs?.setting(s, TCP_RETRIES2) ?? RETRIES_MAX)
  if (tries < most) return false
  if (!stranger && m.get16(t + RTO) < LAST_RTO_MS) return false
  endConnection(s, t, ETIMEDOUT)
  return true
}
