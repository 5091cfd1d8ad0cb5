/** A segment was too large for its path: RFC 8201, 5.4 by way of RFC 9293, 3.7.2. */
import type { Core } from '../core.ts'
import { ipv6For } from '../ip6/word.ts'
import { REMOTE_ADDRESS } from '../socket/record.ts'
import { sendAgain } from './recovery.ts'
import { ESTABLISHED, MSS, stateOf, type Tcb } from './tcb.ts'

/**
 * The connection's segments become as small as the path is known to need, and what is in flight is sent again so: it was
 * lost, but not to congestion (RFC 8201, 5.4: the congestion window is left as it is). False: they are no larger already.
 */
export function tooBig(s: Core, t: Tcb): boolean {
  const { m } = s
  const remote = m.get32(t + REMOTE_ADDRESS)
  const room = ipv6For(s, remote)?.pathMss(s, remote)
  if (room === undefined || stateOf(m, t) < ESTABLISHED) return false
  // Options that every segment carries are in the room that headers take.
  const options = s.options.reduce((sum, option) => sum + option.size(s, t, 0x10, 0), 0)
  const mss = room - options
  if (mss >= m.get16(t + MSS)) return false
  m.put16(t + MSS, mss)
  sendAgain(s, t, true)
  return true
}
