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
import { startClock, stopClock } from './clock.ts'
import { releaseFlight } from './flight.ts'
import { CLOCK_TIME_WAIT, enterState, type Tcb, TIME_WAIT, WAITING_NEXT, WAITING_PREVIOUS } from './tcb.ts'

/** 3.4.2 has MSL at 2 minutes, "an engineering choice"; Linux's TIME-WAIT is one minute in all, so is ours. */
const TIME_WAIT_MS = 60_000

/** "Start the time-wait timer, turn off the other timers." */
export function enterTimeWait(s: Core, t: Tcb): void {
  stopClock(s.m, t)
  releaseFlight(s.m, t)
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
