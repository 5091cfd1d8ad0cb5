/** The variables of a connection, one column a side, with sequence numbers counted from each side's first. */
import type { HostSnapshot } from '../host/protocol.ts'
import type { ConnectionRecord } from '../stack/inspect/inspect.ts'
import type { Endpoint, Flow } from './flow.ts'

/** The record of one end, if that end's host runs on this page and still has it. */
export function recordOf(
  hosts: readonly HostSnapshot[],
  local: Endpoint,
  remote: Endpoint,
): ConnectionRecord | undefined {
  return hosts
    .find(({ address }) => address === local.address)
    ?.connections.find(
      each =>
        each.localPort === local.port &&
        each.remoteAddress === remote.address &&
        each.remotePort === remote.port,
    )
}

export interface Variable {
  /** As the RFC writes it. */
  readonly name: string
  /** What it means, in a sentence. */
  readonly note: string
  readonly value: string
}

const duration = (value: number): string =>
  value < 10_000 ? `${ms(value)} ms` : `${(value / 1000).toFixed(1)} s`
/** Milliseconds, to a tenth. */
const ms = (value: number | undefined): string => (value === undefined ? '–' : `${Number(value.toFixed(1))}`)
const octets = (value: number): string => (value === Number.POSITIVE_INFINITY ? '∞' : String(value))

export function variablesOf(record: ConnectionRecord, now: number): Variable[] {
  const sent = (value: number): string => String((value - record.iss) >>> 0)
  const knowsPeer = record.state !== 'SYN-SENT' && record.state !== 'LISTEN' && record.state !== 'CLOSED'
  const timer =
    record.timerAt === undefined ? 'none' : `${record.timer} ${duration(Math.max(0, record.timerAt - now))}`
  const list: [name: string, note: string, value: string][] = [
    [
      'SND.UNA · NXT',
      'The oldest byte sent and not acknowledged; the next one to be sent.',
      `${sent(record.sndUna)} · ${sent(record.sndNxt)}`,
    ],
    ['SND.WND', 'How much the other side has room for, in bytes.', String(record.sndWnd)],
    [
      'RCV.NXT',
      'The next byte expected from the other side.',
      knowsPeer ? String((record.rcvNxt - record.irs) >>> 0) : '–',
    ],
    ['RCV.WND', 'How much this side has room for, in bytes.', String(record.rcvWnd)],
    ['cwnd', 'How much the network is trusted to carry at once (RFC 5681).', octets(record.cwnd)],
    ['ssthresh', 'Where slow start ends (RFC 5681); ∞ until the first loss.', octets(record.ssthresh)],
    [
      'SRTT · RTO',
      'The smoothed round trip; how long an ACK is waited for (RFC 6298).',
      `${ms(record.srtt)} · ${ms(record.rto)} ms`,
    ],
    ['MSS', 'The largest segment that may be sent, bytes of data.', String(record.mss)],
    ['Timer', 'Which timer runs, and when it fires.', timer],
    ['Queued', 'Bytes to be sent or acknowledged, to be read, and out of order.', queued(record)],
  ]
  if (record.retransmits || record.duplicateAcks)
    list.push([
      'Again',
      'Retransmissions in a row, and duplicate ACKs.',
      `${record.retransmits} · ${record.duplicateAcks}`,
    ])
  return list.map(([name, note, value]) => ({ name, note, value }))
}

const queued = ({ sendQueued, receiveQueued, outOfOrder }: ConnectionRecord): string =>
  `${sendQueued} · ${receiveQueued} · ${outOfOrder}`

/** The send window in bytes: sent and waiting, free to send, and closed by congestion control. They sum to `whole`. */
export interface WindowParts {
  readonly flight: number
  readonly usable: number
  readonly withheld: number
  readonly whole: number
}

export function windowOf(record: ConnectionRecord): WindowParts {
  const flight = (record.sndNxt - record.sndUna) >>> 0
  const whole = Math.max(record.sndWnd, flight)
  const allowed = Math.max(flight, Math.min(record.sndWnd, record.cwnd))
  return { flight, usable: allowed - flight, withheld: whole - allowed, whole }
}

/** 'TCP 49152 → 23'. */
export const flowTitle = ({ ends }: Flow): string => `TCP ${ends[0].port} → ${ends[1].port}`
