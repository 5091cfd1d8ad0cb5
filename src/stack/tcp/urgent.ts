/**
 * TCP_URGENT, RFC 9293, 3.8.5: the peer marks a place in the stream up to which the user should hurry. As RFC 6093, 6 has
 * it, what stands before the mark is read in line with all else; the user is told of the mark, and how far it is. None is
 * ever sent: new applications should not (SHLD-13).
 */
import type { Core } from '../core.ts'
import { clearFlag, hasFlag, setFlag } from '../socket/record.ts'
import { raise } from '../socket/socket.ts'
import { Event } from '../stack.ts'
import { seqDiff, seqGt } from './seq.ts'
import { FLAG_FIN_RECEIVED, FLAG_URGENT, RCV_NXT, RCV_UP, RECV_QUEUED, type Tcb } from './tcb.ts'

/** The feature TCP_URGENT as core code knows it; RFC 9293, 3.8.5. */
export interface Urgent {
  /** An acceptable segment with URG has arrived: it stands in `s.segment`. */
  arrived(s: Core, t: Tcb): void
  /** Bytes before the mark that the user has not read yet, here or still on their way; 0: there is no mark ahead. */
  left(s: Core, t: Tcb): number
}

function left({ m }: Core, t: Tcb): number {
  if (!hasFlag(m, t, FLAG_URGENT)) return 0
  const queued = m.get32(t + RECV_QUEUED)
  const isLast = hasFlag(m, t, FLAG_FIN_RECEIVED)
  const ahead = seqDiff(m.get32(t + RCV_UP), (m.get32(t + RCV_NXT) - queued - (isLast ? 1 : 0)) | 0)
  // Once passed, it is forgotten: half of the sequence space on it would seem to be ahead again.
  if (ahead <= 0) clearFlag(m, t, FLAG_URGENT)
  // "A TCP receiver should be robust to invalid urgent pointer values": nothing comes behind a FIN.
  return Math.max(0, isLast ? Math.min(ahead, queued) : ahead)
}

/** The feature TCP_URGENT. */
export const urgentData: Urgent = {
  arrived(s, t) {
    const { m, segment: g } = s
    const known = left(s, t) > 0 ? m.get32(t + RCV_UP) : (m.get32(t + RCV_NXT) - m.get32(t + RECV_QUEUED)) | 0
    // 3.10.7.4, sixth: RCV.UP <- max(RCV.UP,SEG.UP). MUST-32: the user hears of a mark where there was none, or farther on.
    if (!seqGt(g.urgent, known)) return
    m.put32(t + RCV_UP, g.urgent)
    setFlag(m, t, FLAG_URGENT)
    raise(m, t, Event.Urgent)
  },

  left,
}
