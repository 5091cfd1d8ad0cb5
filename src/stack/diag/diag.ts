/**
 * INET_DIAG: what `ss` asks: each socket with its state, addresses, queues and, for a connection, its timer and what it
 * knows of its path. Numbers are read from the records into one that the caller has, so a walk over a host full of sockets
 * makes nothing; the words beside them stand in inspect/ss.ts.
 */
import {
  KIND_CONNECTION,
  KIND_NETLINK,
  KIND_PACKET,
  KIND_PING,
  KIND_QUESTION,
  KIND_RAW,
  KIND_UDP,
} from '../core.ts'
import { isIpv6Word } from '../ip6/word.ts'
import { type Address, type Arena, ownerOf, PAGE, PAGE_LENGTH, PAGE_NEXT, pageOf } from '../memory/arena.ts'
import { NOW_MS, PAGE_COUNT, PAGES_AT, POOL_CONNECTIONS, POOL_SOCKETS } from '../memory/layout.ts'
import { type RecordKind, recordBehind } from '../memory/slab.ts'
import { DATAGRAM_KIND, LOST, QUEUE_HEAD } from '../socket/datagrams.ts'
import { hasFlag, LOCAL_ADDRESS, LOCAL_PORT, REMOTE_ADDRESS, REMOTE_PORT } from '../socket/record.ts'
import { addressOf, handleOf, kindOf } from '../socket/socket.ts'
import { type Ipv6, Protocol, type Socket, type SocketRecord } from '../stack.ts'
import { isAtRest } from '../tcp/clock.ts'
import {
  BACKLOG,
  CHILDREN,
  CLOCK,
  CLOCK_AT,
  CLOCK_NONE,
  CONNECTION_KIND,
  CWND,
  FLAG_DEAD,
  flightSize,
  LISTEN,
  MSS,
  RECV_QUEUED,
  RETRIES,
  RTO,
  RTTVAR,
  SEND_QUEUED,
  SND_WND,
  SRTT,
  SSTHRESH,
  SSTHRESH_INITIAL,
  stateOf,
  type Tcb,
  TIME_WAIT,
} from '../tcp/tcb.ts'
import { offeredWindow } from '../tcp/window.ts'

/** The feature INET_DIAG: fills in the socket behind `after` in the arena's order; 0: it was the last. */
export type SocketDiagnosis = (m: Arena, after: number, into: SocketRecord) => Socket | 0

/** Writes every field of `into`; those that a kind of socket does not have are 0. */
export const inetDiag: SocketDiagnosis = (m, after, into) => {
  const at = nextRecord(m, addressOf(after))
  if (at === 0) return 0
  into.socket = handleOf(m, at)
  into.protocol = protocolOf(m, at)
  // Those of packet and netlink sockets are no addresses of IP, and these words hold something else.
  const isIp = kindOf(m, at) < KIND_PACKET
  into.localAddress = tellAddress(m, isIp ? m.get32(at + LOCAL_ADDRESS) : 0, into.localAddress6)
  into.localPort = isIp ? m.get16(at + LOCAL_PORT) : 0
  into.remoteAddress = tellAddress(m, isIp ? m.get32(at + REMOTE_ADDRESS) : 0, into.remoteAddress6)
  into.remotePort = isIp ? m.get16(at + REMOTE_PORT) : 0
  if (kindOf(m, at) === KIND_CONNECTION) fillConnection(m, at as Tcb, into)
  else fillDatagrams(m, at, into)
  return into.socket
}

/** An address as a record has it: it itself, or 0 and the IPv6 address that it stands for (ip6/word.ts). */
function tellAddress(m: Arena, word: number, into: Ipv6 | undefined): number {
  const is6 = isIpv6Word(word)
  if (is6) into?.set(m.window(word, 16))
  else into?.fill(0)
  return is6 ? 0 : word >>> 0
}

/** The first record of a socket behind `after`, 0 when there is none. */
function nextRecord(m: Arena, after: Address): Address {
  const first = m.get32(PAGES_AT)
  const end = first + m.get32(PAGE_COUNT) * PAGE
  for (let page = after < first ? first : pageOf(m, after); page < end; page += PAGE) {
    const kind = kindIn(m, page)
    if (kind === undefined) continue
    for (let at = recordBehind(page, kind, after); at !== 0; at = recordBehind(page, kind, at))
      if (isAlive(m, at)) return at
  }
  return 0
}

/** A record in use, of a socket that is not about to be forgotten. A question (dns/) is a handle, but no socket of a protocol. */
const isAlive = (m: Arena, at: Address): boolean =>
  (kindOf(m, at) > KIND_CONNECTION && kindOf(m, at) !== KIND_QUESTION) ||
  (kindOf(m, at) === KIND_CONNECTION && !hasFlag(m, at, FLAG_DEAD))

function kindIn(m: Arena, page: Address): RecordKind | undefined {
  const owner = ownerOf(m, page)
  return owner === POOL_CONNECTIONS ? CONNECTION_KIND : owner === POOL_SOCKETS ? DATAGRAM_KIND : undefined
}

function protocolOf(m: Arena, at: Address): Protocol {
  switch (kindOf(m, at)) {
    case KIND_UDP:
      return Protocol.Udp
    case KIND_PING:
      return Protocol.Icmp
    case KIND_RAW:
      return Protocol.Raw
    case KIND_PACKET:
      return Protocol.Packet
    case KIND_NETLINK:
      return Protocol.Netlink
    default:
      return Protocol.Tcp
  }
}

function fillDatagrams(m: Arena, at: Address, into: SocketRecord): void {
  blank(into)
  for (let page = m.get32(at + QUEUE_HEAD); page !== 0; page = m.get32(page + PAGE_NEXT))
    into.receiveQueued += m.get16(page + PAGE_LENGTH)
  into.lost = m.get32(at + LOST)
}

function blank(into: SocketRecord): void {
  into.state = into.receiveQueued = into.sendQueued = into.lost = 0
  into.timer = into.timerIn = into.retransmits = 0
  into.srtt = into.rttvar = into.rto = into.mss = into.cwnd = into.inFlight = into.sndWnd = into.rcvWnd = 0
  into.ssthresh = Infinity
}

/** What a connection's, or a listener's, record says; read from outside, too (inspect/inspect.ts). */
export function fillConnection(m: Arena, t: Tcb, into: SocketRecord): void {
  blank(into)
  into.state = stateOf(m, t)
  if (into.state === LISTEN) {
    into.receiveQueued = m.get16(t + CHILDREN)
    into.sendQueued = m.get16(t + BACKLOG)
    return
  }
  into.receiveQueued = m.get32(t + RECV_QUEUED)
  into.sendQueued = m.get32(t + SEND_QUEUED)
  into.timer = isAtRest(m, t) ? CLOCK_NONE : m.get8(t + CLOCK)
  if (into.timer !== CLOCK_NONE) into.timerIn = (m.get32(t + CLOCK_AT) - m.get32(NOW_MS)) | 0
  into.retransmits = m.get8(t + RETRIES)
  into.srtt = m.get32(t + SRTT) / 8000
  into.rttvar = m.get32(t + RTTVAR) / 4000
  into.rto = m.get16(t + RTO)
  into.mss = m.get16(t + MSS)
  // In TIME-WAIT these words hold something else (tcb.ts).
  const sends = into.state !== TIME_WAIT
  into.cwnd = sends ? m.get32(t + CWND) : 0
  const ssthresh = m.get32(t + SSTHRESH)
  if (sends && ssthresh !== SSTHRESH_INITIAL) into.ssthresh = ssthresh
  into.inFlight = flightSize(m, t)
  into.sndWnd = m.get32(t + SND_WND)
  into.rcvWnd = offeredWindow(m, t)
}
