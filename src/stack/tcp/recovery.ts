/**
 * Loss recovery: fast retransmit and NewReno's fast recovery, RFC 5681, 3.2 and RFC 6582, 3.2; and the retransmission
 * timeout, RFC 6298, 5.4-5.7.
 */
import type { Core } from '../core.ts'
import type { Arena } from '../memory/arena.ts'
import { clearFlag, hasFlag, setFlag } from '../socket/record.ts'
import { startClock, startRetransmission } from './clock.ts'
import { noteReduced, reduceWindow } from './congestion.ts'
import { flightOf, RECOVER, SEND_CURSOR } from './flight.ts'
import { wantSend } from './output.ts'
import { backOff, RTO_AFTER_LOST_SYN } from './rtt.ts'
import { seqDiff, seqGe, seqGt } from './seq.ts'
import {
  CLOCK_PERSIST,
  CWND,
  DUP_ACKS,
  ESTABLISHED,
  FLAG_PARTIAL_ACK,
  FLAG_PROBE,
  FLAG_RECOVERING,
  FLAG_RETRANSMIT,
  FLAG_SACK,
  FLAG_TIMING,
  flightSize,
  MSS,
  RETRIES,
  RTO,
  SND_MAX,
  SND_NXT,
  SND_UNA,
  SND_WND,
  SSTHRESH,
  stateOf,
  type Tcb,
} from './tcb.ts'

/** RFC 5681, 3.2: the third duplicate means a loss. */
const DUP_ACK_THRESHOLD = 3

/** A duplicate ACK, as RFC 5681, 2 defines it, arrived. */
export function duplicateAck(s: Core, t: Tcb): void {
  const { m } = s
  const seen = m.get8(t + DUP_ACKS) + 1
  m.put8(t + DUP_ACKS, Math.min(255, seen))
  const mss = m.get16(t + MSS)
  if (hasFlag(m, t, FLAG_RECOVERING)) {
    // RFC 5681, 3.2 (4): each further duplicate says that a segment has left the network.
    m.put32(t + CWND, m.get32(t + CWND) + mss)
    return wantSend(s, t)
  }
  // RFC 6582, 3.2 (2): only when the ACK covers more than `recover`, else the loss is one that was dealt with.
  if (seen !== DUP_ACK_THRESHOLD || !seqGt(m.get32(t + SND_UNA), m.get32(flightOf(m, t) + RECOVER))) return
  reduceWindow(s, t)
  m.put32(flightOf(m, t) + RECOVER, m.get32(t + SND_MAX))
  // RFC 5681, 3.2 (3): the three segments that made the duplicates have left the network.
  m.put32(t + CWND, m.get32(t + SSTHRESH) + DUP_ACK_THRESHOLD * mss)
  clearFlag(m, t, FLAG_PARTIAL_ACK)
  setFlag(m, t, FLAG_RECOVERING)
  retransmitFirst(s, t)
}

/** New data, `acked` bytes of it, was acknowledged; SND.UNA has moved. */
export function newAck(s: Core, t: Tcb, acked: number, flightBefore: number): void {
  const { m } = s
  if (stateOf(m, t) < ESTABLISHED && m.get8(t + RETRIES) > 0) synWasLost(m, t)
  m.put8(t + DUP_ACKS, 0)
  // Karn: a back-off stays until a round trip was measured anew (RFC 6298, 5: "once a new RTT measurement is obtained"),
  // else a path slower than the RTO would never be known for what it is.
  m.put8(t + RETRIES, 0)
  if (hasFlag(m, t, FLAG_RECOVERING)) return recoveryAck(s, t, acked)
  // The window grows only while it is what limits us: an idle connection learns nothing of the path.
  if (flightBefore * 2 >= m.get32(t + CWND) && s.features.ecn?.holds(s, t) !== true)
    s.features.congestion.acked(s, t, acked)
  if (flightSize(m, t) > 0) startRetransmission(s, t)
}

/** RFC 6298, 5.7: begin with an RTO of three seconds; RFC 5681, 3.1: and with a window of one segment. */
function synWasLost(m: Arena, t: Tcb): void {
  m.put16(t + RTO, RTO_AFTER_LOST_SYN)
  m.put32(t + CWND, m.get16(t + MSS))
}

/** Whether the scoreboard (scoreboard.ts) does what duplicate and partial ACKs do without. */
const hasSack = (s: Core, t: Tcb): boolean => s.features.sack !== undefined && hasFlag(s.m, t, FLAG_SACK)

/** RFC 6582, 3.2 (3): a full ACK ends recovery, a partial one means that the next segment is lost too. */
function recoveryAck(s: Core, t: Tcb, acked: number): void {
  const { m } = s
  const mss = m.get16(t + MSS)
  const flight = flightSize(m, t)
  if (seqGe(m.get32(t + SND_UNA), m.get32(flightOf(m, t) + RECOVER))) {
    clearFlag(m, t, FLAG_RECOVERING)
    const sacked = hasSack(s, t)
    if (!sacked) clearFlag(m, t, FLAG_RETRANSMIT)
    // RFC 6582 bounds the burst that may follow; RFC 6675 has none to bound, since it counts what is in the network.
    if (!sacked) m.put32(t + CWND, Math.min(m.get32(t + SSTHRESH), Math.max(flight, mss) + mss))
    return startRetransmission(s, t)
  }
  // RFC 6675, 5: the scoreboard says what is lost, and the window stays as it is.
  if (hasSack(s, t)) return startRetransmission(s, t)
  const cwnd = m.get32(t + CWND) - acked + (acked >= mss ? mss : 0)
  m.put32(t + CWND, Math.max(mss, cwnd))
  // RFC 6582, 3.2 (3): "reset the retransmit timer" for the first partial ACK only (4, Impatient variant).
  if (!hasFlag(m, t, FLAG_PARTIAL_ACK)) {
    setFlag(m, t, FLAG_PARTIAL_ACK)
    startRetransmission(s, t)
  }
  retransmitFirst(s, t)
}

/** RFC 6298, 5.4-5.6: the timer expired: send the earliest segment again, double the RTO, begin with one segment. */
export function timedOut(s: Core, t: Tcb): void {
  const { m } = s
  const una = m.get32(t + SND_UNA)
  if (stateOf(m, t) >= ESTABLISHED) {
    // RFC 5681, 3.1: ssthresh once for a loss, not again when the retransmission is lost too.
    if (m.get8(t + RETRIES) === 1) {
      m.put32(t + SSTHRESH, s.features.congestion.threshold(s, t, seqDiff(m.get32(t + SND_MAX), una)))
    }
    m.put32(t + CWND, m.get16(t + MSS))
    noteReduced(s, t)
  }
  clearFlag(m, t, FLAG_RECOVERING | FLAG_RETRANSMIT | FLAG_TIMING)
  m.put8(t + DUP_ACKS, 0)
  backOff(s, t)
  sendAgain(s, t, false)
  if (m.get32(t + SND_WND) > 0 || stateOf(m, t) < ESTABLISHED) return startRetransmission(s, t)
  // The window closed over what was in flight: RFC 9293, 3.8.6.1 has it probed, for as long as the peer answers.
  setFlag(m, t, FLAG_PROBE)
  startClock(s, t, CLOCK_PERSIST, m.get16(t + RTO))
}

/**
 * All that is in flight goes out again, as the windows allow: what the scoreboard says, or from the beginning. Karn: none of
 * it can be timed. `all`: also what RACK would give time.
 */
export function sendAgain(s: Core, t: Tcb, all: boolean): void {
  const { m } = s
  clearFlag(m, t, FLAG_TIMING)
  if (s.features.sack?.timedOut(s, t, all) !== true) m.put32(t + SND_NXT, m.get32(t + SND_UNA))
  const f = flightOf(m, t)
  // Without a record there was no memory for one: nothing has left yet.
  if (f !== 0) {
    // RFC 6582, 4: after a timeout, `recover` is the highest number sent; what comes till then is no new loss.
    m.put32(f + RECOVER, m.get32(t + SND_MAX))
    m.put32(f + SEND_CURSOR, 0)
  }
  wantSend(s, t)
}

/** The first unacknowledged segment goes out again. Karn: it can no longer be timed. */
function retransmitFirst(s: Core, t: Tcb): void {
  clearFlag(s.m, t, FLAG_TIMING)
  setFlag(s.m, t, FLAG_RETRANSMIT)
  wantSend(s, t)
}
