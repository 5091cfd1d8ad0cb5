/** TCP, RFC 9293, 3.1: a segment as a script writes it, and as bytes. Its numbers count from each side's ISS. */
import { bytesOf, type Fields, parseFields, TRANSPORT_WORDS, type Words, wrong } from '../notation.ts'
import { get16, get32, text, textByte, u16, u32 } from './bytes.ts'
import { type DnsPacketOf, decodeMessage, dns, messageBytes, parseDns } from './dns.ts'
import { numberIn, type Protocol, type Seen, type Sending, seal } from './protocol.ts'
import {
  decodeOptions,
  formatOption,
  optionBytes,
  optionsMatch,
  parseOptions,
  type TcpOption,
} from './tcp-options.ts'

/** The peer's end of a connection; undefined: the script's first. */
export interface Flow {
  readonly address: string | undefined
  readonly port: number
  readonly hostPort: number | undefined
}

export interface TcpPacket {
  readonly kind: 'tcp'
  readonly flow: Flow | undefined
  /** Letters of FLAGS, in their order. */
  readonly flags: string
  /** The first sequence number and the one behind the text, counted from the sender's ISS. */
  readonly from: number
  readonly to: number
  /** Undefined: not named. */
  readonly options: readonly TcpOption[] | undefined
  /** DNS by TCP: what the text is, behind its length (RFC 1035, 4.2.2); undefined: it is the usual text. */
  readonly message: DnsPacketOf<'dns'> | undefined
  readonly fields: Fields
}

/** RFC 9293, 3.1 and RFC 3168, 6.1, in packetdrill's letters; the order is that in which they are written. */
export const FLAGS: readonly (readonly [letter: string, bit: number])[] = [
  ['S', 2],
  ['F', 1],
  ['R', 4],
  ['P', 8],
  ['U', 32],
  ['E', 64],
  ['W', 128],
  ['.', 16],
]

const DNS_PORT = 53

const TCP_WORDS: Words = {
  ...TRANSPORT_WORDS,
  ack: 'number',
  win: 'number',
  urg: 'number',
  header: 'number',
  data: 'hex',
}

function parse(tokens: readonly string[]): TcpPacket {
  const flow = tokens[0]?.startsWith('@') ? parseFlow(tokens[0]) : undefined
  const [flags = '', span = '', ...rest] = flow === undefined ? tokens : tokens.slice(1)
  if (!/^([SFRPUEW]*\.?|-)$/.test(flags) || flags === '')
    wrong(
      `A packet begins with TCP flags such as 'S.', or with a protocol's name such as udp; '${flags}' is neither.`,
    )
  const [from, to] = parseSpan(span)
  const message = rest.find(token => token.startsWith('['))
  const bracketed = rest.filter(token => token.startsWith('<'))
  if (bracketed.length > 1) wrong('A segment has one list of options.')
  const fields = parseFields(
    rest.filter(token => !token.startsWith('<') && token !== message),
    TCP_WORDS,
  )
  if (flags.includes('.') !== fields.has('ack')) wrong("The flag '.' and 'ack' go together.")
  const options = bracketed[0] === undefined ? undefined : parseOptions(bracketed[0].slice(1, -1))
  return {
    kind: 'tcp',
    flow,
    flags: sortedFlags(flags),
    from,
    to,
    options,
    message: message === undefined ? undefined : parseMessage(message),
    fields,
  }
}

/** '[dns answer = name A 192.0.2.7]' */
function parseMessage(token: string): DnsPacketOf<'dns'> {
  const [kind, ...tokens] = token.slice(1, -1).trim().split(/\s+/)
  return kind === 'dns'
    ? parseDns(kind, tokens)
    : wrong(`TCP carries text or [dns …]; '${token}' is neither.`)
}

const sortedFlags = (flags: string): string =>
  FLAGS.filter(([letter]) => flags.includes(letter))
    .map(([letter]) => letter)
    .join('') || '-'

/** '@4001', '@192.0.2.3:4001', '@[2001:db8::3]:4001', any with '>7' for the host's port. */
export function parseFlow(token: string): Flow {
  const match = /^@(?:([\d.]+|\[[0-9a-f:]+\]):)?(\d+)(?:>(\d+))?$/.exec(token)
  if (match === null)
    return wrong(`A flow is written like @4001, @192.0.2.3:4001 or @4001>7; '${token}' is not.`)
  return {
    address: match[1]?.replace(/^\[|\]$/g, ''),
    port: Number(match[2]),
    hostPort: match[3] === undefined ? undefined : Number(match[3]),
  }
}

/** 'first:behind(length)' */
function parseSpan(token: string): [number, number] {
  const match = /^(-?\d+):(-?\d+)\((\d+)\)$/.exec(token)
  if (match === null) return wrong(`Sequence numbers are written like 1:1001(1000); '${token}' is not.`)
  const [from, to, length] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (to - from !== length) wrong(`${from}:${to} are ${to - from} bytes, not ${length}.`)
  return [from, to]
}

export function formatFlow({ address, port, hostPort }: Flow): string {
  const peer = address === undefined ? '' : address.includes(':') ? `[${address}]:` : `${address}:`
  return `@${peer}${port}${hostPort === undefined ? '' : `>${hostPort}`}`
}

function encode(packet: TcpPacket, sending: Sending): number[] {
  const { numbers: n, window, pseudoHeader } = sending
  const options = packet.options?.flatMap(option => optionBytes(option, n)) ?? []
  while (options.length % 4 !== 0) options.push(0)
  const flags = FLAGS.reduce((sum, [letter, bit]) => (packet.flags.includes(letter) ? sum | bit : sum), 0)
  const ack = numberIn(packet, 'ack')
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
    ...payloadOf(packet, sending),
  ]
  return seal(bytes, 16, pseudoHeader(6, bytes.length), packet)
}

function payloadOf(packet: TcpPacket, { heard }: Sending): number[] {
  const length = packet.to - packet.from
  if (packet.message !== undefined) {
    const bytes = messageBytes(packet.message, heard)
    if (bytes.length + 2 !== length) wrong(`The message and its length are ${bytes.length + 2} bytes.`)
    return [...u16(bytes.length), ...bytes]
  }
  const filled = bytesOf(packet.fields.get('data') ?? '')
  if (filled.length > 0) return Array.from({ length }, (_, i) => filled[i % filled.length] ?? 0)
  // A SYN has a number of its own, before the text's.
  return text('peer', packet.from - (packet.flags.includes('S') ? 0 : 1), length)
}

function decode(tcp: number[], seen: Seen): TcpPacket {
  const { fields, to: peerAddress, numbersOf } = seen
  const bits = tcp[13] ?? 0
  const [hostPort, peerPort, seq] = [get16(tcp, 0), get16(tcp, 2), get32(tcp, 4)]
  const n = numbersOf({ peerAddress, peerPort, hostPort, flags: bits, seq })
  const header = ((tcp[12] ?? 0) >> 4) * 4
  const data = tcp.slice(header)
  const from = (seq - n.hostIss) | 0
  const first = (bits & 2) === 0 ? from - 1 : from
  const isDns = peerPort === DNS_PORT && data.length > 2
  data.forEach((byte, i) => {
    if (!isDns && byte !== textByte('host', first + i))
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
    message: isDns ? decodeStream(data, seen, hostPort) : undefined,
    fields,
  }
}

/** RFC 1035, 4.2.2: "The message is prefixed with a two byte length field". */
function decodeStream(data: number[], { heard }: Seen, port: number): DnsPacketOf<'dns'> {
  if (get16(data, 0) !== data.length - 2) throw new Error('The host’s DNS message is not as long as it says.')
  return decodeMessage('dns', data.slice(2), { fields: new Map(), heard }, port)
}

function tail({ options, message }: TcpPacket): string {
  const parts = options === undefined ? [] : [`<${options.map(formatOption).join(',')}>`]
  if (message !== undefined) parts.push(`[${dns.head(message)} ${dns.tail?.(message)}]`)
  return parts.join(' ')
}

const messageMatches = (expected: DnsPacketOf<'dns'>, seen: DnsPacketOf<'dns'> | undefined): boolean =>
  seen !== undefined &&
  dns.head(expected) === dns.head(seen) &&
  [...expected.fields].every(([word, value]) => word === 'ports' || seen.fields.get(word) === value) &&
  (dns.tailMatches?.(expected, seen, 0) ?? true)

export const tcp: Protocol<TcpPacket> = {
  ipv4: 6,
  ipv6: 6,
  parse,
  head: packet =>
    `${packet.flow === undefined ? '' : `${formatFlow(packet.flow)} `}${packet.flags} ${packet.from}:${packet.to}(${packet.to - packet.from})`,
  tail,
  // Who speaks with whom is compared by those who know the script's flows.
  asNamed: (expected, seen) => ({ ...seen, flow: expected.flow }),
  tailMatches: (expected, seen, stamp) =>
    (expected.options === undefined || optionsMatch(expected.options, seen.options ?? [], stamp)) &&
    (expected.message === undefined || messageMatches(expected.message, seen.message)),
  encode,
  decode,
}
