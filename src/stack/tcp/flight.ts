/**
 * What a connection needs to know only while something of it is under way stands in a record of its own, not in the TCB:
 * where the next segment's text is, what is timed, what recovery has learned. It is taken when a segment that must be
 * acknowledged is about to leave, and given back when the connection has been idle for an RTO; so thousands of idle
 * connections cost their TCBs alone, and one that is busy takes and gives nothing.
 */
import type { Core } from '../core.ts'
import type { Arena } from '../memory/arena.ts'
import { POOL_FLIGHTS } from '../memory/layout.ts'
import { freeRecord, type RecordKind, takeRecord } from '../memory/slab.ts'
import { clearFlag } from '../socket/record.ts'
import { startClock } from './clock.ts'
import {
  CLOCK_REST,
  CWND,
  FLAG_PARTIAL_ACK,
  FLAG_RECOVERING,
  FLAG_RETRANSMIT,
  FLAG_TAIL_PROBE,
  FLAG_TIMING,
  FLIGHT,
  MSS,
  RTO,
  SEND_QUEUED,
  SND_UNA,
  type Tcb,
} from './tcb.ts'

declare const flightBrand: unique symbol
/** The address of a flight record. */
export type Flight = number & { readonly [flightBrand]: true }

/** A page at or before SND.NXT, so that finding it takes no walk. */
export const SEND_CURSOR = 0
/** RFC 6582's `recover`, RFC 6675's RecoveryPoint. */
export const RECOVER = 4
/** The segment that is being timed: the sequence number behind it, and when it left (µs). */
export const RTT_SEQ = 8
export const RTT_AT = 12

/** The scoreboard (scoreboard.ts), bytes in flight: that the peer has, that are lost, that were sent again. */
export const SACKED = 16
export const LOST = 20
export const AGAIN = 24
/** RFC 6675, 2: RescueRxt, and the highest number that any SACK has covered. */
export const RESCUE_RXT = 28
export const HIGH_SACKED = 32
/** Bits; see sack.ts and rack.ts. */
export const SACK_NEWS = 36
export const RACK_STATE = 37

/** RFC 8985, 5.2: RACK.xmit_ts, RACK.end_seq, RACK.rtt, RACK.fack, RACK.min_RTT and since when; times in µs. */
export const RACK_SENT_AT = 40
export const RACK_END = 44
export const RACK_RTT = 48
export const RACK_FACK = 52
export const MIN_RTT = 56
export const MIN_RTT_AT = 60
/** RACK.dsack_round, RACK.reo_wnd_mult, RACK.reo_wnd_persist, TLP.end_seq. */
export const DSACK_ROUND = 64
export const REO_MULT = 38
export const REO_PERSIST = 39
export const PROBE_END = 68

/** RFC 9438, 4.1: W_max, cwnd_prior, K (ms), W_est; 0 while no epoch has begun. Its age, and when that was taken (ms). */
export const W_MAX = 72
export const CWND_PRIOR = 76
export const EPOCH_K = 80
export const W_EST = 84
export const EPOCH_MS = 88
export const EPOCH_AT = 92
/** RFC 3168, 6.1.2: what was in flight when the window was last reduced ends here. */
export const REDUCED_AT = 96

export const FLIGHT_KIND: RecordKind = { pool: POOL_FLIGHTS, size: 100, urgent: true }

/** The connection's record; 0 while nothing is under way. */
export const flightOf = (m: Arena, t: Tcb): Flight => m.get32(t + FLIGHT) as Flight

/** Something is about to leave: whether the connection has its record now. False: memory is full. */
export function takeFlight(s: Core, t: Tcb): boolean {
  const { m } = s
  const f = takeRecord(m, FLIGHT_KIND)
  if (f === 0) return false
  m.put32(t + FLIGHT, f)
  // Nothing that was lost before matters any more.
  const una = m.get32(t + SND_UNA)
  m.put32(f + RECOVER, una - 1)
  if (s.features.sack === undefined) return true
  m.put32(f + RESCUE_RXT, una)
  m.put32(f + REDUCED_AT, una)
  m.put32(f + HIGH_SACKED, una)
  m.put32(f + RACK_FACK, una)
  return true
}

/** Gives the record back, if the connection has one, and ends what was timed or recovered in it. */
export function releaseFlight(m: Arena, t: Tcb): void {
  const f = flightOf(m, t)
  if (f === 0) return
  clearFlag(m, t, FLAG_TIMING | FLAG_RECOVERING | FLAG_PARTIAL_ACK | FLAG_RETRANSMIT | FLAG_TAIL_PROBE)
  m.put32(t + FLIGHT, 0)
  freeRecord(m, FLIGHT_KIND, f)
}

/** All is acknowledged: if it stays so for an RTO, the connection is idle. */
export const rest = (s: Core, t: Tcb): void => startClock(s, t, CLOCK_REST, s.m.get16(t + RTO))

/**
 * Nothing was sent for an RTO. RFC 5681, 4.1: the window says nothing of the path any more; it begins again with the
 * restart window, min (IW, cwnd).
 */
export function becomeIdle(m: Arena, t: Tcb): void {
  if (m.get32(t + SEND_QUEUED) > 0) return
  m.put32(t + CWND, Math.min(initialWindow(m.get16(t + MSS)), m.get32(t + CWND)))
  releaseFlight(m, t)
}

/** RFC 6928, 2: min (10*MSS, max (2*MSS, 14600)). */
export const initialWindow = (mss: number): number => Math.min(10 * mss, Math.max(2 * mss, 14600))
