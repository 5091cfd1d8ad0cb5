/** UDP, RFC 768. */
import {
  bytesOf,
  type Fields,
  lengthOf,
  parseFields,
  TRANSPORT_WORDS,
  type Words,
  wrong,
} from '../notation.ts'
import { get16, text, u16 } from './bytes.ts'
import { countedFrom } from './heard.ts'
import { numberIn, type Protocol, type Seen, type Sending, seal } from './protocol.ts'

export interface UdpPacket {
  readonly kind: 'udp'
  readonly source: number
  readonly destination: number
  readonly length: number
  readonly fields: Fields
}

/** What UDP carries has these words, too, and `ports`, since its head says other things. */
export const UDP_WORDS: Words = {
  ...TRANSPORT_WORDS,
  ports: 'word',
  data: 'hex',
  'no-checksum': 'none',
  'udp-length': 'number',
}

/** 'source>destination (length)' */
function parse(tokens: readonly string[]): UdpPacket {
  const [ports = '', length = '', ...rest] = tokens
  const match = /^(\d+)>(\d+)$/.exec(ports)
  if (match === null) return wrong(`UDP is written like 'udp 4000>9 (20)'; '${ports}' is no pair of ports.`)
  return {
    kind: 'udp',
    source: Number(match[1]),
    destination: Number(match[2]),
    length: lengthOf(length),
    fields: parseFields(rest, UDP_WORDS),
  }
}

function encode(packet: UdpPacket, sending: Sending): number[] {
  const filled = bytesOf(packet.fields.get('data') ?? '')
  const payload =
    filled.length === 0
      ? text('peer', 0, packet.length)
      : Array.from({ length: packet.length }, (_, i) => filled[i % filled.length] ?? 0)
  return udpBytes(packet, [packet.source, packet.destination], payload, sending)
}

/** The ports that `ports` names; 'last' is `last`, and may be counted from. */
export function readPorts(packet: { readonly fields: Fields }, last: number): [number, number] {
  const [source = '', destination = ''] = packet.fields.get('ports')?.split('>') ?? []
  return [countedFrom(source, last) & 0xffff, countedFrom(destination, last) & 0xffff]
}

/** Whether a datagram goes from or to one of these ports. */
export const speaks = (udp: readonly number[], ports: readonly number[]): boolean =>
  ports.includes(get16(udp, 0)) || ports.includes(get16(udp, 2))

/** A datagram around these bytes. */
export function udpBytes(
  packet: { readonly fields: Fields },
  [source, destination]: readonly [number, number],
  payload: readonly number[],
  { pseudoHeader }: Sending,
): number[] {
  const length = numberIn(packet, 'udp-length') ?? 8 + payload.length
  const bytes = [...u16(source), ...u16(destination), ...u16(length), 0, 0, ...payload]
  if (packet.fields.has('no-checksum')) return bytes
  return seal(bytes, 6, pseudoHeader(17, bytes.length), packet)
}

function decode(udp: number[], { fields }: Seen): UdpPacket {
  if (get16(udp, 4) !== udp.length)
    throw new Error(`UDP says ${get16(udp, 4)} bytes, the datagram has ${udp.length}.`)
  return { kind: 'udp', source: get16(udp, 0), destination: get16(udp, 2), length: udp.length - 8, fields }
}

export const udp: Protocol<UdpPacket> = {
  ipv4: 17,
  ipv6: 17,
  parse,
  head: packet => `udp ${packet.source}>${packet.destination} (${packet.length})`,
  encode,
  decode,
}
