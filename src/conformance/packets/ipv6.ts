/** IPv6, RFC 8200, the plain way: its header and extension headers around a payload, right but for what a test wants wrong. */
import { type Fields, wrong } from '../notation.ts'
import { address6Bytes, address6Text } from './address6.ts'
import { get16, u16, u32 } from './bytes.ts'
import { bracesIn, type Extension, parseExtensions, readChain } from './extension.ts'
import type { Datagram, Network } from './network.ts'
import { numberIn } from './protocol.ts'

const HEADER = 40
/** 4.7: nothing follows. */
const NO_NEXT_HEADER = 59
const OF_IPV4_ALONE = ['ttl', 'tos', 'df', 'no-df', 'ip-options', 'ip-header', 'bad-ip-checksum']

/** RFC 8200, 8.1. */
const pseudoHeader = (from: number[], to: number[], protocol: number, length: number): number[] => [
  ...from,
  ...to,
  ...u32(length),
  0,
  0,
  0,
  protocol,
]

export interface Ipv6 {
  readonly from: number[]
  readonly to: number[]
  readonly payload: number[]
  /** What the payload begins with. */
  readonly next: number
  readonly hops?: number
  readonly trafficClass?: number
  readonly label?: number
  readonly version?: number
  /** Says another length than there is. */
  readonly payloadLength?: number | undefined
}

export const ipv6Packet = (p: Ipv6): number[] => [
  ...u32((((p.version ?? 6) << 28) | ((p.trafficClass ?? 0) << 20) | (p.label ?? 0)) >>> 0),
  ...u16(p.payloadLength ?? p.payload.length),
  p.next,
  p.hops ?? 64,
  ...p.from,
  ...p.to,
  ...p.payload,
]

/** Each header says what comes next; `last` is what comes behind all of them. */
const chainBytes = (extensions: readonly Extension[], last: number): number[] =>
  extensions.flatMap(({ bytes }, i) => [extensions[i + 1]?.number ?? last, ...bytes.slice(1)])

function encode(
  packet: { readonly kind: string; readonly fields: Fields },
  protocol: number,
  from: number[],
  to: number[],
  whole: number[],
): number[] {
  const { fields } = packet
  const foreign = OF_IPV4_ALONE.find(word => fields.has(word))
  if (foreign !== undefined) wrong(`'${foreign}' is of IPv4, and this packet goes by IPv6.`)
  const last = numberIn(packet, 'protocol') ?? (whole.length === 0 ? NO_NEXT_HEADER : protocol)
  const payload = behindHeaders(packet, last, whole)
  return ipv6Packet({
    from,
    to,
    payload: payload.bytes,
    next: payload.next,
    hops: numberIn(packet, 'hops') ?? 64,
    trafficClass: numberIn(packet, 'class') ?? 0,
    label: numberIn(packet, 'label') ?? 0,
    version: numberIn(packet, 'ip-version') ?? 6,
    payloadLength: numberIn(packet, 'ip-length'),
  })
}

/** The extension headers and the payload, or as much of what can be cut as `fragment` names. */
function behindHeaders(
  { kind, fields }: { readonly kind: string; readonly fields: Fields },
  last: number,
  whole: number[],
): { next: number; bytes: number[] } {
  const named = fields.get('headers') ?? ''
  const text = fields.has('fragment') && !named.includes('{fragment}') ? `${named} {fragment}` : named
  const at = bracesIn(text).indexOf('fragment')
  // ICMP has an identifier of its own.
  const id = kind.startsWith('icmp') ? undefined : fields.get('id')
  const cut = { first: 0, more: false, id: Number(id ?? 1) }
  const headers = parseExtensions(text, cut)
  if (at < 0) return { next: headers[0]?.number ?? last, bytes: [...chainBytes(headers, last), ...whole] }
  const behind = headers.slice(at + 1)
  const cuttable = [...chainBytes(behind, last), ...whole]
  const [first = 0, end = cuttable.length] = fields.get('fragment')?.split(':').map(Number) ?? []
  const more = fields.has('more') || (end < cuttable.length && !fields.has('last'))
  const before = parseExtensions(text, { ...cut, first, more }).slice(0, at + 1)
  return {
    next: before[0]?.number ?? last,
    bytes: [...chainBytes(before, behind[0]?.number ?? last), ...cuttable.slice(first, end)],
  }
}

function decode(ip: number[], fields: Map<string, string>): Datagram {
  if (get16(ip, 4) !== ip.length - HEADER)
    throw new Error(`IPv6 says ${get16(ip, 4)} bytes, the frame has ${ip.length - HEADER}.`)
  const [from, to] = [ip.slice(8, 24), ip.slice(24, 40)]
  fields.set('from', address6Text(from))
  fields.set('to', address6Text(to))
  fields.set('hops', String(ip[7]))
  fields.set('class', String((get16(ip, 0) >> 4) & 255))
  fields.set('label', String(((ip[1] ?? 0) & 15) * 65536 + get16(ip, 2)))
  const { text, next, at, cut } = readChain(ip, HEADER, ip[6] ?? 0)
  if (text !== '') fields.set('headers', text)
  if (cut !== undefined) fields.set('id', String(cut.id))
  const isPiece = cut !== undefined && (cut.more || cut.first > 0)
  return {
    from,
    to,
    protocol: next,
    payload: ip.slice(at),
    fragment: isPiece ? { at: cut.first, last: !cut.more } : undefined,
  }
}

export const ipv6: Network = {
  etherType: 0x86dd,
  version: 'ipv6',
  addressBytes: address6Bytes,
  addressText: address6Text,
  pseudoHeader,
  encode,
  decode,
}
