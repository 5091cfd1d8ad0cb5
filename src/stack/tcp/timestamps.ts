/**
 * TCP_TIMESTAMPS, RFC 7323, 3-5: each segment carries our clock and echoes the peer's. Two uses: segments from before
 * a wrap of the sequence numbers are recognised (PAWS, 5), and the ACK of a segment that was sent again can be timed
 * (4), which Karn's rule forbids without.
 */
import { type Core, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { NOW_MS, SECRET } from '../memory/layout.ts'
import { hasFlag, setFlag } from '../socket/record.ts'
import { ACK, OPTION_NOP, OPTION_TIMESTAMPS, RST, SYN } from '../wire/tcp.ts'
import type { TcpOption } from './options.ts'
import { oweAck } from './output.ts'
import { seqDiff, seqGe, seqLe } from './seq.ts'
import {
  CLOCK_AT,
  FLAG_TIMESTAMPS,
  LAST_ACK_SENT,
  MSS,
  RCV_NXT,
  stateOf,
  type Tcb,
  TIME_WAIT,
  TS_RECENT,
  TS_RECENT_AT,
} from './tcb.ts'
import { TIME_WAIT_MS } from './time-wait.ts'

/** What the rest of TCP asks of the timestamps, beside what an option does. */
export interface Timestamps extends TcpOption {
  /** Before the sequence number: Drop.None, or why the segment is not to be looked at (5.3, R1; 3.2). */
  check(s: Core, t: Tcb): Drop
  /** The segment was acceptable: its timestamp may be the next to be echoed (4.3). */
  remember(s: Core, t: Tcb): void
  /** RFC 6191, 2: whether a SYN may end `old`, which is in TIME-WAIT, `later` being what its number says. */
  succeeds(s: Core, old: Tcb, later: boolean): boolean
  /** Whether a connection of our own may. */
  mayReuse(s: Core, old: Tcb): boolean
  /** Milliseconds that the acknowledged segment was under way; -1 when the segment does not say. */
  elapsed(s: Core, t: Tcb): number
}

const LENGTH = 10
/** With two NOPs before it: aligned, as appendix A recommends. */
export const TIMESTAMPS_SPACE = 12
/** 5.5: a TS.Recent older than 24 days says nothing. Its age is kept in steps of 2^16 ms. */
const AGE_SHIFT = 16
const AGE_MAX = (24 * 86_400_000) >> AGE_SHIFT

/** How long a connection must have waited before its ports serve a new one of our own: Linux's second. */
const REUSE_MS = 1_000

/** 5.4: milliseconds, from an offset that nobody outside knows, so that it tells nothing of how long the host is up. */
export const ourClock = (m: Arena): number => (m.get32(NOW_MS) + m.get32(SECRET + 4)) | 0

const steps = (m: Arena): number => (m.get32(NOW_MS) >>> AGE_SHIFT) & 0xffff

function take(m: Arena, t: Tcb, value: number): void {
  m.put32(t + TS_RECENT, value)
  m.put16(t + TS_RECENT_AT, steps(m))
}

const isOutdated = (m: Arena, t: Tcb): boolean => ((steps(m) - m.get16(t + TS_RECENT_AT)) & 0xffff) > AGE_MAX

/** The feature TCP_TIMESTAMPS, RFC 7323, 3 … 5. */
export const timestamps: Timestamps = {
  kind: OPTION_TIMESTAMPS,

  read(s, at, length) {
    if (length !== LENGTH) return false
    s.segment.stamped = true
    s.segment.tsval = s.m.view.getInt32(at + 2)
    s.segment.tsecr = s.m.view.getInt32(at + 6)
    return true
  },

  negotiate(s, t) {
    const { m, segment: g } = s
    if (!g.stamped) return
    setFlag(m, t, FLAG_TIMESTAMPS)
    take(m, t, g.tsval)
    m.put32(t + LAST_ACK_SENT, m.get32(t + RCV_NXT))
    // RFC 9293, 3.7.1: Eff.snd.MSS is less by the options that each segment carries.
    m.put16(t + MSS, m.get16(t + MSS) - TIMESTAMPS_SPACE)
  },

  size: (s, t, flags) =>
    (flags & (SYN | ACK)) === SYN || hasFlag(s.m, t, FLAG_TIMESTAMPS) ? TIMESTAMPS_SPACE : 0,

  write(s, t, flags, at: Address) {
    const { m } = s
    m.put16(at, (OPTION_NOP << 8) | OPTION_NOP)
    m.put8(at + 2, OPTION_TIMESTAMPS)
    m.put8(at + 3, LENGTH)
    m.view.setInt32(at + 4, ourClock(m))
    m.view.setInt32(at + 8, (flags & ACK) === 0 ? 0 : m.get32(t + TS_RECENT))
  },

  check(s, t) {
    const { m, segment: g } = s
    if (!hasFlag(m, t, FLAG_TIMESTAMPS) || (g.flags & RST) !== 0) return Drop.None
    // 3.2: "If a non-<RST> segment is received without a TSopt, a TCP SHOULD silently drop the segment". But RFC 5961, 4.2 MUST
    // answer a SYN: so a peer who has begun anew, and now offers none, learns that we hold the old connection.
    if (!g.stamped) return (g.flags & SYN) !== 0 ? Drop.None : dropped(s, Drop.NoTimestamp)
    if (seqDiff(g.tsval, m.get32(t + TS_RECENT)) >= 0) return Drop.None
    if (isOutdated(m, t)) return Drop.None
    // 5.3, R1: "Send an acknowledgment in reply ... and drop the segment".
    oweAck(s, t)
    return dropped(s, Drop.OldTimestamp)
  },

  remember(s, t) {
    const { m, segment: g } = s
    if (!g.stamped || !hasFlag(m, t, FLAG_TIMESTAMPS)) return
    // 4.3 (2): "SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent"; 5.5: an outdated TS.Recent gives way to any.
    const newer = seqGe(g.tsval, m.get32(t + TS_RECENT)) || isOutdated(m, t)
    if (newer && seqLe(g.seq, m.get32(t + LAST_ACK_SENT))) take(m, t, g.tsval)
  },

  succeeds(s, old, later) {
    const { m, segment: g } = s
    if (!g.stamped) return later
    if (!hasFlag(m, old, FLAG_TIMESTAMPS)) return true
    const ahead = seqDiff(g.tsval, m.get32(old + TS_RECENT))
    return ahead > 0 || (ahead === 0 && later)
  },

  // RFC 6191, 3: the new connection's timestamps and numbers lie beyond the old one's, and both are our own.
  mayReuse(s, old) {
    const { m } = s
    const left = (m.get32(old + CLOCK_AT) - m.get32(NOW_MS)) | 0
    return (
      stateOf(m, old) === TIME_WAIT && hasFlag(m, old, FLAG_TIMESTAMPS) && TIME_WAIT_MS - left >= REUSE_MS
    )
  },

  elapsed(s, t) {
    const { m, segment: g } = s
    // 3.2: TSecr is valid when the ACK bit is set; zero echoes nothing that we ever sent but once in 49 days.
    if (!g.stamped || g.tsecr === 0 || !hasFlag(m, t, FLAG_TIMESTAMPS)) return -1
    const ms = seqDiff(ourClock(m), g.tsecr)
    return ms >= 0 && ms < 0x100000 ? ms : -1
  },
}
