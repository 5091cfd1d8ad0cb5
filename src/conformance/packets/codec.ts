/**
 * Packets of the notation to bytes, and bytes to packets of the notation: the plain way, byte by byte, without the
 * stack's own code. What is read is checked: a length or a checksum that is wrong throws.
 */
import { BROADCAST, checksum, get16, macBytes, macText, u16 } from './bytes.ts'
import { HEARD_NOTHING, type Heard } from './heard.ts'
import { addressBytes, ipv4 } from './ipv4.ts'
import type { Network } from './network.ts'
import { type Ends, type Numbers, numberIn, type RawNumbers } from './protocol.ts'
import { nameOf, type Packet, protocolOf, readerOf, speakerAt } from './protocols.ts'

const UDP = 17

/** The frame in which the peer sends this packet. `numbers` are its flow's, for TCP and for what is quoted. */
export function encodePacket(
  packet: Packet,
  ends: Ends,
  numbers: Numbers,
  window: number,
  heard: Heard = HEARD_NOTHING,
): Uint8Array {
  const protocol = protocolOf(packet)
  const sending = { ends, numbers, window, heard }
  const etherType = packet.kind === 'raw' ? packet.etherType : protocol.etherType
  if (etherType !== undefined)
    return frame(packet, ends, etherType, protocol.encode(packet, { ...sending, pseudoHeader: () => [] }))
  const from = addressBytes(
    packet.fields.get('from') ?? (packet.kind === 'tcp' ? numbers.peerAddress : ends.peer),
  )
  const to = addressBytes(packet.fields.get('to') ?? ends.host)
  const network = ipv4
  const pseudoHeader = (number: number, length: number): number[] =>
    network.pseudoHeader(from, to, number, length)
  const whole = protocol.encode(packet, { ...sending, pseudoHeader })
  const datagram = network.encode(packet, protocol[network.version] ?? 0, from, to, whole)
  return frame(packet, ends, network.etherType, datagram)
}

/** RFC 1112, 6.4: a group's MAC address; all stations' for all hosts. Undefined: one host's. */
function toMany(address: string | undefined): string | undefined {
  if (address === '255.255.255.255') return BROADCAST
  const [first = 0, second = 0, third = 0, fourth = 0] = address?.split('.').map(Number) ?? []
  if (first >> 4 !== 14) return undefined
  return [1, 0, 0x5e, second & 127, third, fourth].map(byte => byte.toString(16).padStart(2, '0')).join(':')
}

function frame(packet: Packet, ends: Ends, type: number, payload: number[]): Uint8Array {
  const broadcast = packet.kind === 'arp' && packet.operation === 'who-has'
  const many = broadcast ? BROADCAST : toMany(packet.fields.get('to'))
  const to = packet.fields.get('link-to') ?? many ?? ends.hostMac
  const from = packet.fields.get('link-from') ?? ends.peerMac
  const bytes = [...macBytes(to), ...macBytes(from), ...u16(type), ...payload]
  bytes.push(...Array.from({ length: numberIn(packet, 'pad') ?? 0 }, () => 0))
  return Uint8Array.from(bytes.slice(0, numberIn(packet, 'cut') ?? bytes.length))
}

/** The packet in a frame that the host has sent. `numbersOf` says by what to count a segment's numbers. */
export function decodePacket(
  bytes: Uint8Array,
  numbersOf: (raw: RawNumbers) => Numbers,
  heard: Heard = HEARD_NOTHING,
): Packet {
  const type = get16(bytes, 12)
  const payload = [...bytes.slice(14)]
  const to = macText(bytes, 0)
  const fields = new Map([
    ['link-to', to === BROADCAST ? 'broadcast' : to],
    ['link-from', macText(bytes, 6)],
  ])
  if (type === ipv4.etherType) return decodeDatagram(ipv4, payload, fields, numbersOf, heard)
  const read = readerOf('etherType', type)?.decode?.(payload, { fields, to, numbersOf, heard })
  return read ?? { kind: 'raw', etherType: type, bytes: payload, fields }
}

function decodeDatagram(
  network: Network,
  ip: number[],
  fields: Map<string, string>,
  numbersOf: (raw: RawNumbers) => Numbers,
  heard: Heard,
): Packet {
  const { from, to, protocol, payload, fragment } = network.decode(ip, fields)
  if (fragment !== undefined) {
    const { at, last } = fragment
    const name = nameOf(network.version, protocol)
    return { kind: 'fragment', protocol: name, from: at, to: at + payload.length, last, fields }
  }
  if (checksum([...network.pseudoHeader(from, to, protocol, payload.length), ...payload]) !== 0)
    throw new Error('The host sent a wrong checksum.')
  const carrier = readerOf(network.version, protocol)
  const carried = protocol === UDP ? speakerAt([get16(payload, 0), get16(payload, 2)]) : undefined
  const seen = { fields, to: network.addressText(to), numbersOf, heard }
  const read = (carried ?? carrier)?.decode?.(payload, seen)
  return read ?? { kind: 'raw', etherType: network.etherType, bytes: ip, fields }
}
