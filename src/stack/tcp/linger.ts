/**
 * Lingering: what `close` does about text that is not acknowledged yet. Off, it is delivered for as long as that takes. With
 * 0 seconds the connection is reset at once; with more it gets that long, and is reset then. `close` itself never waits.
 */
import type { Core } from '../core.ts'
import type { Address } from '../memory/arena.ts'
import { NOW_MS } from '../memory/layout.ts'
import { LINGER_UNTIL, LINGERING } from './settings.ts'
import { FIN_WAIT_2, stateOf, type Tcb, TIME_WAIT } from './tcb.ts'

/** Milliseconds until the time is up, 0 or less when it is; Infinity while the user has not closed, or when all arrived. */
export function lingerWait(s: Core, t: Tcb, r: Address): number {
  const { m } = s
  const state = stateOf(m, t)
  if (m.get8(r + LINGERING) === 0 || state === FIN_WAIT_2 || state === TIME_WAIT) return Infinity
  return (m.get32(r + LINGER_UNTIL) - m.get32(NOW_MS)) | 0
}
