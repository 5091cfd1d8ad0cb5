/**
 * SEGMENT ARRIVES, RFC 9293, 3.10.7: the steps in the order in which the RFC gives them.
 */

import { type Core, count, dropped, KIND_CONNECTION } from '../core.ts'
import { Drop } from '../drop.ts'
import { ECONNREFUSED, ECONNRESET } from '../errno.ts'
import { type Address, type Arena, PAGE } from '../memory/arena.ts'
import { INPUT_PAGE } from '../memory/layout.ts'
import { tcpEstabResets, tcpInSegs } from '../mib.ts'
import { FLAG_ORPHAN, hasFlag, LOCAL_ADDRESS, setFlag } from '../socket/record.ts'
import { findSocket, raise, sameSocket } from '../socket/socket.ts'
import { Event } from '../stack.ts'
import { ACK, FIN, RST, SYN, URG } from '../wire/tcp.ts'
import { ackIsAcceptable, acknowledge } from './ack.ts'
import { challenge, refute } from './challenge.ts'
import { finWait2, startClock } from './clock.ts'
import { endConnection } from './connection.ts'
import { noteLastWords } from './last-words.ts'
import { handshakeDone, listenInput, PROMISED } from './listen.ts'
import { oweAck, oweDuplicateAck } from './output.ts'
import { receiveText } from './receive.ts'
import { refuseSegment } from './reset.ts'
import { readSegment, segmentLength } from './segment.ts'
import { seqGe, seqLe, seqLt } from './seq.ts'
import { synSentInput } from './syn-sent.ts'
import {
  CLOCK_FIN_WAIT_2,
  CLOSE_WAIT,
  CLOSING,
  ESTABLISHED,
  enterState,
  FIN_WAIT_1,
  FIN_WAIT_2,
  FLAG_FIN_RECEIVED,
  FLAG_FIN_SENT,
  FLAG_PASSIVE,
  LAST_ACK,
  LISTEN,
  RCV_NXT,
  SEND_QUEUED,
  SND_MAX,
  SND_SCALE,
  SND_UNA,
  SYN_RECEIVED,
  SYN_SENT,
  stateOf,
  type Tcb,
  TIME_WAIT,
} from './tcb.ts'
import { enterTimeWait, maySucceed, restartTimeWait } from './time-wait.ts'
import { offeredWindow } from './window.ts'

/** `length` bytes of TCP at `at`; see readSegment. */
export function tcpInput(
  s: Core,
  source: number,
  destination: number,
  at: Address,
  length: number,
  pseudo: number,
): Drop {
  const fault = readSegment(s, source, destination, at, length, pseudo)
  if (fault !== Drop.None) return fault
  count(s, tcpInSegs)
  // What is not in the input page came in a large frame.
  return s.features.offload !== undefined && (at - s.m.get32(INPUT_PAGE)) >>> 0 >= PAGE
    ? s.features.offload.takePieces(s)
    : takeSegment(s)
}

/** The segment in `s.segment`, checked: to its connection, or to who listens. */
export function takeSegment(s: Core): Drop {
  const { m, segment: g } = s
  const t = receiverOf(s, g.source, g.sourcePort)
  if (t !== 0 && !maySucceed(s, t)) {
    return stateOf(m, t) === SYN_SENT ? synSentInput(s, t) : segmentArrives(s, t)
  }
  const listener = receiverOf(s, 0, 0)
  if (listener !== 0 && stateOf(m, listener) === LISTEN) {
    const child = s.features.synCookies?.redeem(s, listener) ?? 0
    // RFC 4987, 3.6: the peer is connected, and will send again what has not come. A reset (3.10.7.2) would end that.
    if (child === PROMISED) return dropped(s, Drop.OutsideWindow)
    return child !== 0 ? segmentArrives(s, child as Tcb) : listenInput(s, listener, t)
  }
  // 3.10.7.1: all data is discarded; anything but a reset is answered with one.
  refuseSegment(s)
  return dropped(
    s,
    (g.flags & RST) !== 0 ? Drop.BadReset : (g.flags & SYN) !== 0 ? Drop.NoPort : Drop.NoConnection,
  )
}

/** The connection with these remote numbers, or who listens, at the address of ours that the segment is for; 0: nobody. */
function receiverOf({ m, segment: g }: Core, remoteAddress: number, remotePort: number): Tcb {
  let t = findSocket(m, KIND_CONNECTION, g.destinationPort, remoteAddress, remotePort)
  // A peer may speak from one port to two addresses of ours.
  for (let local = 0; t !== 0; t = sameSocket(m, t)) {
    local = m.get32(t + LOCAL_ADDRESS)
    if (local === 0 || local === g.destination) break
  }
  return t as Tcb
}

/** 3.10.7.4: all states but LISTEN and SYN-SENT. */
function segmentArrives(s: Core, t: Tcb): Drop {
  const { m, segment: g } = s
  // RFC 7323, 2.2: the window of every segment but a SYN is scaled.
  if ((g.flags & SYN) === 0) g.window <<= m.get8(t + SND_SCALE)
  const old = s.features.timestamps?.check(s, t) ?? Drop.None
  if (old !== Drop.None) return old
  // First: the sequence number.
  const unacceptable = checkSequence(s, t)
  if (unacceptable !== Drop.None) return unacceptable
  s.features.timestamps?.remember(s, t)
  // Second: RST. Fourth: SYN. (Third, security, is not implemented by anyone.)
  if ((g.flags & RST) !== 0) return takeReset(s, t)
  if ((g.flags & SYN) !== 0) return takeSyn(s, t)
  // Fifth: ACK.
  if ((g.flags & ACK) === 0) return dropped(s, Drop.NoAck)
  const badAck = checkAck(s, t)
  if (badAck !== Drop.None) return badAck
  s.features.settings?.heard(s, t)
  acknowledge(s, t)
  if (stateOf(m, t) === SYN_RECEIVED) handshakeDone(s, t)
  // With Fast Open it may be the ACK of the FIN as well.
  if (finAcknowledged(m, t) && !afterFinAcknowledged(s, t)) return Drop.None
  // Sixth: URG. Seventh: the text. Eighth: FIN.
  return takeText(s, t)
}

/** Table 6, and what the RFC allows beside it while the window is closed. */
function checkSequence(s: Core, t: Tcb): Drop {
  const { m, segment: g } = s
  const next = m.get32(t + RCV_NXT)
  const window = offeredWindow(m, t)
  const length = segmentLength(g)
  const edge = (next + window) | 0
  const last = (g.seq + length - 1) | 0
  if (window > 0) {
    if (seqGe(g.seq, next) && seqLt(g.seq, edge)) return Drop.None
    if (length > 0 && seqGe(last, next) && seqLt(last, edge)) return Drop.None
  } else if (g.seq === next) {
    // "If the RCV.WND is zero, ... special allowance should be made to accept valid ACKs, URGs, and RSTs": the text
    // will be cut off, with the FIN behind it (receive.ts), and the probe that this is gets its answer. A bare FIN is
    // taken: it needs no memory, and a host that has none left must be able to close.
    if (g.length > 0) oweAck(s, t)
    return Drop.None
  }
  if ((g.flags & RST) !== 0) return dropped(s, Drop.BadReset)
  // "If an incoming segment is not acceptable, an acknowledgment should be sent in reply".
  if (stateOf(m, t) === TIME_WAIT && (g.flags & FIN) !== 0) restartTimeWait(s, t)
  if (length > 0) {
    if (seqLt(last, next)) s.features.sack?.cameTwice(s, t, g.seq, g.length)
    oweAck(s, t)
  } else refute(s, t)
  return dropped(s, length > 0 && seqLt(last, next) ? Drop.Duplicate : Drop.OutsideWindow)
}

/** RFC 5961, 3.2: a reset must hit RCV.NXT exactly; one that is only in the window is challenged. */
function takeReset(s: Core, t: Tcb): Drop {
  const { m, segment: g } = s
  if (g.seq !== m.get32(t + RCV_NXT)) {
    challenge(s, t)
    return dropped(s, Drop.Challenged)
  }
  const state = stateOf(m, t)
  if (state === SYN_RECEIVED) {
    // Passive: back to LISTEN, which is the listener's state all the time; active: "connection refused".
    endConnection(s, t, ECONNREFUSED)
  } else if (state === TIME_WAIT) {
    // RFC 1337, 3 (F1): ignored. 3.10.7.4 would end the connection, but an old duplicate that we acknowledge draws a reset
    // with just this number from a peer who has closed, and TIME-WAIT would protect from nothing.
    return dropped(s, Drop.BadReset)
  } else if (state === CLOSING || state === LAST_ACK) {
    endConnection(s, t, 0)
  } else {
    count(s, tcpEstabResets)
    endConnection(s, t, ECONNRESET)
  }
  return Drop.None
}

/** RFC 5961, 4.2: a SYN in a synchronized state is challenged; in a passive SYN-RECEIVED it returns to LISTEN. */
function takeSyn(s: Core, t: Tcb): Drop {
  if (stateOf(s.m, t) === SYN_RECEIVED && hasFlag(s.m, t, FLAG_PASSIVE)) {
    endConnection(s, t, ECONNRESET)
    return Drop.None
  }
  challenge(s, t)
  return dropped(s, Drop.Challenged)
}

/** The range of the ACK. */
function checkAck(s: Core, t: Tcb): Drop {
  const { m, segment: g } = s
  if (stateOf(m, t) === SYN_RECEIVED) {
    if (!(seqLt(m.get32(t + SND_UNA), g.ack) && seqLe(g.ack, m.get32(t + SND_MAX)))) {
      refuseSegment(s)
      return dropped(s, Drop.BadAck)
    }
    return Drop.None
  }
  if (ackIsAcceptable(m, t, g.ack)) return Drop.None
  // RFC 5961, 5.2: "All incoming segments whose ACK value doesn't satisfy the above condition MUST be discarded and
  // an ACK sent back", which section 7 throttles.
  challenge(s, t)
  return dropped(s, Drop.BadAck)
}

/** Whether our FIN was sent and everything up to it is acknowledged. */
const finAcknowledged = (m: Arena, t: Tcb): boolean =>
  hasFlag(m, t, FLAG_FIN_SENT) &&
  m.get32(t + SEND_QUEUED) === 0 &&
  m.get32(t + SND_UNA) === m.get32(t + SND_MAX)

/** Our FIN is acknowledged. False: the connection is over. */
function afterFinAcknowledged(s: Core, t: Tcb): boolean {
  const { m } = s
  switch (stateOf(m, t)) {
    case FIN_WAIT_1:
      enterState(m, t, FIN_WAIT_2)
      // RFC 9293, 3.6 leaves FIN-WAIT-2 open for ever; a peer that nobody reads from any more gets a minute.
      if (hasFlag(m, t, FLAG_ORPHAN)) startClock(s, t, CLOCK_FIN_WAIT_2, finWait2(s))
      return true
    case CLOSING:
      enterTimeWait(s, t)
      return true
    case LAST_ACK:
      endConnection(s, t, 0)
      return false
    default:
      return true
  }
}

function takeText(s: Core, t: Tcb): Drop {
  const { m, segment: g } = s
  const state = stateOf(m, t)
  if (state === ESTABLISHED || state === FIN_WAIT_1 || state === FIN_WAIT_2) {
    if ((g.flags & URG) !== 0) s.features.urgent?.arrived(s, t)
    const fault = receiveText(s, t)
    if (fault !== Drop.None) return fault
    if ((g.flags & FIN) === 0) return Drop.None
    // A FIN counts once all that came before it was taken.
    if (seqGe(m.get32(t + RCV_NXT), (g.seq + g.length) | 0)) takeFin(s, t)
    else if (g.length === 0) oweDuplicateAck(s, t)
    return Drop.None
  }
  if (g.length > 0 || (g.flags & FIN) !== 0) {
    // "This should not occur since a FIN has been received from the remote side": its retransmission is acknowledged.
    oweAck(s, t)
    if (state === TIME_WAIT) restartTimeWait(s, t)
    return dropped(s, Drop.Duplicate)
  }
  return Drop.None
}

/** Eighth: RCV.NXT over the FIN, an ACK for it, and the state that it leads to. */
function takeFin(s: Core, t: Tcb): void {
  const { m } = s
  setFlag(m, t, FLAG_FIN_RECEIVED)
  m.add32(t + RCV_NXT, 1)
  oweAck(s, t)
  raise(m, t, Event.Readable)
  switch (stateOf(m, t)) {
    case ESTABLISHED:
      return enterState(m, t, CLOSE_WAIT)
    case FIN_WAIT_1:
      // "If our FIN has been ACKed" the state is FIN-WAIT-2 already.
      enterState(m, t, CLOSING)
      return noteLastWords(m, t)
    case FIN_WAIT_2:
      return enterTimeWait(s, t)
    default:
      return
  }
}
