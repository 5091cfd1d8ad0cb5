/** A segment arrives in LISTEN, RFC 9293, 3.10.7.2: the birth of a passive connection, and the end of its handshake. */
import { type Core, count, dropped } from '../core.ts'
import { Drop } from '../drop.ts'
import { ipv6For } from '../ip6/word.ts'
import { tcpPassiveOpens } from '../mib.ts'
import { TCP_SYNCOOKIES } from '../proc/sysctl.ts'
import { hasFlag, LOCAL_ADDRESS, LOCAL_PORT, REMOTE_ADDRESS, REMOTE_PORT, setFlag } from '../socket/record.ts'
import { enterTable, raise } from '../socket/socket.ts'
import { Event } from '../stack.ts'
import { ACK, RST, SYN } from '../wire/tcp.ts'
import { takeWindow } from './ack.ts'
import { endConnection, initialiseSending, joinListener, makeConnection, openWindow } from './connection.ts'
import { initialSequence } from './isn.ts'
import { effectiveMss } from './mss.ts'
import { wantSend } from './output.ts'
import { refuseSegment } from './reset.ts'
import {
  BACKLOG,
  CHILDREN,
  ESTABLISHED,
  enterState,
  FAMILY,
  FIN_WAIT_1,
  FLAG_FIN,
  FLAG_PASSIVE,
  IRS,
  RCV_EDGE,
  RCV_NXT,
  READY,
  SYN_RECEIVED,
  type Tcb,
} from './tcb.ts'
import { sequenceBeyond } from './time-wait.ts'
import { receiveWindow } from './window.ts'

/** In the place of a connection that a cookie may still bring, syn-cookies.ts. */
export const PROMISED = 1

/** `old` is in TIME-WAIT between the same ports and gives way to the SYN in `s.segment`; 0: there is none. */
export function listenInput(s: Core, listener: Tcb, old: Tcb): Drop {
  const { m, segment: g } = s
  // First: a RST is for nothing that could exist. Second: nor is an ACK; it is refused.
  if ((g.flags & RST) !== 0) return dropped(s, Drop.BadReset)
  if ((g.flags & ACK) !== 0) {
    refuseSegment(s)
    return dropped(s, Drop.NoConnection)
  }
  if ((g.flags & SYN) === 0) return dropped(s, Drop.NoConnection)
  if (m.get16(listener + CHILDREN) >= m.get16(listener + BACKLOG)) {
    // A cookie would come back to the old connection.
    const answered =
      old === 0 && s.features.procFs?.setting(s, TCP_SYNCOOKIES) !== 0
        ? s.features.synCookies?.answer(s, listener)
        : undefined
    return answered ?? dropped(s, Drop.Backlog)
  }
  let iss = initialSequence(s, g.destination, g.source, g.destinationPort, g.sourcePort)
  if (old !== 0) {
    iss = sequenceBeyond(m, old, iss)
    endConnection(s, old, 0)
  }
  const t = bear(s, listener, iss)
  if (t === 0) return dropped(s, Drop.NoMemory)
  s.features.fastOpen?.born(s, listener, t)
  wantSend(s, t)
  return Drop.None
}

/** A connection in SYN-RECEIVED from the SYN in `s.segment`, with the given ISS; 0 when memory is full. */
export function bear(s: Core, listener: Tcb, iss: number): Tcb {
  const { m, segment: g } = s
  // An IPv6 address stands in the frame until now; the connection needs it for longer.
  g.source = ipv6For(s, g.source)?.keep(s, g.source) ?? g.source
  const t = g.source === 0 ? (0 as Tcb) : makeConnection(s)
  if (t === 0) return t
  count(s, tcpPassiveOpens)
  m.put32(t + LOCAL_ADDRESS, g.destination)
  m.put16(t + LOCAL_PORT, g.destinationPort)
  m.put32(t + REMOTE_ADDRESS, g.source)
  m.put16(t + REMOTE_PORT, g.sourcePort)
  initialiseSending(m, t, iss)
  openWindow(m, t, effectiveMss(s, g.source))
  // RCV.NXT is set to SEG.SEQ+1, IRS is set to SEG.SEQ. Text in the SYN is left to come again.
  m.put32(t + IRS, g.seq)
  m.put32(t + RCV_NXT, (g.seq + 1) | 0)
  m.put32(t + RCV_EDGE, (g.seq + 1) | 0)
  m.put32(t + RCV_EDGE, (g.seq + 1 + receiveWindow(s, t)) | 0)
  takeWindow(m, s, t)
  for (const option of s.options) option.negotiate(s, t)
  s.features.ecn?.negotiate(s, t)
  setFlag(m, t, FLAG_PASSIVE)
  enterTable(m, t)
  joinListener(m, listener, t)
  enterState(m, t, SYN_RECEIVED)
  return t
}

/** The ACK of our SYN has come: ESTABLISHED, or on to FIN-WAIT-1 when the user has closed already. */
export function handshakeDone(s: Core, t: Tcb): void {
  const { m } = s
  s.features.metrics?.recall(s, t)
  enterState(m, t, hasFlag(m, t, FLAG_FIN) ? FIN_WAIT_1 : ESTABLISHED)
  raise(m, t, Event.Connected | Event.Writable)
  const early = s.features.fastOpen?.completed(s, t) ?? false
  const listener = m.get32(t + FAMILY)
  if (listener === 0 || early) return
  m.put16(listener + READY, m.get16(listener + READY) + 1)
  raise(m, listener, Event.Readable)
}
