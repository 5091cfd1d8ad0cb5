/**
 * The tail loss probe, RFC 8985, 7: when the end of a flight is lost nothing behind it arrives that could tell so, and the
 * retransmission timer is slow. After two round trips of silence a segment goes out, new text or else the last one again,
 * whose ACK shows RACK what is missing.
 */
import { type Core, count } from '../core.ts'
import type { Arena, Page } from '../memory/arena.ts'
import { tcpLossProbes } from '../mib.ts'
import { clearFlag, hasFlag, setFlag } from '../socket/record.ts'
import { startClock, startRetransmission } from './clock.ts'
import { reduceWindow } from './congestion.ts'
import { type Flight, flightOf, LOST, PROBE_END, RACK_STATE, SACKED } from './flight.ts'
import { endOfText, type OutgoingSegment, planText, wantSend } from './output.ts'
import { inRecovery, NEWS_ADVANCE, NEWS_DSACK } from './sack.ts'
import { firstInFlight, nextInFlight, sentEnd, sentLength } from './scoreboard.ts'
import { seqDiff, seqGe, seqGt } from './seq.ts'
import {
  CLOCK,
  CLOCK_RETRANSMISSION,
  CLOCK_TAIL_PROBE,
  ESTABLISHED,
  FLAG_SACK,
  FLAG_TAIL_PROBE,
  flightSize,
  MSS,
  RETRIES,
  RTO,
  SND_MAX,
  SND_NXT,
  SND_UNA,
  SND_WND,
  SRTT,
  stateOf,
  type Tcb,
} from './tcb.ts'

// RACK_STATE, beside those of rack.ts.
/** A probe is in flight: PROBE_END is TLP.end_seq. */
const PROBE_OUT = 16
/** TLP.is_retrans. */
const PROBE_AGAIN = 32
/** A probe was sent, and no round trip was measured since. */
const UNMEASURED = 64

/** 7.2: when there is no SRTT. */
const PTO_INITIAL = 1_000
/** TLP.max_ack_delay: Linux, and we, delay ACKs by 40 ms; a timer's grain beside it. */
const ACK_DELAY_MAX = 50

/** 7.2: for whom a probe is scheduled, and when, TLP_calc_PTO (). */
export function startProbe(s: Core, t: Tcb): boolean {
  const { m } = s
  const f = flightOf(m, t)
  if (f === 0 || !hasFlag(m, t, FLAG_SACK) || stateOf(m, t) < ESTABLISHED || m.get8(t + RETRIES) > 0)
    return false
  if (
    (m.get8(f + RACK_STATE) & (PROBE_OUT | UNMEASURED)) !== 0 ||
    m.get32(f + SACKED) + m.get32(f + LOST) > 0
  )
    return false
  const flight = flightSize(m, t)
  if (flight === 0 || inRecovery(m, t, f)) return false
  const srtt = m.get32(t + SRTT)
  const one = flight <= m.get16(t + MSS)
  const pto = srtt === 0 ? PTO_INITIAL : Math.ceil(srtt / 4000) + (one ? ACK_DELAY_MAX : 0)
  startClock(s, t, CLOCK_TAIL_PROBE, Math.min(pto, m.get16(t + RTO)))
  return true
}

/** 7.2: new text restarts the wait. The probe itself has left: 7.3, and its end is what an ACK is looked at for. */
export function restartProbe(s: Core, t: Tcb, out: OutgoingSegment, max: number): void {
  const { m } = s
  if (hasFlag(m, t, FLAG_TAIL_PROBE)) {
    clearFlag(m, t, FLAG_TAIL_PROBE)
    count(s, tcpLossProbes)
    const f = flightOf(m, t)
    m.put32(f + PROBE_END, m.get32(t + SND_MAX))
    const again = out.seq === max ? 0 : PROBE_AGAIN
    m.put8(f + RACK_STATE, (m.get8(f + RACK_STATE) & ~PROBE_AGAIN) | PROBE_OUT | UNMEASURED | again)
  } else if (m.get8(t + CLOCK) === CLOCK_TAIL_PROBE && out.seq === max) {
    startRetransmission(s, t)
  }
}

/** The PTO has passed. "The sender MUST re-arm the RTO timer", whether a probe goes or not. */
export function probeTimer(s: Core, t: Tcb): void {
  const { m } = s
  startClock(s, t, CLOCK_RETRANSMISSION, m.get16(t + RTO))
  // The conditions of 7.3 held when the clock was set, and no probe has gone since.
  setFlag(m, t, FLAG_TAIL_PROBE)
  wantSend(s, t)
}

/** 7.3, TLP_send_probe (): new text beyond the congestion window, or the last segment once more. */
export function planProbe(s: Core, t: Tcb, out: OutgoingSegment): boolean {
  const { m } = s
  const flight = flightSize(m, t)
  if (flight === 0) {
    clearFlag(m, t, FLAG_TAIL_PROBE)
    return false
  }
  const next = m.get32(t + SND_NXT)
  const mss = m.get16(t + MSS)
  const fresh = Math.min(mss, seqDiff(endOfText(m, t), next), m.get32(t + SND_WND) - flight)
  if (fresh > 0) return planText(m, t, out, next, fresh)
  const last = lastInFlight(m, t)
  // FIN alone is in flight.
  if (last === 0) return planText(m, t, out, m.get32(t + SND_UNA), mss)
  const length = Math.min(mss, sentLength(m, t, last))
  return planText(m, t, out, (sentEnd(m, t, last) - length) | 0, length)
}

/** An ACK that neither moves SND.UNA nor has blocks. */
const isBare = (news: number, blocks: number): boolean => (news & NEWS_ADVANCE) === 0 && blocks === 0

/** TLP_init (): recovery begins, and needs no probe. */
export function forgetProbe(m: Arena, t: Tcb, f: Flight): void {
  clearFlag(m, t, FLAG_TAIL_PROBE)
  m.put8(f + RACK_STATE, m.get8(f + RACK_STATE) & ~(PROBE_OUT | PROBE_AGAIN))
}

/** A round trip was measured: another probe may go. */
export const noteMeasured = (m: Arena, f: Flight): void =>
  m.put8(f + RACK_STATE, m.get8(f + RACK_STATE) & ~UNMEASURED)

function lastInFlight(m: Arena, t: Tcb): Page {
  let last = 0
  for (let page = firstInFlight(m, t); page !== 0; page = nextInFlight(m, t, page)) last = page
  return last
}

/** 7.4.2, TLP_process_ack (). */
export function probeAcknowledged(s: Core, t: Tcb, f: Flight, news: number): void {
  const { m, segment: g } = s
  const state = m.get8(f + RACK_STATE)
  if ((state & PROBE_OUT) === 0 || !seqGe(g.ack, m.get32(f + PROBE_END))) return
  const repaired = seqGt(g.ack, m.get32(f + PROBE_END))
  const again = (state & PROBE_AGAIN) !== 0
  const dsack = (news & NEWS_DSACK) !== 0
  // A second ACK of the same number without blocks says that the probe came after what it repeats, from a peer without D-SACK.
  if (again && !dsack && !repaired && !isBare(news, g.blocks)) return
  m.put8(f + RACK_STATE, state & ~(PROBE_OUT | PROBE_AGAIN))
  if (!again || dsack || !repaired) return
  // The probe has repaired a loss: congestion control must hear of it.
  reduceWindow(s, t)
}
