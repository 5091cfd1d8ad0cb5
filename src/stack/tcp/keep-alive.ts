/**
 * Keep-alives, RFC 9293, 3.8.4: off unless asked for. An idle connection's peer is asked whether it is still there with a
 * segment from before its window, which it must answer; when nobody answers several of them, the connection is over.
 */
import type { Core } from '../core.ts'
import { ETIMEDOUT } from '../errno.ts'
import type { Address } from '../memory/arena.ts'
import { NOW_MS } from '../memory/layout.ts'
import { setFlag } from '../socket/record.ts'
import { endConnection } from './connection.ts'
import { oweAck } from './output.ts'
import { resetConnection } from './reset.ts'
import {
  HEARD_AT,
  KEEP_ALIVE,
  KEEP_COUNT,
  KEEP_IDLE,
  KEEP_INTERVAL,
  PROBES,
  USER_TIMEOUT,
} from './settings.ts'
import { FLAG_KEEP_ALIVE, flightSize, SYN_RECEIVED, stateOf, type Tcb, TIME_WAIT } from './tcb.ts'

/** Milliseconds until the next probe is due, 0 or less when it is; Infinity when none is wanted. */
export function keepAliveWait(s: Core, t: Tcb, r: Address): number {
  const { m } = s
  const state = stateOf(m, t)
  if (m.get8(r + KEEP_ALIVE) === 0 || state < SYN_RECEIVED || state === TIME_WAIT) return Infinity
  const silent = (m.get32(NOW_MS) - m.get32(r + HEARD_AT)) >>> 0
  const due = (m.get16(r + KEEP_IDLE) + m.get8(r + PROBES) * m.get16(r + KEEP_INTERVAL)) * 1000
  // "Keep-alive packets MUST only be sent when no sent data is outstanding" (MUST-26): the retransmissions tell as much.
  // Whatever comes meanwhile puts the probe off by the idle time, so this is soon enough to look again.
  if (due <= silent && flightSize(m, t) > 0) return m.get16(r + KEEP_IDLE) * 1000
  return due - silent
}

/** A probe is due. False: it was the last one, the connection has ended. */
export function probePeer(s: Core, t: Tcb, r: Address): boolean {
  const { m } = s
  const probes = m.get8(r + PROBES)
  const timeout = m.get32(r + USER_TIMEOUT)
  const silent = (m.get32(NOW_MS) - m.get32(r + HEARD_AT)) >>> 0
  // "MUST NOT interpret failure to respond to any specific probe as a dead connection" (MUST-29). A user timeout, where
  // there is one, says how long instead of how many, as on Linux.
  if (timeout === 0 ? probes >= m.get8(r + KEEP_COUNT) : probes > 0 && silent >= timeout) {
    resetConnection(s, t)
    endConnection(s, t, ETIMEDOUT)
    return false
  }
  // One that is late, since the times were changed, has the next ones its distance away all the same.
  const due = (m.get16(r + KEEP_IDLE) + probes * m.get16(r + KEEP_INTERVAL)) * 1000
  m.put32(r + HEARD_AT, (m.get32(NOW_MS) - due) | 0)
  m.put8(r + PROBES, probes + 1)
  setFlag(m, t, FLAG_KEEP_ALIVE)
  oweAck(s, t)
  return true
}
