/** ICMP, RFC 792. */
import {
  type Fields,
  lengthOf,
  numberOf,
  parseFields,
  TRANSPORT_WORDS,
  type Words,
  wrong,
} from '../notation.ts'
import { get16, text, u16, u32 } from './bytes.ts'
import { addressBytes, ipv4Packet } from './ipv4.ts'
import {
  type Ends,
  type Numbers,
  numberIn,
  type Protocol,
  type Seen,
  type Sending,
  seal,
} from './protocol.ts'
import { formatQuote, parseQuote, type Quote } from './quote.ts'

export interface IcmpPacket {
  readonly kind: 'icmp'
  readonly type: number
  readonly code: number
  /** Bytes behind the header; undefined: not named. */
  readonly length: number | undefined
  /** The datagram of the other side that an error is about. */
  readonly quote: Quote | undefined
  readonly fields: Fields
}

/** RFC 792: the messages that have a name here, with their type and code. */
const ICMP_MESSAGES: Readonly<Record<string, readonly [number, number]>> = {
  'echo reply': [0, 0],
  'unreachable net': [3, 0],
  'unreachable host': [3, 1],
  'unreachable protocol': [3, 2],
  'unreachable port': [3, 3],
  'unreachable fragmentation-needed': [3, 4],
  'echo request': [8, 0],
  'time-exceeded ttl': [11, 0],
  'time-exceeded reassembly': [11, 1],
}

const QUOTED: Readonly<Record<Quote['protocol'], number>> = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 }

const ICMP_WORDS: Words = {
  ...TRANSPORT_WORDS,
  id: 'number',
  seq: 'number',
  mtu: 'number',
}

function parse(tokens: readonly string[]): IcmpPacket {
  const [first = '', second = '', third = '', fourth = ''] = tokens
  const numbered = first === 'type'
  const named = ICMP_MESSAGES[`${first} ${second}`]
  if (!numbered && named === undefined)
    return wrong(`There is no ICMP message '${first} ${second}'; any is written as 'type 13 code 0'.`)
  if (numbered && third !== 'code') return wrong("An ICMP type is followed by its code: 'type 13 code 0'.")
  const [type, code] = named ?? [numberOf(second), numberOf(fourth)]
  const rest = tokens.slice(numbered ? 4 : 2)
  const length = rest.find(token => token.startsWith('('))
  const quote = rest.find(token => token.startsWith('['))
  return {
    kind: 'icmp',
    type,
    code,
    length: length === undefined ? undefined : lengthOf(length),
    quote: quote === undefined ? undefined : parseQuote(quote.slice(1, -1).trim()),
    fields: parseFields(
      rest.filter(token => token !== length && token !== quote),
      ICMP_WORDS,
    ),
  }
}

function encode(packet: IcmpPacket, { ends, numbers }: Sending): number[] {
  const rest =
    packet.quote === undefined ? text('peer', 0, packet.length ?? 0) : quoteBytes(packet.quote, ends, numbers)
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

/** The beginning of a datagram that the host has sent: its IP header and eight bytes, RFC 792. */
function quoteBytes(quote: Quote, ends: Ends, n: Numbers): number[] {
  const [source, destination] = quote.ports ?? [n.hostPort, n.peerPort]
  const second = quote.protocol === 'tcp' ? u32(n.hostIss + (quote.seq ?? 0)) : [0, 28, 0, 0]
  return ipv4Packet({
    from: addressBytes(ends.host),
    to: addressBytes(quote.protocol === 'tcp' ? n.peerAddress : ends.peer),
    payload: [...u16(source), ...u16(destination), ...second],
    protocol: QUOTED[quote.protocol] ?? 0,
    totalLength: quote.length,
  })
}

function decode(icmp: number[], { fields }: Seen): IcmpPacket {
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

/** What of a datagram of the peer's comes back to it. */
function decodeQuote(ip: number[]): Quote | undefined {
  const name = Object.entries(QUOTED).find(([, number]) => number === ip[9])?.[0] as
    | Quote['protocol']
    | undefined
  const at = ((ip[0] ?? 0) & 15) * 4
  if (name === undefined) return undefined
  return {
    protocol: name,
    ports: name === 'icmp' ? undefined : [get16(ip, at), get16(ip, at + 2)],
    seq: undefined,
    length: undefined,
    between: undefined,
  }
}

function head(packet: IcmpPacket): string {
  const name = Object.entries(ICMP_MESSAGES).find(([, [t, c]]) => t === packet.type && c === packet.code)?.[0]
  const length = packet.length === undefined ? '' : ` (${packet.length})`
  const quote = packet.quote === undefined ? '' : ` [${formatQuote(packet.quote)}]`
  return `icmp ${name ?? `type ${packet.type} code ${packet.code}`}${length}${quote}`
}

export const icmp: Protocol<IcmpPacket> = {
  ipv4: 1,
  parse,
  head,
  asNamed: (expected, seen) => ({
    ...seen,
    length: expected.length === undefined ? undefined : seen.length,
    quote: expected.quote === undefined ? undefined : seen.quote,
  }),
  encode,
  decode,
}
