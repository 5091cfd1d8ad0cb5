/**
 * Challenge ACKs, RFC 5961, and their throttle (its section 7): a few a time, how many is drawn anew each time, so
 * that nobody can count them to learn whether a connection exists.
 */
import type { Core } from '../core.ts'
import { CHALLENGES_LEFT, CHALLENGES_UNTIL, NOW_MS } from '../memory/layout.ts'
import { oweAck } from './output.ts'
import type { Tcb } from './tcb.ts'

/** RFC 5961, 7: "e.g., in any 5 second window, no more than 10 challenge ACKs should be sent". */
const WINDOW_MS = 5_000
const FEWEST = 5
const SPREAD = 6

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
