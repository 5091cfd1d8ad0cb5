/** A segment arrives in SYN-SENT, RFC 9293, 3.10.7.3. */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { ECONNREFUSED } from '../errno.ts'
import { tcpAttemptFails } from '../mib.ts'
import { raise } from '../socket/socket.ts'
import { Event } from '../stack.ts'
import { ACK, RST, SYN } from '../wire/tcp.ts'
import { advanceUna, takeWindow } from './ack.ts'
import { startRetransmission } from './clock.ts'
import { endConnection, openWindow } from './connection.ts'
import { rest } from './flight.ts'
import { effectiveMss } from './mss.ts'
import { oweAck, wantSend } from './output.ts'
import { receiveText } from './receive.ts'
import { refuseSegment } from './reset.ts'
import { seqGt, seqLe } from './seq.ts'
import {
  ESTABLISHED,
  enterState,
  IRS,
  ISS,
  RCV_EDGE,
  RCV_NXT,
  SND_MAX,
  SND_NXT,
  SYN_RECEIVED,
  type Tcb,
} from './tcb.ts'
import { receiveWindow } from './window.ts'

/** Takes the segment in `s.segment`. Drop.None: taken; else the reason, and what section 3.10.7.3 has answered is sent. */
export function synSentInput(s: Core, t: Tcb): Drop {
  const { m, segment: g } = s
  const acks = (g.flags & ACK) !== 0
  // First: the ACK bit.
  if (acks && !(seqGt(g.ack, m.get32(t + ISS)) && seqLe(g.ack, m.get32(t + SND_MAX)))) {
    refuseSegment(s)
    return dropped(s, Drop.BadAck)
  }
  // Second: the RST bit; RFC 5961, 3.2: believed only with an acceptable ACK.
  if ((g.flags & RST) !== 0) {
    if (!acks) return dropped(s, Drop.BadReset)
    count(s, tcpAttemptFails)
    endConnection(s, t, ECONNREFUSED)
    return Drop.None
  }
  // Fourth: the SYN bit.
  if ((g.flags & SYN) === 0) return dropped(s, Drop.NoConnection)
  m.put32(t + IRS, g.seq)
  m.put32(t + RCV_NXT, (g.seq + 1) | 0)
  m.put32(t + RCV_EDGE, (g.seq + 1) | 0)
  m.put32(t + RCV_EDGE, (g.seq + 1 + receiveWindow(s, t)) | 0)
  openWindow(m, t, effectiveMss(s, g.source))
  takeWindow(m, s, t)
  for (const option of s.options) option.negotiate(s, t)
  s.features.ecn?.negotiate(s, t)
  if (!acks) {
    // Simultaneous open, 3.5: our SYN goes again, now with an ACK.
    enterState(m, t, SYN_RECEIVED)
    m.put32(t + SND_NXT, m.get32(t + ISS))
    startRetransmission(s, t)
    wantSend(s, t)
    return Drop.None
  }
  advanceUna(s, t, g.ack)
  s.features.fastOpen?.answered(s, t)
  s.features.metrics?.recall(s, t)
  rest(s, t)
  s.features.pathMtu?.begin(s, t)
  enterState(m, t, ESTABLISHED)
  s.features.settings?.heard(s, t)
  raise(m, t, Event.Connected | Event.Writable)
  oweAck(s, t)
  // The SYN's own number is behind us: its text, if any, begins at RCV.NXT.
  g.seq = (g.seq + 1) | 0
  return receiveText(s, t)
}
