/**
 * Reading a host from outside: everything the page shows of a host is read from its arena, by the record layouts
 * of src/stack and without the stack's help. A profile that lacks INET_DIAG still shows its connections here, and
 * a copied arena can be read like a core dump. Nothing here is part of a profile.
 */
import { KIND_CONNECTION, KIND_NEIGHBOUR, RECORD_KIND } from '../core.ts'
import { fillConnection } from '../diag/diag.ts'
import {
  NEIGHBOUR_ADDRESS,
  NEIGHBOUR_KIND,
  NEIGHBOUR_MAC_HIGH,
  NEIGHBOUR_MAC_LOW,
  NEIGHBOUR_STATE,
} from '../ethernet/neighbours.ts'
import { formatIpv4 } from '../ip/addresses.ts'
import { isIpv6Word } from '../ip6/word.ts'
import { Arena, ownerOf, PAGE, pageOf } from '../memory/arena.ts'
import { NOW, NOW_MS, PAGE_COUNT, PAGES_AT, POOL_CONNECTIONS, POOL_NEIGHBOURS } from '../memory/layout.ts'
import { isRecordAddress, type RecordKind, visitRecords } from '../memory/slab.ts'
import {
  FLAG_IN_TABLE,
  hasFlag,
  LOCAL_ADDRESS,
  LOCAL_PORT,
  REMOTE_ADDRESS,
  REMOTE_PORT,
} from '../socket/record.ts'
import { addressOf, handleOf } from '../socket/socket.ts'
import { Protocol, type SocketRecord } from '../stack.ts'
import { ackDueIn } from '../tcp/clock.ts'
import { heldBytes } from '../tcp/reassembly.ts'
import {
  CLOCK_NONE,
  CONNECTION_KIND,
  DUP_ACKS,
  FLAG_ACK_DELAYED,
  FLAG_RECOVERING,
  IRS,
  ISS,
  LISTEN,
  RCV_NXT,
  SND_NXT,
  SND_UNA,
  stateOf,
  type Tcb,
} from '../tcp/tcb.ts'
import { formatIpv6 } from '../wire/address6.ts'

/** RFC 9293, 3.3.2: the states by their names. */
export type TcpState =
  | 'CLOSED'
  | 'LISTEN'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'

/** One TCP connection or listener as it stands in the arena. Sequence numbers are unsigned 32-bit, windows in bytes. */
export interface ConnectionRecord {
  /** The socket's handle. */
  readonly socket: number
  readonly state: TcpState
  /** Dotted decimal, or RFC 5952's form for an IPv6 address. */
  readonly localAddress: string
  readonly localPort: number
  /** '0.0.0.0' and 0 for a listener. */
  readonly remoteAddress: string
  readonly remotePort: number
  readonly iss: number
  readonly irs: number
  readonly sndUna: number
  readonly sndNxt: number
  readonly sndWnd: number
  readonly rcvNxt: number
  readonly rcvWnd: number
  /** The largest segment we may send, bytes of data (RFC 9293, 3.7.1). */
  readonly mss: number
  readonly cwnd: number
  /** Infinity until the first loss (RFC 5681, 3.1: "arbitrarily high"). */
  readonly ssthresh: number
  /** Milliseconds; undefined before the first measurement. */
  readonly srtt: number | undefined
  readonly rttvar: number | undefined
  /** Milliseconds. */
  readonly rto: number
  /** Which of the exclusive timers runs, and when it fires on the host's clock (ms). */
  readonly timer:
    | 'none'
    | 'retransmission'
    | 'persist'
    | 'time-wait'
    | 'fin-wait-2'
    | 'reordering'
    | 'tail-loss-probe'
  readonly timerAt: number | undefined
  /** When the delayed ACK is due, if one is owed. */
  readonly delayedAckAt: number | undefined
  /** Consecutive retransmissions of the same data. */
  readonly retransmits: number
  readonly duplicateAcks: number
  /** Whether fast recovery is on (RFC 6582). */
  readonly recovering: boolean
  /** Bytes that wait to be sent or acknowledged, to be read, or to be put in order. */
  readonly sendQueued: number
  readonly receiveQueued: number
  readonly outOfOrder: number
}

/** RFC 826 neighbours. */
export interface NeighbourRecord {
  readonly address: string
  readonly mac: string
  readonly state: 'incomplete' | 'reachable' | 'stale' | 'permanent'
}

/** All states, in the order of their numbers in the arena. */
export const TCP_STATES: readonly TcpState[] = [
  'CLOSED',
  'LISTEN',
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
]
/** The clocks of a connection, in the order of their numbers in the arena. */
export const CLOCK_NAMES: readonly ConnectionRecord['timer'][] = [
  'none',
  'retransmission',
  'persist',
  'time-wait',
  'fin-wait-2',
  'none',
  'reordering',
  'tail-loss-probe',
]
const NEIGHBOUR_STATES: readonly NeighbourRecord['state'][] = [
  'incomplete',
  'reachable',
  'stale',
  'permanent',
]

/** A record to pass to Stack.nextSocket. */
export const blankSocket = (): SocketRecord => ({
  socket: 0,
  protocol: Protocol.Tcp,
  state: 0,
  localAddress: 0,
  localAddress6: new Uint8Array(16),
  localPort: 0,
  remoteAddress: 0,
  remoteAddress6: new Uint8Array(16),
  remotePort: 0,
  receiveQueued: 0,
  sendQueued: 0,
  lost: 0,
  timer: 0,
  timerIn: 0,
  retransmits: 0,
  srtt: 0,
  rttvar: 0,
  rto: 0,
  mss: 0,
  cwnd: 0,
  ssthresh: Infinity,
  inFlight: 0,
  sndWnd: 0,
  rcvWnd: 0,
})

/** All connections and listeners of a host, in the order in which they lie in its arena. */
export function inspectConnections(arena: ArrayBuffer): ConnectionRecord[] {
  const m = new Arena(arena)
  const found: ConnectionRecord[] = []
  visitSlab(m, POOL_CONNECTIONS, CONNECTION_KIND, at => {
    if (m.get8(at + RECORD_KIND) === KIND_CONNECTION && hasFlag(m, at, FLAG_IN_TABLE))
      found.push(readConnection(m, at))
  })
  return found
}

/** One connection by its handle, also one that has just ended; undefined when the handle is of no connection. */
export function inspectConnection(arena: ArrayBuffer, socket: number): ConnectionRecord | undefined {
  const m = new Arena(arena)
  const at = addressOf(socket)
  if (!pagesContain(m, at) || ownerOf(m, pageOf(m, at)) !== POOL_CONNECTIONS) return undefined
  if (!isRecordAddress(m, CONNECTION_KIND, at) || m.get8(at + RECORD_KIND) !== KIND_CONNECTION)
    return undefined
  return handleOf(m, at) === socket ? readConnection(m, at) : undefined
}

/** The neighbour table. */
export function inspectNeighbours(arena: ArrayBuffer): NeighbourRecord[] {
  const m = new Arena(arena)
  const found: NeighbourRecord[] = []
  visitSlab(m, POOL_NEIGHBOURS, NEIGHBOUR_KIND, at => {
    if (m.get8(at + RECORD_KIND) !== KIND_NEIGHBOUR || m.get32(at + NEIGHBOUR_ADDRESS) === 0) return
    found.push({
      address: formatIpv4(m.get32(at + NEIGHBOUR_ADDRESS)),
      mac: formatMac(m.get16(at + NEIGHBOUR_MAC_HIGH), m.get32(at + NEIGHBOUR_MAC_LOW)),
      state: NEIGHBOUR_STATES[m.get8(at + NEIGHBOUR_STATE)] ?? 'incomplete',
    })
  })
  return found
}

/** Visits every address of a pool's pages at which a record may stand. */
export function visitSlab(m: Arena, pool: number, kind: RecordKind, visit: (at: number) => void): void {
  const first = m.get32(PAGES_AT)
  const count = m.get32(PAGE_COUNT)
  for (let i = 0; i < count; i++) {
    const page = first + i * PAGE
    if (ownerOf(m, page) === pool) visitRecords(page, kind, visit)
  }
}

function pagesContain(m: Arena, at: number): boolean {
  const first = m.get32(PAGES_AT)
  return at >= first && at < first + m.get32(PAGE_COUNT) * PAGE
}

function readConnection(m: Arena, at: number): ConnectionRecord {
  const t = at as Tcb
  const r = blankSocket()
  fillConnection(m, t, r)
  const listens = stateOf(m, t) === LISTEN
  return {
    socket: handleOf(m, at),
    state: TCP_STATES[r.state] ?? 'CLOSED',
    localAddress: addressText(m, m.get32(t + LOCAL_ADDRESS)),
    localPort: m.get16(t + LOCAL_PORT),
    remoteAddress: addressText(m, m.get32(t + REMOTE_ADDRESS)),
    remotePort: m.get16(t + REMOTE_PORT),
    iss: m.get32(t + ISS) >>> 0,
    irs: m.get32(t + IRS) >>> 0,
    sndUna: m.get32(t + SND_UNA) >>> 0,
    sndNxt: m.get32(t + SND_NXT) >>> 0,
    sndWnd: r.sndWnd,
    rcvNxt: m.get32(t + RCV_NXT) >>> 0,
    rcvWnd: r.rcvWnd,
    mss: r.mss,
    cwnd: r.cwnd,
    ssthresh: r.ssthresh,
    srtt: r.srtt === 0 ? undefined : r.srtt,
    rttvar: r.srtt === 0 ? undefined : r.rttvar,
    rto: r.rto,
    timer: CLOCK_NAMES[r.timer] ?? 'none',
    timerAt: r.timer === CLOCK_NONE ? undefined : onHostClock(m, m.get32(NOW_MS) + r.timerIn),
    delayedAckAt: hasFlag(m, t, FLAG_ACK_DELAYED)
      ? onHostClock(m, m.get32(NOW_MS) + ackDueIn(m, t))
      : undefined,
    retransmits: r.retransmits,
    duplicateAcks: m.get8(t + DUP_ACKS),
    recovering: hasFlag(m, t, FLAG_RECOVERING),
    sendQueued: listens ? 0 : r.sendQueued,
    receiveQueued: listens ? 0 : r.receiveQueued,
    outOfOrder: heldBytes(m, t),
  }
}

/** An address as a record has it (ip6/word.ts). */
const addressText = (m: Arena, word: number): string =>
  isIpv6Word(word) ? formatIpv6(m.bytes, word) : formatIpv4(word)

/** A deadline, kept modulo 2^32, on the clock that the host was given. */
const onHostClock = (m: Arena, at: number): number =>
  Math.floor(m.view.getFloat64(NOW, true)) + ((at - m.get32(NOW_MS)) | 0)

/** 'xx:xx:xx:xx:xx:xx' from the upper 16 and the lower 32 bits. */
export function formatMac(high: number, low: number): string {
  const hex = (high * 0x100000000 + (low >>> 0)).toString(16).padStart(12, '0')
  return hex.replace(/(..)(?=.)/g, '$1:')
}
