/**
 * Challenge ACKs, RFC 5961, and their throttle (its section 7): a few a time, how many is drawn anew each time, so
 * that nobody can count them to learn whether a connection exists.
 */
import type { Core } from '../core.ts'
import { CHALLENGES_LEFT, CHALLENGES_UNTIL, NOW_MS } from '../memory/layout.ts'
import { TCP_INVALID_RATELIMIT } from '../proc/sysctl.ts'
import { oweAck } from './output.ts'
import { REFUTED_AT, type Tcb } from './tcb.ts'

/** RFC 5961, 7: "e.g., in any 5 second window, no more than 10 challenge ACKs should be sent". */
const WINDOW_MS = 5_000
const FEWEST = 5
const SPREAD = 6

/** RFC 9293 sets no limit to ACKs that answer ACKs; Linux answers one each half second, and so do we. */
const REFUTE_MS = 500
const refuteWait = (s: Core): number => s.features.procFs?.setting(s, TCP_INVALID_RATELIMIT) ?? REFUTE_MS

/**
 * A bare segment came that is not acceptable: it may be a keep-alive (RFC 9293, 3.8.4), or the answer to our own answer,
 * of a peer with whom we no longer agree on the numbers.
 */
export function refute(s: Core, t: Tcb): void {
  const { m } = s
  // Modulo 2^16: one that comes 65 s after the last, to the half second, goes unanswered too, and is repeated.
  const now = m.get32(NOW_MS) & 0xffff
  const last = m.get16(t + REFUTED_AT)
  if (last !== 0 && ((now - last) & 0xffff) < refuteWait(s)) return
  m.put16(t + REFUTED_AT, now)
  oweAck(s, t)
}

/** Owes the peer a challenge ACK, unless this window of 5 s has had its number of them: five to ten. */
export function challenge(s: Core, t: Tcb): void {
  const { m } = s
  if (((m.get32(NOW_MS) - m.get32(CHALLENGES_UNTIL)) | 0) >= 0) {
    m.put32(CHALLENGES_UNTIL, (m.get32(NOW_MS) + WINDOW_MS) | 0)
    m.put8(CHALLENGES_LEFT, FEWEST + (s.random32() % SPREAD))
  }
  const left = m.get8(CHALLENGES_LEFT)
  if (left === 0) return
  m.put8(CHALLENGES_LEFT, left - 1)
  oweAck(s, t)
}
