/**
 * Packets of the notation to bytes, and bytes to packets of the notation: the plain way, byte by byte, without the
 * stack's own code. What is read is checked: a length or a checksum that is wrong throws.
 */
import { NotationError } from '../notation.ts'
import { isGroup6, isLinkLocal6 } from './address6.ts'
import { BROADCAST, checksum, get16, macBytes, macText, u16 } from './bytes.ts'
import { ipv4 } from './ipv4.ts'
import { ipv6 } from './ipv6.ts'
import type { Network } from './network.ts'
import type { Pieces } from './pieces.ts'
import { type Ends, type Numbers, numberIn, type RawNumbers } from './protocol.ts'
import { nameOf, type Packet, protocolOf, readerOf } from './protocols.ts'

/** The frame in which the peer sends this packet. `numbers` are its flow's, for TCP and for what is quoted. */
export function encodePacket(named: Packet, ends: Ends, numbers: Numbers, window: number): Uint8Array {
  const protocol = protocolOf(named)
  const packet = { ...named, fields: new Map([...(protocol.envelope?.(named, ends) ?? []), ...named.fields]) }
  const sending = { ends, numbers, window }
  const etherType = packet.kind === 'raw' ? packet.etherType : protocol.etherType
  if (etherType !== undefined)
    return frame(packet, ends, etherType, protocol.encode(packet, { ...sending, pseudoHeader: () => [] }))
  const [source, destination] = addressesOf(packet, ends, numbers)
  const network = source.includes(':') ? ipv6 : ipv4
  const number = protocol[network.version]
  if (number === undefined) throw new NotationError(`'${packet.kind}' does not go by ${network.version}.`)
  const [from, to] = [network.addressBytes(source), network.addressBytes(destination)]
  const pseudoHeader = (of: number, length: number): number[] => network.pseudoHeader(from, to, of, length)
  const whole = protocol.encode(packet, { ...sending, pseudoHeader })
  return frame(packet, ends, network.etherType, network.encode(packet, number, from, to, whole), to)
}

/** From whom to whom: the peer of the script, or of the flow, and that address of the host which fits it. */
function addressesOf({ kind, fields }: Packet, ends: Ends, numbers: Numbers): [string, string] {
  const from = fields.get('from') ?? (kind === 'tcp' ? numbers.peerAddress : ends.peer)
  const host = !from.includes(':') ? ends.host : isLinkLocal6(from) ? ends.linkLocal : ends.host6
  return [from, fields.get('to') ?? host]
}

function frame(packet: Packet, ends: Ends, type: number, payload: number[], to6: number[] = []): Uint8Array {
  const broadcast = packet.kind === 'arp' && packet.operation === 'who-has'
  const to =
    packet.fields.get('link-to') ?? (broadcast ? BROADCAST : isGroup6(to6) ? groupMac(to6) : ends.hostMac)
  const from =
    packet.fields.get('link-from') ??
    (packet.fields.get('from') === ends.router ? ends.routerMac : ends.peerMac)
  const bytes = [...macBytes(to), ...macBytes(from), ...u16(type), ...payload]
  bytes.push(...Array.from({ length: numberIn(packet, 'pad') ?? 0 }, () => 0))
  return Uint8Array.from(bytes.slice(0, numberIn(packet, 'cut') ?? bytes.length))
}

/** RFC 2464, 7. */
const groupMac = (group: number[]): string => macText([0x33, 0x33, ...group.slice(12)], 0)

/**
 * The packet in a frame that the host has sent. `numbersOf` says by what to count a segment's numbers; fragments are kept in
 * `pieces`, and looked at together.
 */
export function decodePacket(
  bytes: Uint8Array,
  numbersOf: (raw: RawNumbers) => Numbers,
  pieces?: Pieces,
): Packet {
  const type = get16(bytes, 12)
  const payload = [...bytes.slice(14)]
  const to = macText(bytes, 0)
  const fields = new Map([
    ['link-to', to === BROADCAST ? 'broadcast' : to],
    ['link-from', macText(bytes, 6)],
  ])
  const network = [ipv4, ipv6].find(one => one.etherType === type)
  if (network !== undefined) return decodeDatagram(network, payload, fields, numbersOf, pieces)
  const read = readerOf('etherType', type, payload)?.decode?.(payload, { fields, to, numbersOf })
  return read ?? { kind: 'raw', etherType: type, bytes: payload, fields }
}

function decodeDatagram(
  network: Network,
  ip: number[],
  fields: Map<string, string>,
  numbersOf: (raw: RawNumbers) => Numbers,
  pieces: Pieces | undefined,
): Packet {
  const datagram = network.decode(ip, fields)
  const { from, to, protocol, payload, fragment } = datagram
  if (fragment !== undefined) {
    pieces?.add(network, datagram, fields.get('id') ?? '')
    const { at, last } = fragment
    const name = nameOf(network.version, protocol)
    return { kind: 'fragment', protocol: name, from: at, to: at + payload.length, last, fields }
  }
  if (checksum([...network.pseudoHeader(from, to, protocol, payload.length), ...payload]) !== 0)
    throw new Error('The host sent a wrong checksum.')
  const read = readerOf(network.version, protocol, payload)?.decode?.(payload, {
    fields,
    to: network.addressText(to),
    numbersOf,
  })
  return read ?? { kind: 'raw', etherType: network.etherType, bytes: ip, fields }
}
