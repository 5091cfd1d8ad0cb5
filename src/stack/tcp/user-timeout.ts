/**
 * The user timeout, RFC 9293, 3.10.8 and RFC 5482's local part: how long what was sent may stay unacknowledged, or what
 * was given unsent because the window is closed, before the connection is over. It takes the place of RFC 1122's R2.
 */
import type { Core } from '../core.ts'
import { ETIMEDOUT } from '../errno.ts'
import type { Address } from '../memory/arena.ts'
import { NOW_MS } from '../memory/layout.ts'
import { endConnection } from './connection.ts'
import { finStands } from './output.ts'
import { PROGRESS_AT, USER_TIMEOUT } from './settings.ts'
import { ESTABLISHED, LISTEN, SEND_QUEUED, stateOf, type Tcb, TIME_WAIT } from './tcb.ts'

/** Milliseconds until the time is up, 0 or less when it is; Infinity while nothing waits. */
export function userTimeoutWait(s: Core, t: Tcb, r: Address): number {
  const { m } = s
  const timeout = m.get32(r + USER_TIMEOUT)
  const state = stateOf(m, t)
  if (timeout === 0 || state <= LISTEN || state === TIME_WAIT) return Infinity
  // SYN and FIN wait, too, even before the link has taken them.
  if (m.get32(t + SEND_QUEUED) === 0 && state >= ESTABLISHED && !finStands(m, t)) return Infinity
  return timeout - ((m.get32(NOW_MS) - m.get32(r + PROGRESS_AT)) | 0)
}

/** "For any state if the user timeout expires, flush all queues, signal the user": nobody is there to be told by a reset. */
export const endUnheard = (s: Core, t: Tcb): void => endConnection(s, t, ETIMEDOUT)
