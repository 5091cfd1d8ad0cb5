/** ICMPv6, RFC 4443: echo and errors. Neighbour discovery and MLD, which it carries as well, have files of their own. */
import { TRANSPORT_WORDS } from '../notation.ts'
import { address6Bytes } from './address6.ts'
import { get16, get32, text, u16, u32 } from './bytes.ts'
import { formatMessage, type IcmpMessage, type IcmpNotation, parseMessage, QUOTED } from './icmp-message.ts'
import { ipv6Packet } from './ipv6.ts'
import { numberIn, type Protocol, type Seen, type Sending, seal } from './protocol.ts'
import type { Quote } from './quote.ts'

export interface Icmp6Packet extends IcmpMessage {
  readonly kind: 'icmp6'
}

const NEXT_ICMP6 = 58

const isError = (type: number): boolean => type < 128

/** Sections 3 and 4. */
const NOTATION: IcmpNotation = {
  protocol: 'ICMPv6',
  example: 'type 200 code 0',
  messages: {
    'unreachable no-route': [1, 0],
    'unreachable prohibited': [1, 1],
    'unreachable beyond-scope': [1, 2],
    'unreachable address': [1, 3],
    'unreachable port': [1, 4],
    'too-big': [2, 0],
    'time-exceeded hops': [3, 0],
    'time-exceeded reassembly': [3, 1],
    'parameter field': [4, 0],
    'parameter next-header': [4, 1],
    'parameter option': [4, 2],
    'parameter chain': [4, 3],
    'echo request': [128, 0],
    'echo reply': [129, 0],
  },
  words: { ...TRANSPORT_WORDS, id: 'number', seq: 'number', mtu: 'number', pointer: 'number' },
}

function encode(packet: Icmp6Packet, sending: Sending): number[] {
  const { quote, length } = packet
  const rest = quote === undefined ? text('peer', 0, length ?? 0) : quoteBytes(quote, sending)
  const id = numberIn(packet, 'id') ?? 0
  const word =
    numberIn(packet, 'mtu') ?? numberIn(packet, 'pointer') ?? id * 65536 + (numberIn(packet, 'seq') ?? 0)
  const bytes = [packet.type, packet.code, 0, 0, ...u32(word), ...rest.slice(0, length ?? rest.length)]
  return seal(bytes, 2, sending.pseudoHeader(NEXT_ICMP6, bytes.length), packet)
}

/** The beginning of a packet that the host has sent: its IPv6 header and eight bytes. */
function quoteBytes(quote: Quote, { ends, numbers }: Sending): number[] {
  const [source, destination] = quote.ports ?? [numbers.hostPort, numbers.peerPort]
  const second = quote.protocol === 'tcp' ? u32(numbers.hostIss + (quote.seq ?? 0)) : [0, 28, 0, 0]
  const [from, to] = quote.between ?? [ends.host6, quote.protocol === 'tcp' ? numbers.peerAddress : ends.peer]
  return ipv6Packet({
    from: address6Bytes(from),
    to: address6Bytes(to),
    payload: [...u16(source), ...u16(destination), ...second],
    next: QUOTED[quote.protocol],
  })
}

function decode(icmp: number[], { fields }: Seen): Icmp6Packet {
  const [type = 0, code = 0] = icmp
  if (isError(type)) fields.set(type === 2 ? 'mtu' : 'pointer', String(get32(icmp, 4)))
  else {
    fields.set('id', String(get16(icmp, 4)))
    fields.set('seq', String(get16(icmp, 6)))
  }
  const quote = isError(type) ? decodeQuote(icmp.slice(8)) : undefined
  return { kind: 'icmp6', type, code, length: icmp.length - 8, quote, fields }
}

/** What of a packet of the peer's comes back to it, where no extension header stands before it. */
function decodeQuote(ip: number[]): Quote | undefined {
  const entry = Object.entries(QUOTED).find(([, number]) => number === ip[6])
  if (entry === undefined) return undefined
  const protocol = entry[0] as Quote['protocol']
  const ports = protocol === 'icmp6' ? undefined : ([get16(ip, 40), get16(ip, 42)] as const)
  return { protocol, ports, seq: undefined, length: undefined, between: undefined }
}

export const icmp6: Protocol<Icmp6Packet> = {
  ipv6: NEXT_ICMP6,
  parse: tokens => ({ kind: 'icmp6', ...parseMessage(NOTATION, tokens) }),
  head: packet => `icmp6 ${formatMessage(NOTATION, packet)}`,
  asNamed: (expected, seen) => ({
    ...seen,
    length: expected.length === undefined ? undefined : seen.length,
    quote: expected.quote === undefined ? undefined : seen.quote,
  }),
  encode,
  decode,
}
