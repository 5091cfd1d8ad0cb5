/** Reno: slow start and congestion avoidance, RFC 5681, 3.1. Its recovery, NewReno, stands in recovery.ts. */
import type { Congestion } from './congestion.ts'
import { CWND, MSS, SSTHRESH } from './tcb.ts'

/** A window larger than any receiver's buffer here serves nothing. */
export const CWND_MAX = 1 << 24

/** Without a switch: what TCP_CUBIC stands in the place of. */
export const reno: Congestion = {
  acked(s, t, bytes) {
    const { m } = s
    const cwnd = m.get32(t + CWND)
    const mss = m.get16(t + MSS)
    // Equation 2: at most SMSS for each ACK in slow start. Equation 3: about one SMSS a round trip behind it.
    const grown =
      cwnd < m.get32(t + SSTHRESH)
        ? cwnd + Math.min(bytes, mss)
        : cwnd + Math.max(1, Math.floor((mss * mss) / cwnd))
    m.put32(t + CWND, Math.min(grown, CWND_MAX))
  },

  threshold(s, t, flight) {
    return Math.max(flight >> 1, 2 * s.m.get16(t + MSS))
  },
}
