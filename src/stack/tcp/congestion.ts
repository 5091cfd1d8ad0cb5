/** What a congestion control is asked, by the rules of RFC 5681. Windows in bytes, all arithmetic in integers. */
import type { Core } from '../core.ts'
import type { Errno } from '../errno.ts'
import { setFlag } from '../socket/record.ts'
import { flightOf, REDUCED_AT } from './flight.ts'
import { seqLt } from './seq.ts'
import { CWND, FLAG_CWR, flightSize, SND_MAX, SND_UNA, SSTHRESH, type Tcb } from './tcb.ts'

/** How a connection finds its window: NewReno (RFC 5681), or TCP_CUBIC (RFC 9438). Numbers are bytes. */
export interface Congestion {
  /** New data was acknowledged outside of recovery; `bytes` of it. */
  acked(s: Core, t: Tcb, bytes: number): void
  /** A loss: what ssthresh becomes, given the flight size at that time (RFC 5681, equation 4). */
  threshold(s: Core, t: Tcb, flight: number): number
  /** Where there are two: the connection takes the one with this number (Option.Congestion). */
  choose?(s: Core, t: Tcb, number: number): 0 | Errno
}

/**
 * Congestion: ssthresh and the window become what the congestion control says, once for all that is in flight now. RFC
 * 5681, 3.2 (2): what Limited Transmit has sent beyond the window does not count.
 */
export function reduceWindow(s: Core, t: Tcb): void {
  const { m } = s
  // Who has no ECN reduces for losses alone, and `recover` sees to it that it is once a window.
  if (s.features.ecn !== undefined && seqLt(m.get32(t + SND_UNA), m.get32(flightOf(m, t) + REDUCED_AT)))
    return
  const threshold = s.features.congestion.threshold(s, t, Math.min(flightSize(m, t), m.get32(t + CWND)))
  m.put32(t + SSTHRESH, threshold)
  m.put32(t + CWND, threshold)
  noteReduced(s, t)
}

/** RFC 3168, 6.1.2: the window was reduced for any reason: the first new text says so. */
export function noteReduced(s: Core, t: Tcb): void {
  const { m } = s
  if (s.features.ecn === undefined) return
  const f = flightOf(m, t)
  if (f !== 0) m.put32(f + REDUCED_AT, m.get32(t + SND_MAX))
  setFlag(m, t, FLAG_CWR)
}
