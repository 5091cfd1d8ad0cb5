/** IPv4, RFC 791, the plain way: its header around a payload, right in all fields but those that a test wants wrong. */
import { bytesOf, type Fields, hexOf, NotationError } from '../notation.ts'
import { checksum, get16, u16 } from './bytes.ts'
import type { Datagram, Network } from './network.ts'
import { numberIn } from './protocol.ts'

export const ETHERTYPE_IPV4 = 0x0800

export function addressBytes(text: string): number[] {
  const bytes = text.split('.').map(Number)
  if (bytes.length !== 4 || bytes.some(byte => !(byte >= 0 && byte <= 255)))
    throw new NotationError(`'${text}' is not an IPv4 address.`)
  return bytes
}

export const addressText = (bytes: readonly number[]): string => bytes.join('.')

export interface Ipv4 {
  readonly from: number[]
  readonly to: number[]
  readonly payload: number[]
  readonly protocol: number
  readonly ttl?: number
  readonly tos?: number
  readonly id?: number
  readonly dontFragment?: boolean
  readonly moreFragments?: boolean
  /** Of a fragment, bytes. */
  readonly offset?: number
  readonly options?: number[]
  readonly version?: number
  /** In words; what it is if undefined. */
  readonly headerLength?: number | undefined
  readonly totalLength?: number | undefined
  readonly badChecksum?: boolean
}

export function ipv4Packet(p: Ipv4): number[] {
  const options = p.options ?? []
  const words = 5 + options.length / 4
  const flags = (p.dontFragment ? 0x4000 : 0) | (p.moreFragments ? 0x2000 : 0)
  const header = [
    ((p.version ?? 4) << 4) | (p.headerLength ?? words),
    p.tos ?? 0,
    ...u16(p.totalLength ?? words * 4 + p.payload.length),
    ...u16(p.id ?? 1),
    ...u16(flags | ((p.offset ?? 0) >> 3)),
    p.ttl ?? 64,
    p.protocol,
    0,
    0,
    ...p.from,
    ...p.to,
    ...options,
  ]
  header.splice(10, 2, ...u16(checksum(header) ^ (p.badChecksum ? 0x5555 : 0)))
  return [...header, ...p.payload]
}

/** What the transports' checksums cover beside themselves (RFC 9293, 3.1); ICMP's and IGMP's cover nothing else. */
const pseudoHeader = (from: number[], to: number[], protocol: number, length: number): number[] =>
  protocol === 1 || protocol === 2 ? [] : [...from, ...to, 0, protocol, ...u16(length)]

/** The peer's datagram, or the part of it that `fragment` names. */
function encode(
  packet: { readonly kind: string; readonly fields: Fields },
  protocol: number,
  from: number[],
  to: number[],
  whole: number[],
): number[] {
  const [first = 0, behind = whole.length] = packet.fields.get('fragment')?.split(':').map(Number) ?? []
  // ICMP has an identifier of its own.
  const id = packet.kind === 'icmp' ? undefined : numberIn(packet, 'id')
  return ipv4Packet({
    from,
    to,
    payload: whole.slice(first, behind),
    protocol: numberIn(packet, 'protocol') ?? protocol,
    ttl: numberIn(packet, 'ttl') ?? 64,
    tos: numberIn(packet, 'tos') ?? 0,
    id: id ?? 1,
    dontFragment: packet.fields.has('df'),
    moreFragments: packet.fields.has('more') || behind < whole.length,
    offset: first,
    options: bytesOf(packet.fields.get('ip-options') ?? ''),
    version: numberIn(packet, 'ip-version') ?? 4,
    headerLength: numberIn(packet, 'ip-header'),
    totalLength: numberIn(packet, 'ip-length'),
    badChecksum: packet.fields.has('bad-ip-checksum'),
  })
}

function decode(ip: number[], fields: Map<string, string>): Datagram {
  const headerLength = ((ip[0] ?? 0) & 15) * 4
  if (get16(ip, 2) !== ip.length) throw new Error(`IP says ${get16(ip, 2)} bytes, the frame has ${ip.length}`)
  if (checksum(ip.slice(0, headerLength)) !== 0) throw new Error('The host sent a wrong IP checksum.')
  const [from, to] = [ip.slice(12, 16), ip.slice(16, 20)]
  const word = get16(ip, 6)
  fields.set('from', addressText(from))
  fields.set('to', addressText(to))
  fields.set('ttl', String(ip[8]))
  fields.set('tos', String(ip[1]))
  fields.set('id', String(get16(ip, 4)))
  if (headerLength > 20) fields.set('ip-options', hexOf(ip.slice(20, headerLength)))
  fields.set((word & 0x4000) === 0 ? 'no-df' : 'df', '')
  const at = (word & 0x1fff) * 8
  const isFragment = (word & 0x3fff) !== 0
  return {
    from,
    to,
    protocol: ip[9] ?? 0,
    payload: ip.slice(headerLength),
    fragment: isFragment ? { at, last: (word & 0x2000) === 0 } : undefined,
  }
}

export const ipv4: Network = {
  version: 'ipv4',
  etherType: ETHERTYPE_IPV4,
  addressBytes,
  addressText,
  pseudoHeader,
  encode,
  decode,
}
