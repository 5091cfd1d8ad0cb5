/** The user's calls, RFC 9293, 3.10.1-3.10.5, on connections and listeners. */
import { type Core, count, KIND_CONNECTION } from '../core.ts'
import {
  EAGAIN,
  ECONNABORTED,
  ECONNRESET,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOBUFS,
  ENOPROTOOPT,
  ENOTCONN,
  EPIPE,
  type Errno,
  isErrno,
} from '../errno.ts'
import { isBroadcast, isOurs, sourceFor } from '../ip/local.ts'
import { nextHop } from '../ip/route.ts'
import { ipv6For } from '../ip6/word.ts'
import { type Arena, freePage, PAGE_LENGTH, PAGE_NEXT, PAGE_OFFSET } from '../memory/arena.ts'
import { dropFirst } from '../memory/fifo.ts'
import { tcpActiveOpens } from '../mib.ts'
import {
  changeFlag,
  ERROR,
  FLAG_ORPHAN,
  hasFlag,
  LOCAL_ADDRESS,
  LOCAL_PORT,
  REMOTE_ADDRESS,
  REMOTE_PORT,
  setFlag,
} from '../socket/record.ts'
import { choosePort, enterTable, findSocket } from '../socket/socket.ts'
import { Option } from '../stack.ts'
import { isMulticast } from '../wire/ipv4.ts'
import { finWait2, startClock } from './clock.ts'
import { bury, endConnection, initialiseSending, isReady, leaveListener } from './connection.ts'
import { initialSequence } from './isn.ts'
import { noteLastWords } from './last-words.ts'
import { oweAck, wantSend } from './output.ts'
import { queueText } from './queue-text.ts'
import { resetConnection } from './reset.ts'
import {
  BACKLOG,
  CHILDREN,
  CLOCK_FIN_WAIT_2,
  CLOSE_WAIT,
  CLOSED,
  ESTABLISHED,
  enterState,
  FAMILY,
  FIN_WAIT_1,
  FIN_WAIT_2,
  FLAG_FAST_OPEN,
  FLAG_FIN,
  FLAG_FIN_RECEIVED,
  FLAG_NO_DELAY,
  LAST_ACK,
  LISTEN,
  MSS,
  RECV_HEAD,
  RECV_QUEUED,
  SEND_QUEUED,
  SIBLING,
  SYN_RECEIVED,
  SYN_SENT,
  stateOf,
  type Tcb,
  TIME_WAIT,
} from './tcb.ts'
import { sequenceBeyond } from './time-wait.ts'
import { bufferShare, offeredWindow, receiveWindow } from './window.ts'

/** 3.10.1, passive OPEN. */
export function listenTcp(s: Core, t: Tcb, backlog: number): 0 | Errno {
  const { m } = s
  if (stateOf(m, t) !== CLOSED || wasConnected(m, t) || !(backlog >= 1 && backlog <= 0xffff)) return EINVAL
  // An unbound socket gets an ephemeral port.
  const port = choosePort(s, KIND_CONNECTION, m.get16(t + LOCAL_PORT), 0, 0)
  if (isErrno(port)) return port
  m.put16(t + LOCAL_PORT, port)
  m.put16(t + BACKLOG, backlog)
  enterTable(m, t)
  enterState(m, t, LISTEN)
  return 0
}

/** The oldest child whose handshake is done. */
export function acceptTcp(s: Core, listener: Tcb): Tcb | Errno {
  const { m } = s
  if (stateOf(m, listener) !== LISTEN) return EINVAL
  let child = m.get32(listener + FAMILY) as Tcb
  while (child !== 0 && !isReady(m, child)) child = m.get32(child + SIBLING) as Tcb
  if (child === 0) return EAGAIN
  leaveListener(m, child)
  s.features.pathMtu?.begin(s, child)
  return child
}

/** A socket is good for one connection; its record keeps what the last one left. */
const wasConnected = (m: Arena, t: Tcb): boolean => m.get16(t + REMOTE_PORT) !== 0

/** Our address, for a connection to `address`: `bound` if that is not 0; 0 when there is no way to it. */
function sourceTo(s: Core, address: number, bound: number): number {
  const none =
    isBroadcast(s.m, address) || isMulticast(address) || isOurs(s.m, address) || nextHop(s, address) === 0
  // What is bound to an IPv6 address speaks to no IPv4 one.
  return none || ipv6For(s, bound) !== undefined ? 0 : bound || sourceFor(s, address)
}

/** 3.10.1, active OPEN. */
export function connectTcp(s: Core, t: Tcb, address: number, port: number): 0 | Errno {
  const { m } = s
  const state = stateOf(m, t)
  if (state === LISTEN || !(Number.isInteger(port) && port > 0 && port <= 0xffff)) return EINVAL
  if (state !== CLOSED || wasConnected(m, t)) return EISCONN
  const ipv6 = ipv6For(s, address)
  const own = m.get32(t + LOCAL_ADDRESS)
  const local = ipv6?.sourceFor(s, address, own) ?? sourceTo(s, address, own)
  if (local === 0) return ENETUNREACH
  const bound = m.get16(t + LOCAL_PORT)
  const old = bound === 0 ? 0 : (findSocket(m, KIND_CONNECTION, bound, address, port) as Tcb)
  const reused = s.features.timestamps !== undefined && old !== 0 && s.features.timestamps.mayReuse(s, old)
  const localPort = reused ? bound : choosePort(s, KIND_CONNECTION, bound, address, port)
  if (isErrno(localPort)) return localPort
  let iss = initialSequence(s, local, address, localPort, port)
  if (reused) {
    iss = sequenceBeyond(m, old as Tcb, iss)
    endConnection(s, old as Tcb, 0)
  }
  m.put32(t + LOCAL_ADDRESS, local)
  m.put16(t + LOCAL_PORT, localPort)
  m.put32(t + REMOTE_ADDRESS, address)
  m.put16(t + REMOTE_PORT, port)
  initialiseSending(m, t, iss)
  enterTable(m, t)
  count(s, tcpActiveOpens)
  enterState(m, t, SYN_SENT)
  s.features.settings?.waiting(s, t)
  wantSend(s, t)
  return 0
}

/** 3.10.2, SEND: copies as much as there is room for. */
export function sendTcp(s: Core, t: Tcb, data: Uint8Array): number | Errno {
  const { m } = s
  const state = stateOf(m, t)
  if (hasFlag(m, t, FLAG_FIN)) return EPIPE
  const early = state === SYN_RECEIVED && hasFlag(m, t, FLAG_FAST_OPEN)
  if (state !== ESTABLISHED && state !== CLOSE_WAIT && !early)
    return state === SYN_SENT || state === SYN_RECEIVED ? EAGAIN : closedError(m, t)
  const waited = m.get32(t + SEND_QUEUED)
  const room = bufferShare(m) - waited
  if (room <= 0) return EAGAIN
  const taken = queueText(s, t, data, Math.min(room, data.length))
  if (taken === 0 && data.length > 0) return ENOBUFS
  if (waited === 0) s.features.settings?.waiting(s, t)
  wantSend(s, t)
  return taken
}

/** 3.10.3, RECEIVE: copies what can be read; 0 once the peer's FIN is reached. */
export function recvTcp(s: Core, t: Tcb, into: Uint8Array): number | Errno {
  const { m } = s
  const before = offeredWindow(m, t)
  let done = 0
  for (let page = m.get32(t + RECV_HEAD); page !== 0 && done < into.length; page = m.get32(t + RECV_HEAD)) {
    const length = m.get16(page + PAGE_LENGTH)
    const at = m.get16(page + PAGE_OFFSET)
    const piece = Math.min(length, into.length - done)
    into.set(m.window(page + at, piece), done)
    done += piece
    if (piece < length) {
      m.put16(page + PAGE_OFFSET, at + piece)
      m.put16(page + PAGE_LENGTH, length - piece)
      break
    }
    dropFirst(m, t + RECV_HEAD, PAGE_NEXT)
    freePage(m, page)
  }
  if (done === 0) return hasFlag(m, t, FLAG_FIN_RECEIVED) || into.length === 0 ? 0 : nothingToRead(m, t)
  m.add32(t + RECV_QUEUED, -done)
  s.features.urgent?.left(s, t)
  updatePeer(s, t, before)
  return done
}

/** 3.8.6.2.2: the window is told anew when it has grown by two segments or half of the buffer, or is no longer closed. */
function updatePeer(s: Core, t: Tcb, before: number): void {
  const { m } = s
  const state = stateOf(m, t)
  if (state !== ESTABLISHED && state !== FIN_WAIT_1 && state !== FIN_WAIT_2) return
  const enough = before === 0 ? 1 : Math.min(2 * m.get16(t + MSS), bufferShare(m) >> 1)
  if (receiveWindow(s, t) - before >= enough) oweAck(s, t)
}

const nothingToRead = (m: Arena, t: Tcb): Errno => {
  const state = stateOf(m, t)
  return state === CLOSED || state === LISTEN ? closedError(m, t) : EAGAIN
}

/** The error that ended the connection, or that there is none. */
const closedError = (m: Arena, t: Tcb): Errno => {
  const error = m.get8(t + ERROR)
  return error === 0 ? ENOTCONN : (-error as Errno)
}

/** Sets an option of a connection; one that listens hands none down. */
export function setTcpOption(s: Core, t: Tcb, option: Option, value: number): 0 | Errno {
  if (option === Option.FastOpen) return s.features.fastOpen?.setQueue(s, t, value) ?? ENOPROTOOPT
  if (option === Option.Congestion && s.features.congestion.choose !== undefined)
    return s.features.congestion.choose(s, t, value)
  if (option !== Option.NoDelay) return s.features.settings?.set(s, t, option, value) ?? ENOPROTOOPT
  const error = changeFlag(s.m, t, FLAG_NO_DELAY, value)
  if (error !== 0) return error
  // What Nagle's algorithm held back may go now.
  if (stateOf(s.m, t) >= ESTABLISHED) wantSend(s, t)
  return 0
}

/** 3.10.4, CLOSE of the sending side: FIN follows the text. */
export function shutdownTcp(s: Core, t: Tcb): 0 | Errno {
  const { m } = s
  if (hasFlag(m, t, FLAG_FIN)) return 0
  switch (stateOf(m, t)) {
    case SYN_RECEIVED:
      setFlag(m, t, FLAG_FIN)
      return 0
    case ESTABLISHED:
      enterState(m, t, FIN_WAIT_1)
      break
    case CLOSE_WAIT:
      enterState(m, t, LAST_ACK)
      break
    default:
      return ENOTCONN
  }
  setFlag(m, t, FLAG_FIN)
  if (m.get32(t + SEND_QUEUED) === 0) s.features.settings?.waiting(s, t)
  wantSend(s, t)
  return 0
}

/** The handle is given back: the connection closes in order, or is reset when data would be lost (3.6.1, SHLD-3). */
export function closeTcp(s: Core, t: Tcb): void {
  const { m } = s
  const state = stateOf(m, t)
  if (state === LISTEN) return closeListener(s, t)
  if (s.features.settings?.closing(s, t) === true) return abortTcp(s, t)
  setFlag(m, t, FLAG_ORPHAN)
  if (m.get32(t + RECV_QUEUED) > 0 && state !== CLOSED && state !== TIME_WAIT) {
    resetConnection(s, t)
    return endConnection(s, t, ECONNABORTED)
  }
  if (state === CLOSED) return bury(s, t)
  if (state === SYN_SENT) return endConnection(s, t, ECONNABORTED)
  shutdownTcp(s, t)
  noteLastWords(m, t)
  if (stateOf(m, t) === FIN_WAIT_2) startClock(s, t, CLOCK_FIN_WAIT_2, finWait2(s))
}

/** 3.10.5, ABORT: a reset up to CLOSE-WAIT; from CLOSING on the TCB is deleted and no more, both sides having said FIN. */
export function abortTcp(s: Core, t: Tcb): void {
  const { m } = s
  const state = stateOf(m, t)
  if (state === LISTEN) return closeListener(s, t)
  setFlag(m, t, FLAG_ORPHAN)
  if (state === CLOSED) return bury(s, t)
  if (state >= SYN_RECEIVED && state <= CLOSE_WAIT) resetConnection(s, t)
  endConnection(s, t, ECONNABORTED)
}

/** Connections that nobody accepted end with their listener. */
function closeListener(s: Core, listener: Tcb): void {
  const { m } = s
  setFlag(m, listener, FLAG_ORPHAN)
  while (m.get16(listener + CHILDREN) > 0) {
    const child = m.get32(listener + FAMILY) as Tcb
    resetConnection(s, child)
    endConnection(s, child, ECONNRESET)
  }
  endConnection(s, listener, 0)
}
