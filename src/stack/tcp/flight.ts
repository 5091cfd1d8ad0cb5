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
const FLIGHT_KIND: RecordKind = { pool: POOL_FLIGHTS, size: 112, urgent: true }

/** The connection's record; 0 while nothing is under way. */
export const flightOf = (m: Arena, t: Tcb): Flight => m.get32(t + FLIGHT) as Flight

/** Something is about to leave: whether the connection has its record now. False: memory is full. */
export function takeFlight(m: Arena, t: Tcb): boolean {
  const f = takeRecord(m, FLIGHT_KIND)
  if (f === 0) return false
  m.put32(t + FLIGHT, f)
  // Nothing that was lost before matters any more.
  m.put32(f + RECOVER, m.get32(t + SND_UNA) - 1)
  return true
}

export function releaseFlight(m: Arena, t: Tcb): void {
  const f = flightOf(m, t)
  if (f === 0) return
  clearFlag(m, t, FLAG_TIMING | FLAG_RECOVERING | FLAG_PARTIAL_ACK | FLAG_RETRANSMIT)
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
