/** Whole frames for tests, with true checksums, written out header by header. */

import type { ArrivalRecord, FrameRecord, StateRecord } from '../host/protocol.ts'
import { onesComplementSum } from '../stack/wire/readable.ts'

export interface TestHost {
  readonly name: string
  readonly mac: string
  readonly address: string
}

export const ALICE: TestHost = { name: 'alice', mac: '02:00:00:00:00:0a', address: '169.254.7.31' }
export const BOB: TestHost = { name: 'bob', mac: '02:00:00:00:00:0b', address: '169.254.9.2' }

const octets = (text: string): number[] => text.split('.').map(Number)
const macOctets = (text: string): number[] => text.split(':').map(octet => Number.parseInt(octet, 16))
const word = (n: number): number[] => [(n >>> 8) & 255, n & 255]
const long = (n: number): number[] => [...word(n >>> 16), ...word(n & 0xffff)]

const checksum = (bytes: number[]): number[] => {
  const view = new DataView(Uint8Array.from(bytes).buffer)
  return word(~onesComplementSum(view, 0, bytes.length) & 0xffff)
}

function datagram(from: TestHost, to: TestHost, protocol: number, payload: number[]): Uint8Array {
  const header = [0x45, 0, ...word(20 + payload.length), 0, 1, 0x40, 0, 64, protocol, 0, 0]
  header.push(...octets(from.address), ...octets(to.address))
  header.splice(10, 2, ...checksum(header))
  return Uint8Array.from([...macOctets(to.mac), ...macOctets(from.mac), 8, 0, ...header, ...payload])
}

export interface SegmentSpec {
  readonly ports: readonly [source: number, destination: number]
  readonly seq: number
  readonly ack?: number
  /** As in tcp.ts: SYN 2, ACK 16 … */
  readonly flags: number
  readonly window?: number
  readonly text?: string
  readonly mss?: number
  /** Options behind the MSS, padded to a multiple of four bytes. */
  readonly options?: readonly number[]
}

export function tcp(from: TestHost, to: TestHost, spec: SegmentSpec): Uint8Array {
  const { ports, seq, ack = 0, flags, window = 8192, text = '', mss } = spec
  const options = [...(mss === undefined ? [] : [2, 4, ...word(mss)]), ...(spec.options ?? [])]
  const head = [...word(ports[0]), ...word(ports[1]), ...long(seq), ...long(ack)]
  head.push((5 + options.length / 4) << 4, flags, ...word(window), 0, 0, 0, 0, ...options)
  const segment = [...head, ...new TextEncoder().encode(text)]
  const pseudo = [...octets(from.address), ...octets(to.address), 0, 6, ...word(segment.length)]
  segment.splice(16, 2, ...checksum([...pseudo, ...segment]))
  return datagram(from, to, 6, segment)
}

export function arp(operation: 1 | 2, from: TestHost, to: TestHost): Uint8Array {
  const target = operation === 1 ? 'ff:ff:ff:ff:ff:ff' : to.mac
  return Uint8Array.from([
    ...[...macOctets(target), ...macOctets(from.mac), 8, 6, 0, 1, 8, 0, 6, 4, 0, operation],
    ...[...macOctets(from.mac), ...octets(from.address)],
    ...[...(operation === 1 ? [0, 0, 0, 0, 0, 0] : macOctets(to.mac)), ...octets(to.address)],
  ])
}

export const frame = (no: number, time: number, from: string, bytes: Uint8Array): FrameRecord => ({
  kind: 'frame',
  no,
  time,
  from,
  bytes,
})

export const arrival = (
  no: number,
  time: number,
  at: string,
  fate: ArrivalRecord['fate'] = { kind: 'delivered' },
): ArrivalRecord => ({ kind: 'arrival', no, time, at, fate })

export const state = (
  time: number,
  [local, localPort]: readonly [TestHost, number],
  [remote, remotePort]: readonly [TestHost, number],
  name: StateRecord['state'],
  no?: number,
): StateRecord => ({
  kind: 'state',
  time,
  host: local.name,
  localAddress: local.address,
  localPort,
  remoteAddress: remote.address,
  remotePort,
  state: name,
  frame: no,
})
