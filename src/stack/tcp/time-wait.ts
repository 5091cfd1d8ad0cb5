/**
 * TIME-WAIT, RFC 9293, 3.4.2 and 3.6: the end that closed first remembers the connection for two segment lifetimes. All
 * that wait stand in one list, in the order in which they will be done, so that the oldest is found at once when memory
 * is short. A connection in TIME-WAIT sends nothing more: the words of CWND and SSTHRESH hold its place in the list.
 */
import type { Core } from '../core.ts'
import type { Arena } from '../memory/arena.ts'
import { appendBoth, removeBoth } from '../memory/fifo.ts'
import { WAITING_HEAD } from '../memory/layout.ts'
import { FLAG_ORPHAN, hasFlag } from '../socket/record.ts'
import { ACK, RST, SYN } from '../wire/tcp.ts'
import { startClock } from './clock.ts'
import { releaseFlight } from './flight.ts'
import { leaveLastWords } from './last-words.ts'
import { seqGe, seqGt } from './seq.ts'
import {
  CLOCK_TIME_WAIT,
  enterState,
  RCV_NXT,
  SND_MAX,
  stateOf,
  type Tcb,
  TIME_WAIT,
  WAITING_NEXT,
  WAITING_PREVIOUS,
} from './tcb.ts'

/** 3.4.2 has MSL at 2 minutes, "an engineering choice"; Linux's TIME-WAIT is one minute in all, so is ours. */
export const TIME_WAIT_MS = 60_000

/** "Start the time-wait timer, turn off the other timers." */
export function enterTimeWait(s: Core, t: Tcb): void {
  s.features.metrics?.store(s, t)
  releaseFlight(s.m, t)
  leaveLastWords(s.m, t)
  enterState(s.m, t, TIME_WAIT)
  append(s.m, t)
  startClock(s, t, CLOCK_TIME_WAIT, TIME_WAIT_MS)
}

/** The peer's FIN came again: "restart the 2 MSL timeout". */
export function restartTimeWait(s: Core, t: Tcb): void {
  leaveTimeWait(s.m, t)
  append(s.m, t)
  startClock(s, t, CLOCK_TIME_WAIT, TIME_WAIT_MS)
}

/**
 * RFC 6191, 2: whether the SYN in `s.segment` may begin a new connection between the same two ports: by its timestamp
 * where the old one had timestamps, by its sequence number else (RFC 1122, 4.2.2.13).
 */
export function maySucceed(s: Core, old: Tcb): boolean {
  const { m, segment: g } = s
  if (stateOf(m, old) !== TIME_WAIT || (g.flags & (SYN | ACK | RST)) !== SYN) return false
  // "It refers to the sequence number corresponding to the FIN flag": RCV.NXT stands behind that.
  const later = seqGe(g.seq, m.get32(old + RCV_NXT))
  return s.features.timestamps?.succeeds(s, old, later) ?? later
}

/** RFC 9293, 3.6.1: the ISS of the successor must be "larger than the largest sequence number it used" before. */
export function sequenceBeyond(m: Arena, old: Tcb, iss: number): number {
  const last = m.get32(old + SND_MAX)
  // Whoever sent faster than a number each 4 µs is ahead of the clock of RFC 6528. A window's distance is Linux's.
  return seqGt(iss, last) ? iss : (last + 0x10001) | 0
}

/** Takes a connection in TIME-WAIT out of the list. */
export function leaveTimeWait(m: Arena, t: Tcb): void {
  removeBoth(m, WAITING_HEAD, t, WAITING_NEXT, WAITING_PREVIOUS)
}

/** The one that has waited longest of those whose handle was given back; 0 if there is none. */
export function oldestWaiting(m: Arena): Tcb {
  let t = m.get32(WAITING_HEAD) as Tcb
  while (t !== 0 && !hasFlag(m, t, FLAG_ORPHAN)) t = m.get32(t + WAITING_NEXT) as Tcb
  return t
}

function append(m: Arena, t: Tcb): void {
  appendBoth(m, WAITING_HEAD, t, WAITING_NEXT, WAITING_PREVIOUS)
}
