/**
 * Packets of the notation to bytes, and bytes to packets of the notation: the plain way, byte by byte, without the
 * stack's own code. What is read is checked: a length or a checksum that is wrong throws.
 *
 * Addresses are byte arrays, and the IP version follows from their length; a second version is a second file beside
 * ipv4.ts.
 */

import { addressBytes, addressText, checksum, ipv4Packet, pseudoHeader, u16, u32 } from './ipv4.ts'
import {
  bytesOf,
  FLAGS,
  type FragmentPacket,
  type IcmpPacket,
  IGMP_MESSAGES,
  type IgmpPacket,
  NotationError,
  type Packet,
  PROTOCOLS,
  type Quote,
  type Stamp,
  type TcpOption,
  type TcpPacket,
  type UdpPacket,
} from './packet.ts'

/** The two ends of the link. MAC addresses as text. */
export interface Ends {
  readonly hostMac: string
  readonly peerMac: string
  readonly host: string
  readonly peer: string
}

/** One connection's numbers, by which relative ones are counted. */
export interface Numbers {
  readonly peerAddress: string
  readonly peerPort: number
  readonly hostPort: number
  readonly hostIss: number
  readonly peerIss: number
  /** The host's timestamp as it was last seen. */
  readonly stamp: number
}

export const BROADCAST = 'ff:ff:ff:ff:ff:ff'
const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_ARP = 0x0806

const get16 = (bytes: ArrayLike<number>, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
const get32 = (bytes: ArrayLike<number>, at: number): number =>
  get16(bytes, at) * 65536 + get16(bytes, at + 2)
const macBytes = (text: string): number[] =>
  (text === 'broadcast' ? BROADCAST : text).split(':').map(pair => Number.parseInt(pair, 16))
const macText = (bytes: ArrayLike<number>, at: number): string =>
  Array.from({ length: 6 }, (_, i) => (bytes[at + i] ?? 0).toString(16).padStart(2, '0')).join(':')

const hexText = (bytes: readonly number[]): string =>
  bytes.map(byte => byte.toString(16).padStart(2, '0')).join('')

/** What each side's text says at an offset: two sides and any two places near each other differ. */
export const textByte = (side: 'host' | 'peer', offset: number): number =>
  (offset * 7 + (offset >>> 8) * 3 + (side === 'host' ? 101 : 0)) & 255

const text = (side: 'host' | 'peer', from: number, length: number): number[] =>
  Array.from({ length }, (_, i) => textByte(side, from + i))

const numberIn = (packet: Packet, word: string): number | undefined => {
  const value = packet.fields.get(word)
  return value === undefined ? undefined : Number(value)
}

// ---- writing ----------------------------------------------------------------------------------------------------

/** The frame in which the peer sends this packet. `numbers` are its flow's, for TCP and for what is quoted. */
export function encodePacket(packet: Packet, ends: Ends, numbers: Numbers, window: number): Uint8Array {
  switch (packet.kind) {
    case 'tcp':
      return ipFrame(packet, ends, 6, numbers.peerAddress, (from, to) =>
        tcpBytes(packet, numbers, window, from, to),
      )
    case 'udp':
      return ipFrame(packet, ends, 17, ends.peer, (from, to) => udpBytes(packet, from, to))
    case 'icmp':
      return ipFrame(packet, ends, 1, ends.peer, () => icmpBytes(packet, ends, numbers))
    case 'igmp':
      return ipFrame(packet, ends, 2, ends.peer, () => igmpBytes(packet))
    case 'arp':
      return frame(packet, ends, ETHERTYPE_ARP, arpBytes(packet, ends))
    case 'raw':
      return frame(packet, ends, packet.etherType, [...packet.bytes])
    case 'fragment':
      throw new NotationError("A fragment is sent as its whole datagram with 'fragment first:behind'.")
  }
}

function frame(packet: Packet, ends: Ends, type: number, payload: number[]): Uint8Array {
  const broadcast = packet.kind === 'arp' && packet.operation === 'who-has'
  const to = packet.fields.get('link-to') ?? (broadcast ? BROADCAST : ends.hostMac)
  const from = packet.fields.get('link-from') ?? ends.peerMac
  const bytes = [...macBytes(to), ...macBytes(from), ...u16(type), ...payload]
  bytes.push(...Array.from({ length: numberIn(packet, 'pad') ?? 0 }, () => 0))
  return Uint8Array.from(bytes.slice(0, numberIn(packet, 'cut') ?? bytes.length))
}

function ipFrame(
  packet: Packet,
  ends: Ends,
  protocol: number,
  peer: string,
  build: (from: number[], to: number[]) => number[],
): Uint8Array {
  const from = addressBytes(packet.fields.get('from') ?? peer)
  const to = addressBytes(packet.fields.get('to') ?? ends.host)
  const whole = build(from, to)
  const [first = 0, behind = whole.length] = packet.fields.get('fragment')?.split(':').map(Number) ?? []
  const id = packet.kind === 'icmp' ? undefined : numberIn(packet, 'id')
  const ip = ipv4Packet({
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
  return frame(packet, ends, ETHERTYPE_IPV4, ip)
}

/** Puts the checksum, or a wrong one, at `at`. */
function seal(bytes: number[], at: number, pseudo: number[], packet: Packet): number[] {
  const sum = checksum([...pseudo, ...bytes])
  bytes.splice(at, 2, ...u16(packet.fields.has('bad-checksum') ? sum ^ 0x5555 : sum))
  return bytes
}

function tcpBytes(packet: TcpPacket, n: Numbers, window: number, from: number[], to: number[]): number[] {
  const options = packet.options?.flatMap(option => optionBytes(option, n)) ?? []
  while (options.length % 4 !== 0) options.push(0)
  const flags = FLAGS.reduce((sum, [letter, bit]) => (packet.flags.includes(letter) ? sum | bit : sum), 0)
  const ack = numberIn(packet, 'ack')
  const length = packet.to - packet.from
  // A SYN has a number of its own, before the text's.
  const isSyn = packet.flags.includes('S')
  const filled = bytesOf(packet.fields.get('data') ?? '')
  const payload =
    filled.length === 0
      ? text('peer', packet.from - (isSyn ? 0 : 1), length)
      : Array.from({ length }, (_, i) => filled[i % filled.length] ?? 0)
  const bytes = [
    ...u16(n.peerPort),
    ...u16(n.hostPort),
    ...u32(n.peerIss + packet.from),
    ...u32(ack === undefined ? 0 : n.hostIss + ack),
    (numberIn(packet, 'header') ?? 5 + options.length / 4) << 4,
    flags,
    ...u16(numberIn(packet, 'win') ?? window),
    0,
    0,
    ...u16(numberIn(packet, 'urg') ?? 0),
    ...options,
    ...payload,
  ]
  return seal(bytes, 16, pseudoHeader(from, to, 6, bytes.length), packet)
}

function optionBytes(option: TcpOption, n: Numbers): number[] {
  const stampOf = (stamp: Stamp): number => {
    if (stamp === '*') throw new NotationError("A timestamp that is sent is a number or 'last'.")
    return typeof stamp === 'number' ? stamp : n.stamp + stamp.plus
  }
  switch (option.name) {
    case 'eol':
      return [0]
    case 'nop':
      return [1]
    case 'mss':
      return [2, 4, ...u16(option.value)]
    case 'wscale':
      return [3, 3, option.value]
    case 'sackOK':
      return [4, 2]
    case 'sack':
      return [5, 2 + 8 * option.blocks.length, ...option.blocks.flat().flatMap(edge => u32(n.hostIss + edge))]
    case 'TS':
      return [8, 10, ...u32(stampOf(option.value)), ...u32(stampOf(option.echo))]
    case 'raw':
      return [...option.bytes]
  }
}

function udpBytes(packet: UdpPacket, from: number[], to: number[]): number[] {
  const length = numberIn(packet, 'udp-length') ?? 8 + packet.length
  const bytes = [
    ...u16(packet.source),
    ...u16(packet.destination),
    ...u16(length),
    0,
    0,
    ...text('peer', 0, packet.length),
  ]
  if (packet.fields.has('no-checksum')) return bytes
  return seal(bytes, 6, pseudoHeader(from, to, 17, bytes.length), packet)
}

function icmpBytes(packet: IcmpPacket, ends: Ends, n: Numbers): number[] {
  const rest =
    packet.quote === undefined ? text('peer', 0, packet.length ?? 0) : quoteBytes(packet.quote, ends, n)
  const bytes = [
    packet.type,
    packet.code,
    0,
    0,
    ...u16(numberIn(packet, 'id') ?? 0),
    ...u16(numberIn(packet, 'seq') ?? numberIn(packet, 'mtu') ?? 0),
    ...rest.slice(0, packet.length ?? rest.length),
  ]
  return seal(bytes, 2, [], packet)
}

const igmpBytes = (packet: IgmpPacket): number[] =>
  seal(
    [IGMP_MESSAGES[packet.message] ?? 0, numberIn(packet, 'max') ?? 0, 0, 0, ...addressBytes(packet.group)],
    2,
    [],
    packet,
  )

/** The beginning of a datagram that the host has sent: its IP header and eight bytes, RFC 792. */
function quoteBytes(quote: Quote, ends: Ends, n: Numbers): number[] {
  const [source, destination] = quote.ports ?? [n.hostPort, n.peerPort]
  const second = quote.protocol === 'tcp' ? u32(n.hostIss + (quote.seq ?? 0)) : [0, 28, 0, 0]
  return ipv4Packet({
    from: addressBytes(ends.host),
    to: addressBytes(quote.protocol === 'tcp' ? n.peerAddress : ends.peer),
    payload: [...u16(source), ...u16(destination), ...second],
    protocol: PROTOCOLS[quote.protocol] ?? 0,
  })
}

function arpBytes(packet: Extract<Packet, { kind: 'arp' }>, ends: Ends): number[] {
  const asks = packet.operation === 'who-has'
  const [senderIp, targetIp] = asks ? [packet.other, packet.subject] : [packet.subject, packet.other]
  const sender = packet.fields.get('mac') ?? packet.mac ?? ends.peerMac
  return [
    ...u16(numberIn(packet, 'hardware') ?? 1),
    ...u16(ETHERTYPE_IPV4),
    6,
    4,
    ...u16(numberIn(packet, 'operation') ?? (asks ? 1 : 2)),
    ...macBytes(sender),
    ...addressBytes(senderIp),
    ...macBytes(asks ? '0:0:0:0:0:0' : ends.hostMac),
    ...addressBytes(targetIp),
  ]
}

// ---- reading ----------------------------------------------------------------------------------------------------

/** A segment's numbers before they are counted from anything. */
export interface RawNumbers {
  readonly peerAddress: string
  readonly peerPort: number
  readonly hostPort: number
  readonly flags: number
  readonly seq: number
}

/** The packet in a frame that the host has sent. `numbersOf` says by what to count a segment's numbers. */
export function decodePacket(bytes: Uint8Array, numbersOf: (raw: RawNumbers) => Numbers): Packet {
  const type = get16(bytes, 12)
  const fields = new Map<string, string>([
    ['link-to', macText(bytes, 0) === BROADCAST ? 'broadcast' : macText(bytes, 0)],
    ['link-from', macText(bytes, 6)],
  ])
  if (type === ETHERTYPE_ARP) return decodeArp([...bytes.slice(14)], fields)
  if (type !== ETHERTYPE_IPV4) return { kind: 'raw', etherType: type, bytes: [...bytes.slice(14)], fields }
  return decodeIpv4([...bytes.slice(14)], fields, numbersOf)
}

function decodeArp(arp: number[], fields: Map<string, string>): Packet {
  const asks = get16(arp, 6) === 1
  const [sender, target] = [addressText(arp.slice(14, 18)), addressText(arp.slice(24, 28))]
  fields.set('operation', String(get16(arp, 6)))
  fields.set('mac', macText(arp, 8))
  return {
    kind: 'arp',
    operation: asks ? 'who-has' : 'is-at',
    subject: asks ? target : sender,
    other: asks ? sender : target,
    mac: asks ? undefined : macText(arp, 8),
    fields,
  }
}

function decodeIpv4(
  ip: number[],
  fields: Map<string, string>,
  numbersOf: (raw: RawNumbers) => Numbers,
): Packet {
  const headerLength = ((ip[0] ?? 0) & 15) * 4
  if (get16(ip, 2) !== ip.length) throw new Error(`IP says ${get16(ip, 2)} bytes, the frame has ${ip.length}`)
  if (checksum(ip.slice(0, headerLength)) !== 0) throw new Error('The host sent a wrong IP checksum.')
  const [from, to] = [ip.slice(12, 16), ip.slice(16, 20)]
  const fragment = get16(ip, 6)
  fields.set('from', addressText(from))
  fields.set('to', addressText(to))
  fields.set('ttl', String(ip[8]))
  fields.set('tos', String(ip[1]))
  fields.set('id', String(get16(ip, 4)))
  if (headerLength > 20) fields.set('ip-options', hexText(ip.slice(20, headerLength)))
  fields.set((fragment & 0x4000) === 0 ? 'no-df' : 'df', '')
  const payload = ip.slice(headerLength)
  const protocol = ip[9] ?? 0
  if ((fragment & 0x3fff) !== 0) return decodeFragment(payload, protocol, fragment, fields)
  const pseudo = pseudoHeader(from, to, protocol, payload.length)
  const sum = protocol === 1 || protocol === 2 ? checksum(payload) : checksum([...pseudo, ...payload])
  if (sum !== 0) throw new Error('The host sent a wrong checksum.')
  if (protocol === 6) return decodeTcp(payload, addressText(to), fields, numbersOf)
  if (protocol === 17) return decodeUdp(payload, fields)
  if (protocol === 2) return decodeIgmp(payload, fields)
  return decodeIcmp(payload, fields)
}

function decodeFragment(
  payload: number[],
  protocol: number,
  word: number,
  fields: Map<string, string>,
): FragmentPacket {
  const from = (word & 0x1fff) * 8
  const name = Object.entries(PROTOCOLS).find(([, number]) => number === protocol)?.[0] ?? String(protocol)
  return {
    kind: 'fragment',
    protocol: name,
    from,
    to: from + payload.length,
    last: (word & 0x2000) === 0,
    fields,
  }
}

function decodeTcp(
  tcp: number[],
  peerAddress: string,
  fields: Map<string, string>,
  numbersOf: (raw: RawNumbers) => Numbers,
): TcpPacket {
  const bits = tcp[13] ?? 0
  const [hostPort, peerPort, seq] = [get16(tcp, 0), get16(tcp, 2), get32(tcp, 4)]
  const n = numbersOf({ peerAddress, peerPort, hostPort, flags: bits, seq })
  const header = ((tcp[12] ?? 0) >> 4) * 4
  const data = tcp.slice(header)
  const from = (seq - n.hostIss) | 0
  const first = (bits & 2) === 0 ? from - 1 : from
  data.forEach((byte, i) => {
    if (byte !== textByte('host', first + i))
      throw new Error(`Byte ${from + i} of the host's text is not what was given to send.`)
  })
  if ((bits & 16) !== 0) fields.set('ack', String((get32(tcp, 8) - n.peerIss) | 0))
  fields.set('win', String(get16(tcp, 14)))
  fields.set('urg', String(get16(tcp, 18)))
  return {
    kind: 'tcp',
    flow: { address: peerAddress, port: peerPort, hostPort },
    flags:
      FLAGS.filter(([, bit]) => (bits & bit) !== 0)
        .map(([letter]) => letter)
        .join('') || '-',
    from,
    to: from + data.length,
    options: decodeOptions(tcp.slice(20, header), n),
    fields,
  }
}

function decodeOptions(bytes: number[], n: Numbers): TcpOption[] {
  const options: TcpOption[] = []
  for (let at = 0; at < bytes.length; ) {
    const [kind = 0, length = 0] = bytes.slice(at)
    if (kind <= 1) {
      options.push({ name: kind === 0 ? 'eol' : 'nop' })
      at++
      continue
    }
    options.push(decodeOption(kind, bytes.slice(at, at + length), n))
    at += Math.max(1, length)
  }
  return options
}

/** What the length of an option must be, by its kind. */
const OPTION_LENGTHS: Readonly<Record<number, number>> = { 2: 4, 3: 3, 4: 2, 8: 10 }

function decodeOption(kind: number, bytes: number[], n: Numbers): TcpOption {
  const length = OPTION_LENGTHS[kind] ?? bytes.length
  if (bytes[1] !== length || bytes.length !== length) return { name: 'raw', bytes }
  switch (kind) {
    case 2:
      return { name: 'mss', value: get16(bytes, 2) }
    case 3:
      return { name: 'wscale', value: bytes[2] ?? 0 }
    case 4:
      return { name: 'sackOK' }
    case 5:
      return {
        name: 'sack',
        blocks: Array.from({ length: (bytes.length - 2) / 8 }, (_, i) => [
          (get32(bytes, 2 + i * 8) - n.peerIss) | 0,
          (get32(bytes, 6 + i * 8) - n.peerIss) | 0,
        ]),
      }
    case 8:
      return { name: 'TS', value: get32(bytes, 2), echo: get32(bytes, 6) }
    default:
      return { name: 'raw', bytes }
  }
}

function decodeUdp(udp: number[], fields: Map<string, string>): UdpPacket {
  if (get16(udp, 4) !== udp.length)
    throw new Error(`UDP says ${get16(udp, 4)} bytes, the datagram has ${udp.length}.`)
  return { kind: 'udp', source: get16(udp, 0), destination: get16(udp, 2), length: udp.length - 8, fields }
}

function decodeIcmp(icmp: number[], fields: Map<string, string>): IcmpPacket {
  const [type = 0, code = 0] = icmp
  const isError = type === 3 || type === 11
  if (!isError) fields.set('id', String(get16(icmp, 4)))
  fields.set(isError ? 'mtu' : 'seq', String(get16(icmp, 6)))
  return {
    kind: 'icmp',
    type,
    code,
    length: icmp.length - 8,
    quote: isError ? decodeQuote(icmp.slice(8)) : undefined,
    fields,
  }
}

function decodeIgmp(igmp: number[], fields: Map<string, string>): IgmpPacket {
  const message = Object.entries(IGMP_MESSAGES).find(([, type]) => type === igmp[0])?.[0] ?? String(igmp[0])
  fields.set('max', String(igmp[1]))
  return { kind: 'igmp', message, group: addressText(igmp.slice(4, 8)), fields }
}

/** What of a datagram of the peer's comes back to it. */
function decodeQuote(ip: number[]): Quote | undefined {
  const name = Object.entries(PROTOCOLS).find(([, number]) => number === ip[9])?.[0] as
    | Quote['protocol']
    | undefined
  const at = ((ip[0] ?? 0) & 15) * 4
  if (name === undefined) return undefined
  return {
    protocol: name,
    ports: name === 'icmp' ? undefined : [get16(ip, at), get16(ip, at + 2)],
    seq: undefined,
  }
}
