/**
 * TCP_METRICS: a connection that ends in order leaves what it learnt of the path for the next one to the same host: the
 * round trip and ssthresh, as Linux's cache does. The congestion window is not kept: the network has moved on since.
 */
import type { Core } from '../core.ts'
import {
  findDestination,
  METRIC_RTTVAR,
  METRIC_SRTT,
  METRIC_SSTHRESH,
  wantDestination,
} from '../ip/destinations.ts'
import { REMOTE_ADDRESS } from '../socket/record.ts'
import { setRto } from './rtt.ts'
import { CWND, RTTVAR, SRTT, SSTHRESH, SSTHRESH_INITIAL, type Tcb } from './tcb.ts'

/** The feature TCP_METRICS as core code knows it. */
export interface Metrics {
  /** The handshake is done: begins where the last connection to this host ended. */
  recall(s: Core, t: Tcb): void
  /** The connection has ended in order. */
  store(s: Core, t: Tcb): void
}

/** The feature TCP_METRICS. */
export const metrics: Metrics = {
  recall(s, t) {
    const { m } = s
    const r = findDestination(m, m.get32(t + REMOTE_ADDRESS))
    if (r === 0) return
    const threshold = m.get32(r + METRIC_SSTHRESH)
    if (threshold !== 0) m.put32(t + SSTHRESH, threshold)
    // A SYN is small and finds queues empty: where segments took longer before, that is the better guess. A SYN that was
    // sent again has not been timed at all.
    if (m.get32(r + METRIC_SRTT) <= m.get32(t + SRTT)) return
    m.put32(t + SRTT, m.get32(r + METRIC_SRTT))
    m.put32(t + RTTVAR, m.get32(r + METRIC_RTTVAR))
    setRto(s, t)
  },

  store(s, t) {
    const { m } = s
    const srtt = m.get32(t + SRTT)
    if (srtt === 0) return
    const r = wantDestination(s, m.get32(t + REMOTE_ADDRESS))
    if (r === 0) return
    storeRoundTrip(s, r, srtt, m.get32(t + RTTVAR))
    storeThreshold(s, t, r)
  },
}

/** A longer round trip is believed at once, a shorter one by an eighth, as Linux does; the variance likewise. */
function storeRoundTrip(s: Core, r: number, srtt: number, variance: number): void {
  const { m } = s
  const known = m.get32(r + METRIC_SRTT)
  const behind = known - srtt
  m.put32(r + METRIC_SRTT, behind <= 0 ? srtt : known - (behind >> 3))
  // In quarters, as Linux keeps it: the difference is halved into a deviation.
  const deviation = Math.max(Math.abs(behind) >> 2, variance)
  const old = m.get32(r + METRIC_RTTVAR)
  m.put32(
    r + METRIC_RTTVAR,
    known === 0 ? variance : deviation >= old ? deviation : old - ((old - deviation) >> 2),
  )
}

/** A threshold that a loss has set, averaged with what was known; one that growth has passed is raised. */
function storeThreshold(s: Core, t: Tcb, r: number): void {
  const { m } = s
  const threshold = m.get32(t + SSTHRESH)
  const known = m.get32(r + METRIC_SSTHRESH)
  const half = m.get32(t + CWND) >> 1
  if (threshold === SSTHRESH_INITIAL) {
    // Slow start to the end: no loss at half of this window, at least.
    if (known !== 0 && half > known) m.put32(r + METRIC_SSTHRESH, half)
    return
  }
  const found = Math.max(threshold, half)
  m.put32(r + METRIC_SSTHRESH, known === 0 ? found : (known + found) >> 1)
}
