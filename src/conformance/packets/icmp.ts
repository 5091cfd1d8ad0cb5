/** ICMP, RFC 792. */
import { hexOf, TRANSPORT_WORDS } from '../notation.ts'
import { get16, isText, text, u16, u32 } from './bytes.ts'
import { formatMessage, type IcmpMessage, type IcmpNotation, parseMessage, QUOTED } from './icmp-message.ts'
import { addressBytes, addressText, ipv4Packet } from './ipv4.ts'
import {
  type Ends,
  type Numbers,
  numberIn,
  type Protocol,
  type Seen,
  type Sending,
  seal,
} from './protocol.ts'
import type { Quote } from './quote.ts'

export interface IcmpPacket extends IcmpMessage {
  readonly kind: 'icmp'
}

/** RFC 1122, 3.2.2: the messages that are about another datagram. */
const isErrorType = (type: number): boolean => [3, 4, 5, 11, 12].includes(type)

const ECHOES = [0, 8]
const REDIRECT = 5
const PARAMETER_PROBLEM = 12

/** RFC 792. `gateway`: a redirect's; `at`: where in the header a parameter problem is. */
const NOTATION: IcmpNotation = {
  protocol: 'ICMP',
  example: 'type 13 code 0',
  messages: {
    'echo reply': [0, 0],
    'unreachable net': [3, 0],
    'unreachable host': [3, 1],
    'unreachable protocol': [3, 2],
    'unreachable port': [3, 3],
    'unreachable fragmentation-needed': [3, 4],
    'redirect net': [5, 0],
    'redirect host': [5, 1],
    'echo request': [8, 0],
    'time-exceeded ttl': [11, 0],
    'time-exceeded reassembly': [11, 1],
    'parameter-problem pointer': [12, 0],
  },
  words: {
    ...TRANSPORT_WORDS,
    id: 'number',
    seq: 'number',
    mtu: 'number',
    gateway: 'address',
    data: 'hex',
    at: 'number',
  },
}

function encode(packet: IcmpPacket, { ends, numbers }: Sending): number[] {
  const rest =
    packet.quote === undefined ? text('peer', 0, packet.length ?? 0) : quoteBytes(packet.quote, ends, numbers)
  const bytes = [
    packet.type,
    packet.code,
    0,
    0,
    ...restOf(packet),
    ...rest.slice(0, packet.length ?? rest.length),
  ]
  return seal(bytes, 2, [], packet)
}

/** The word behind the checksum: two numbers, a redirect's router, or where in the header a problem is. */
function restOf(packet: IcmpPacket): number[] {
  const gateway = packet.fields.get('gateway')
  if (gateway !== undefined) return addressBytes(gateway)
  const first = (numberIn(packet, 'at') ?? 0) << 8
  return [
    ...u16(numberIn(packet, 'id') ?? first),
    ...u16(numberIn(packet, 'seq') ?? numberIn(packet, 'mtu') ?? 0),
  ]
}

/** The beginning of a datagram that the host has sent: its IP header and eight bytes, RFC 792. */
function quoteBytes(quote: Quote, ends: Ends, n: Numbers): number[] {
  const [source, destination] = quote.ports ?? [n.hostPort, n.peerPort]
  const second = quote.protocol === 'tcp' ? u32(n.hostIss + (quote.seq ?? 0)) : [0, 28, 0, 0]
  const [from, to] = quote.between ?? [ends.host, quote.protocol === 'tcp' ? n.peerAddress : ends.peer]
  return ipv4Packet({
    from: addressBytes(from),
    to: addressBytes(to),
    payload: [...u16(source), ...u16(destination), ...second],
    protocol: QUOTED[quote.protocol] ?? 0,
    totalLength: quote.length,
  })
}

function decode(icmp: number[], { fields }: Seen): IcmpPacket {
  const [type = 0, code = 0] = icmp
  const isError = isErrorType(type)
  if (ECHOES.includes(type) && !isText(icmp.slice(8), 0)) throw new Error('The echo is not what was asked.')
  if (!isError) fields.set('id', String(get16(icmp, 4))).set('data', hexOf(icmp.slice(8)))
  fields.set(isError ? 'mtu' : 'seq', String(get16(icmp, 6)))
  if (type === REDIRECT) fields.set('gateway', addressText(icmp.slice(4, 8)))
  if (type === PARAMETER_PROBLEM) fields.set('at', String(icmp[4]))
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
    between: [addressText(ip.slice(12, 16)), addressText(ip.slice(16, 20))],
  }
}

/** Addresses are compared where the expectation names them. */
const quoteAsNamed = (expected: Quote | undefined, seen: Quote | undefined): Quote | undefined =>
  expected === undefined || seen === undefined
    ? expected && seen
    : {
        ...seen,
        ports: expected.ports === undefined ? undefined : seen.ports,
        between: expected.between && seen.between,
      }

export const icmp: Protocol<IcmpPacket> = {
  ipv4: 1,
  parse: tokens => ({ kind: 'icmp', ...parseMessage(NOTATION, tokens) }),
  head: packet => `icmp ${formatMessage(NOTATION, packet)}`,
  asNamed: (expected, seen) => ({
    ...seen,
    length: expected.length === undefined ? undefined : seen.length,
    quote: quoteAsNamed(expected.quote, seen.quote),
  }),
  encode,
  decode,
}
