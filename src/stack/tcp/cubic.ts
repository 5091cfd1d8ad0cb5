/**
 * CUBIC, RFC 9438, in integers: after a loss the window returns to where it was along a cubic curve of the time since, slowly
 * near that point and fast away from it, so that its growth does not depend on the round trip. Below what Reno would reach
 * it follows Reno.
 *
 *     W_cubic (t) = C * (t - K)^3 + W_max,   K = cbrt ((W_max - cwnd_epoch) / C),   C = 0.4
 *
 * Windows are in bytes, times in milliseconds; products stay below 2^53. What it knows stands in the flight record: a
 * connection that was idle forgets it, and begins a new epoch as one that never lost anything.
 */
import type { Core } from '../core.ts'
import { NOW_MS } from '../memory/layout.ts'
import { changeFlag, hasFlag } from '../socket/record.ts'
import type { Congestion } from './congestion.ts'
import { CWND_PRIOR, EPOCH_AT, EPOCH_K, EPOCH_MS, type Flight, flightOf, W_EST, W_MAX } from './flight.ts'
import { CWND_MAX, reno } from './reno.ts'
import { CWND, FLAG_RENO, MSS, RETRIES, RTO, SRTT, SSTHRESH, type Tcb } from './tcb.ts'

/** Option.Congestion's value for it; 0 is NewReno. */
const CUBIC = 1
/** W_EST is kept in 64ths of a byte: what an ACK adds to it is little. */
const EST_SHIFT = 6
/** (t - K) is cut to this, 160 s: its cube is exact, and the window is cut to 1.5 times cwnd long before. */
const SPAN_MAX = 160_000

/** The integer part of the cube root, 0 … 2^51. */
export function cubeRoot(n: number): number {
  let root = 0
  for (let bit = 1 << 17; bit >= 1; bit /= 2) {
    const trial = root + bit
    if (trial * trial * trial <= n) root = trial
  }
  return root
}

/** 4.2, figure 2: K in milliseconds, from windows in bytes. (W / mss / 0.4) s^3 are W * 2.5e9 / mss ms^3. */
export const timeToReturn = (max: number, cwnd: number, mss: number): number =>
  max <= cwnd ? 0 : cubeRoot(Math.floor(((max - cwnd) * 2_500_000_000) / mss))

/** 4.2, figure 1: W_cubic at `ms` of the epoch, in bytes. C * t^3 segments are 4 * t^3 / 10^7 thousandths of one, t in ms. */
export function cubicWindow(ms: number, k: number, max: number, mss: number): number {
  const span = Math.max(-SPAN_MAX, Math.min(SPAN_MAX, ms - k))
  const thousandths = Math.trunc((span * span * span) / 2_500_000)
  return max + Math.trunc((thousandths * mss) / 1000)
}

/** The feature TCP_CUBIC, RFC 9438. */
export const cubic: Congestion = {
  acked(s, t, bytes) {
    const { m } = s
    const cwnd = m.get32(t + CWND)
    const f = flightOf(m, t)
    if (f === 0 || cwnd < m.get32(t + SSTHRESH) || hasFlag(m, t, FLAG_RENO)) return reno.acked(s, t, bytes)
    if (m.get32(f + W_EST) === 0) beginEpoch(s, t, f)
    const mss = m.get16(t + MSS)
    const elapsed = passTime(s, t, f)
    const est = renoEstimate(s, t, f, bytes)
    const [k, max] = [m.get32(f + EPOCH_K), m.get32(f + W_MAX)]
    let grown = est
    // 4.3: where Reno's window is the larger one, it is taken; 4.4 and 4.5: else (target - cwnd) / cwnd for each segment.
    if (cubicWindow(elapsed, k, max, mss) >= est) {
      const next = cubicWindow(elapsed + Math.floor(m.get32(t + SRTT) / 8000), k, max, mss)
      const target = Math.max(cwnd, Math.min(next, cwnd + (cwnd >> 1)))
      grown = cwnd + Math.floor(((target - cwnd) * bytes) / cwnd)
    }
    m.put32(t + CWND, Math.min(Math.max(cwnd, grown), CWND_MAX))
  },

  threshold(s, t, flight) {
    const { m } = s
    const f = flightOf(m, t)
    if (hasFlag(m, t, FLAG_RENO)) return reno.threshold(s, t, flight)
    if (f !== 0) {
      const cwnd = m.get32(t + CWND)
      // 4.7: fast convergence: who reaches less than last time leaves room: cwnd * (1 + beta) / 2.
      const max = cwnd < m.get32(f + W_MAX) ? Math.floor((cwnd * 17) / 20) : cwnd
      // 4.8: behind a timeout K is 0, and W_max the window at which congestion avoidance begins.
      m.put32(f + W_MAX, m.get8(t + RETRIES) > 0 ? 0 : max)
      m.put32(f + CWND_PRIOR, cwnd)
      m.put32(f + W_EST, 0)
    }
    // 4.6: beta is 0.7.
    return Math.max(Math.floor((flight * 7) / 10), 2 * m.get16(t + MSS))
  },

  choose: (s, t, number) => changeFlag(s.m, t, FLAG_RENO, CUBIC - number),
}

/** A stage of congestion avoidance begins; the first one, without a loss before it, at W_max (4.10). */
function beginEpoch(s: Core, t: Tcb, f: Flight): void {
  const { m } = s
  const cwnd = m.get32(t + CWND)
  const max = Math.max(cwnd, m.get32(f + W_MAX))
  m.put32(f + W_MAX, max)
  m.put32(f + EPOCH_K, timeToReturn(max, cwnd, m.get16(t + MSS)))
  m.put32(f + EPOCH_MS, 0)
  m.put32(f + EPOCH_AT, m.get32(NOW_MS))
  m.put32(f + W_EST, cwnd << EST_SHIFT)
}

/**
 * 4.2: "The elapsed time t MUST NOT include periods during which cwnd has not been updated due to application-limited
 * behavior": between two ACKs that find the window used, at most an RTO counts.
 */
function passTime(s: Core, t: Tcb, f: Flight): number {
  const { m } = s
  const now = m.get32(NOW_MS)
  const since = Math.max(0, (now - m.get32(f + EPOCH_AT)) | 0)
  const elapsed = m.get32(f + EPOCH_MS) + Math.min(since, m.get16(t + RTO))
  m.put32(f + EPOCH_AT, now)
  m.put32(f + EPOCH_MS, elapsed)
  return elapsed
}

/** 4.3, figure 4: alpha is 3 * 0.3 / 1.7 = 9/17 segments a round trip, one from cwnd_prior on. */
function renoEstimate(s: Core, t: Tcb, f: Flight, bytes: number): number {
  const { m } = s
  const before = m.get32(f + W_EST)
  const whole = m.get32(f + CWND_PRIOR) << EST_SHIFT <= before
  const share = (bytes * m.get16(t + MSS) * (whole ? 17 : 9) * (1 << EST_SHIFT)) / (17 * m.get32(t + CWND))
  const est = Math.min(before + Math.floor(share), CWND_MAX << EST_SHIFT)
  m.put32(f + W_EST, est)
  return est >> EST_SHIFT
}
