/**
 * The retransmission timeout, RFC 6298, in integers: SRTT in eighths of a microsecond, RTTVAR in quarters.
 *
 * Section 2.4 says that an RTO below one second SHOULD be rounded up to it. Like Linux we take 200 ms as the least:
 * the argument for a second was coarse clocks and delayed ACKs of up to half a second; our clock ticks in
 * microseconds, and a segment's round trip here is about one millisecond.
 */
import type { Core } from '../core.ts'
import { NOW_US } from '../memory/layout.ts'
import { clearFlag, hasFlag } from '../socket/record.ts'
import { flightOf, RTT_AT, RTT_SEQ } from './flight.ts'
import { seqGe } from './seq.ts'
import { FLAG_TIMING, RTO, RTTVAR, SRTT, type Tcb } from './tcb.ts'

/** 2.1: "Until a round-trip time (RTT) measurement has been made ..., the sender SHOULD set RTO <- 1 second". */
export const RTO_INITIAL = 1_000
/** 5.7: what it is when the SYN was lost, since a second was too short for this path. */
export const RTO_AFTER_LOST_SYN = 3_000
/** 2.4 would have a second; 200 ms is Linux's. */
export const RTO_MIN = 200
/** 2.5: a maximum of at least 60 seconds. */
export const RTO_MAX = 60_000
/** Clock granularity G, in microseconds: timers fire on whole milliseconds. */
const GRANULARITY = 1_000

/** An ACK arrived: if it covers the segment that is being timed, that is a measurement. */
export function measure(s: Core, t: Tcb, ack: number): void {
  const { m } = s
  const sample = takeSample(s, t, ack)
  if (sample < 0) return
  const srtt = m.get32(t + SRTT)
  if (srtt === 0) {
    // 2.2: SRTT <- R, RTTVAR <- R/2
    m.put32(t + SRTT, sample << 3)
    m.put32(t + RTTVAR, sample << 1)
  } else {
    // 2.3: RTTVAR <- 3/4 RTTVAR + 1/4 |SRTT - R'|, SRTT <- 7/8 SRTT + 1/8 R'
    const error = sample - (srtt >> 3)
    const variance = m.get32(t + RTTVAR)
    m.put32(t + RTTVAR, variance - (variance >> 2) + Math.abs(error))
    m.put32(t + SRTT, srtt + error)
  }
  setRto(s, t)
}

/**
 * Microseconds: of the segment that is being timed; else, where none is because it was sent again, from the peer's
 * echo of its timestamp (RFC 7323, 4), which names the one that arrived. -1: nothing to measure.
 */
function takeSample(s: Core, t: Tcb, ack: number): number {
  const { m } = s
  if (hasFlag(m, t, FLAG_TIMING)) {
    const f = flightOf(m, t)
    if (!seqGe(ack, m.get32(f + RTT_SEQ))) return -1
    clearFlag(m, t, FLAG_TIMING)
    return Math.max(1, (m.get32(NOW_US) - m.get32(f + RTT_AT)) | 0)
  }
  const ms = s.features.timestamps?.elapsed(s, t) ?? -1
  return ms < 0 ? -1 : Math.max(1, ms * 1000)
}

/** RTO <- SRTT + max (G, K*RTTVAR), K = 4, within its bounds. Also undoes a back-off. */
export function setRto(s: Core, t: Tcb): void {
  const { m } = s
  const srtt = m.get32(t + SRTT)
  if (srtt === 0) return
  const micros = (srtt >> 3) + Math.max(GRANULARITY, m.get32(t + RTTVAR))
  m.put16(t + RTO, Math.min(RTO_MAX, Math.max(RTO_MIN, Math.ceil(micros / 1000))))
}

/** 5.5: "RTO <- RTO * 2 ('back off the timer')". */
export function backOff(s: Core, t: Tcb): void {
  s.m.put16(t + RTO, Math.min(RTO_MAX, s.m.get16(t + RTO) * 2))
}
