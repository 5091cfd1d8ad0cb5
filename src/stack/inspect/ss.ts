/**
 * What `ss -ano` and `ss -i` print, of one host: a line a socket. Read through the stack's face alone; nothing here is part
 * of a profile.
 */
import { formatIpv4 } from '../ip/addresses.ts'
import { type Ipv6, Protocol, type SocketRecord, type Stack } from '../stack.ts'
import { formatIpv6 } from '../wire/address6.ts'
import { blankSocket, CLOCK_NAMES, TCP_STATES, type TcpState } from './inspect.ts'

const NETIDS: Readonly<Record<Protocol, string>> = {
  [Protocol.Icmp]: 'icmp',
  [Protocol.Icmp6]: 'icmp6',
  [Protocol.Tcp]: 'tcp',
  [Protocol.Udp]: 'udp',
  [Protocol.Raw]: 'raw',
  [Protocol.Packet]: 'p_raw',
  [Protocol.Netlink]: 'nl',
}

/** As ss abbreviates them. */
const STATES: Partial<Record<TcpState, string>> = {
  CLOSED: 'UNCONN',
  ESTABLISHED: 'ESTAB',
  'SYN-RECEIVED': 'SYN-RECV',
}

const NONE = new Uint8Array(16)

const COLUMNS = ['Netid', 'State', 'Recv-Q', 'Send-Q', 'Local Address:Port', 'Peer Address:Port'] as const
const WIDTHS = [6, 12, 8, 8, 22, 22]

/** The sockets of a host as a table, one line each, the header first; in the order in which they lie in its arena. */
export function ss(stack: Stack): string {
  const lines = [lineOf(COLUMNS)]
  const record = blankSocket()
  for (let at = stack.nextSocket(0, record); at !== 0; at = stack.nextSocket(at, record))
    lines.push(describe(record))
  return lines.join('\n')
}

const lineOf = (cells: readonly (string | number)[]): string =>
  cells
    .map((cell, i) => `${String(cell).padEnd((WIDTHS[i] ?? 0) - 1)} `)
    .join('')
    .trimEnd()

function describe(r: SocketRecord): string {
  const state = r.protocol === Protocol.Tcp ? (TCP_STATES[r.state] ?? 'CLOSED') : 'CLOSED'
  const cells = [
    NETIDS[r.protocol],
    STATES[state] ?? state,
    r.receiveQueued,
    r.sendQueued,
    endpoint(r.localAddress, r.localPort, r.localAddress6),
    endpoint(r.remoteAddress, r.remotePort, r.remoteAddress6),
    ...details(r, state),
  ]
  return lineOf(cells)
}

/** An IPv6 address stands in brackets. */
function endpoint(address: number, port: number, address6: Ipv6 = NONE): string {
  const is6 = address6.some(byte => byte !== 0)
  const text = is6 ? `[${formatIpv6(address6)}]` : address === 0 ? '*' : formatIpv4(address)
  return `${text}:${port === 0 ? '*' : port}`
}

/** What stands behind the addresses: the timer as `ss -o` has it, the path as `ss -i`. */
function details(r: SocketRecord, state: TcpState): string[] {
  if (r.protocol !== Protocol.Tcp) return r.lost > 0 ? [`drops:${r.lost}`] : []
  if (state === 'LISTEN' || state === 'CLOSED') return []
  const words =
    r.timer === 0 ? [] : [`timer:(${CLOCK_NAMES[r.timer]},${Math.max(0, r.timerIn)}ms,${r.retransmits})`]
  if (state === 'TIME-WAIT') return words
  words.push(`rto:${r.rto}`)
  if (r.srtt > 0) words.push(`rtt:${r.srtt.toFixed(3)}/${r.rttvar.toFixed(3)}`)
  words.push(`mss:${r.mss}`, `cwnd:${Math.floor(r.cwnd / r.mss)}`)
  if (r.ssthresh !== Infinity) words.push(`ssthresh:${Math.floor(r.ssthresh / r.mss)}`)
  words.push(`unacked:${r.inFlight}`, `snd_wnd:${r.sndWnd}`, `rcv_wnd:${r.rcvWnd}`)
  return [words.join(' ')]
}
