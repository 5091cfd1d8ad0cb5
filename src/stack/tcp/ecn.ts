/**
 * TCP_ECN: RFC 3168, 6. A router that would soon have to drop a packet marks it (CE in the IP header); the receiver says so
 * in its ACKs (ECE) until the sender says that it has slowed down (CWR). Nothing has to be lost for that.
 */

import { type Core, count } from '../core.ts'
import type { Drop } from '../drop.ts'
import { tcpDatagram } from '../ip/input.ts'
import type { Address } from '../memory/arena.ts'
import { tcpEceReductions } from '../mib.ts'
import { TCP_ECN } from '../proc/sysctl.ts'
import { clearFlag, hasFlag, setFlag } from '../socket/record.ts'
import { ACK, CWR, ECE, SYN } from '../wire/tcp.ts'
import { reduceWindow } from './congestion.ts'
import { flightOf, REDUCED_AT } from './flight.ts'
import type { OutgoingSegment } from './output.ts'
import { seqLe, seqLt } from './seq.ts'
import {
  CWND,
  FLAG_CWR,
  FLAG_ECN,
  FLAG_ECN_ECHO,
  FLAG_PROBE,
  MSS,
  RETRIES,
  SND_MAX,
  SND_UNA,
  type Tcb,
} from './tcb.ts'

/** What core code asks of ECN. */
export interface Ecn {
  /** tcpDatagram, for a segment whose IP header stands at `ip`: its ECN field is looked at first. */
  input(s: Core, ip: Address, at: Address, length: number): Drop
  /** The peer's SYN is in `s.segment`. */
  negotiate(s: Core, t: Tcb): void
  /** Text inside the window has arrived. */
  received(s: Core, t: Tcb): void
  /** An acceptable ACK has arrived, before it is taken. */
  echoed(s: Core, t: Tcb): void
  /** Whether the ACK says that there is congestion: then the window does not grow. */
  holds(s: Core, t: Tcb): boolean
  /** The segment is about to leave: its flags, and the ECN field of its IP header. */
  mark(s: Core, t: Tcb, out: OutgoingSegment): void
}

/** The ECN field of IP, RFC 3168, 5: the two low bits of the second byte. */
export const ECN_FIELD = 3
const ECT_0 = 2
export const CE = 3

/**
 * The setting net.ipv4.tcp_ecn. As in Linux the default is to agree when asked, not to ask: some boxes on the way drop what
 * they do not know.
 */
const NEVER = 0
const ASKS = 1
const AGREES = 2
const wants = (s: Core): number => s.features.procFs?.setting(s, TCP_ECN) ?? AGREES

/** The feature TCP_ECN. */
export const ecn: Ecn = {
  input(s, ip, at, length) {
    s.segment.ce = (s.m.get8(ip + 1) & ECN_FIELD) === CE
    const drop = tcpDatagram(s, ip, at, length)
    s.segment.ce = false
    return drop
  },

  negotiate(s, t) {
    const { flags } = s.segment
    const both = flags & (ECE | CWR)
    // 6.1.1: an ECN-setup SYN has both flags, an ECN-setup SYN-ACK ECE alone: who reflects what it got has none. We too must
    // have sent no SYN without them, and one that is sent again has none.
    const agreed =
      (flags & ACK) === 0 ? wants(s) !== NEVER && both === (ECE | CWR) : wants(s) === ASKS && both === ECE
    if (agreed && s.m.get8(t + RETRIES) === 0) setFlag(s.m, t, FLAG_ECN)
  },

  received(s, t) {
    const { m, segment: g } = s
    if (!hasFlag(m, t, FLAG_ECN)) return
    // 6.1.3: CWR ends what came before it; the same segment may bring the next.
    if ((g.flags & CWR) !== 0) clearFlag(m, t, FLAG_ECN_ECHO)
    if (g.ce) setFlag(m, t, FLAG_ECN_ECHO)
  },

  echoed(s, t) {
    const { m, segment: g } = s
    const f = flightOf(m, t)
    if (f === 0 || !ecn.holds(s, t)) return
    // 6.1.2: "only once in response to a series of dropped and/or CE packets from a single window of data".
    const reduced = m.get32(f + REDUCED_AT)
    if (seqLt(m.get32(t + SND_UNA), reduced) || seqLe(g.ack, reduced)) return
    count(s, tcpEceReductions)
    const before = m.get32(t + CWND)
    reduceWindow(s, t)
    // "The value of the congestion window is bounded below by a value of one MSS", here alone.
    const mss = m.get16(t + MSS)
    if (before <= 2 * mss) m.put32(t + CWND, mss)
  },

  holds: (s, t) => (s.segment.flags & ECE) !== 0 && hasFlag(s.m, t, FLAG_ECN),

  mark(s, t, out) {
    const { m } = s
    if ((out.flags & SYN) !== 0) {
      // 6.1.1.1: a SYN that gets no answer is sent again without: some middle box may not like it.
      if ((out.flags & ACK) !== 0) out.flags |= hasFlag(m, t, FLAG_ECN) ? ECE : 0
      else if (m.get8(t + RETRIES) === 0 && wants(s) === ASKS) out.flags |= ECE | CWR
      return
    }
    if (!hasFlag(m, t, FLAG_ECN)) return
    if (hasFlag(m, t, FLAG_ECN_ECHO)) out.flags |= ECE
    // 6.1.4-6.1.6: new text alone: no ACK, nothing that is sent again, no probe of a window.
    if (out.length === 0 || out.seq !== m.get32(t + SND_MAX) || hasFlag(m, t, FLAG_PROBE)) return
    out.ecn = ECT_0
    if (hasFlag(m, t, FLAG_CWR)) out.flags |= CWR
  },
}
