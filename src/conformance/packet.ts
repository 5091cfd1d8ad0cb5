/**
 * A packet as a script writes it, and back: the notation. It names what matters and leaves out the rest, so a packet
 * that is expected is compared in the fields that its line names. README.md has the grammar on one screen.
 */

/** What stands behind a packet's head: words, some with a value. A value of '*' is any. */
export type Fields = ReadonlyMap<string, string>

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
  readonly fields: Fields
}

export interface UdpPacket {
  readonly kind: 'udp'
  readonly source: number
  readonly destination: number
  readonly length: number
  readonly fields: Fields
}

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

export interface Quote {
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  /** Undefined: the flow's. */
  readonly ports: readonly [number, number] | undefined
  readonly seq: number | undefined
}

export interface IgmpPacket {
  readonly kind: 'igmp'
  readonly message: string
  /** The group that it speaks of; 0.0.0.0 for all of them. */
  readonly group: string
  readonly fields: Fields
}

export interface ArpPacket {
  readonly kind: 'arp'
  readonly operation: 'who-has' | 'is-at'
  /** Who is asked for, or who answers. */
  readonly subject: string
  /** Who asks, or who is answered. */
  readonly other: string
  /** The answer's MAC address. */
  readonly mac: string | undefined
  readonly fields: Fields
}

/** A fragment as it is seen: its transport is not looked at. */
export interface FragmentPacket {
  readonly kind: 'fragment'
  readonly protocol: string
  readonly from: number
  readonly to: number
  readonly last: boolean
  readonly fields: Fields
}

/** An Ethernet frame's type and payload, byte by byte. */
export interface RawPacket {
  readonly kind: 'raw'
  readonly etherType: number
  readonly bytes: readonly number[]
  readonly fields: Fields
}

export type Packet = TcpPacket | UdpPacket | IcmpPacket | IgmpPacket | ArpPacket | FragmentPacket | RawPacket

/** `last` is the host's timestamp as it was last seen on the flow, plus `plus`. */
export type Stamp = number | '*' | { readonly plus: number }
export type TcpOption =
  | { readonly name: 'mss' | 'wscale'; readonly value: number }
  | { readonly name: 'sackOK' | 'nop' | 'eol' }
  | { readonly name: 'TS'; readonly value: Stamp; readonly echo: Stamp }
  | { readonly name: 'sack'; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly name: 'raw'; readonly bytes: readonly number[] }

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

export const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, igmp: 2, tcp: 6, udp: 17 }

/** RFC 2236, 2.1. */
export const IGMP_MESSAGES: Readonly<Record<string, number>> = {
  query: 0x11,
  'report-v1': 0x12,
  report: 0x16,
  leave: 0x17,
}

/** RFC 792: the messages that have a name here, with their type and code. */
export const ICMP_MESSAGES: Readonly<Record<string, readonly [number, number]>> = {
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

/** What kind of value follows a word. */
type Value = 'none' | 'number' | 'address' | 'hex' | 'range' | 'word'
/** The link's and IP's own: each fits any packet that has them. Sizes in bytes. */
const ENVELOPE: Readonly<Record<string, Value>> = {
  from: 'address',
  to: 'address',
  ttl: 'number',
  tos: 'number',
  id: 'number',
  df: 'none',
  'no-df': 'none',
  'ip-options': 'hex',
  'ip-version': 'number',
  'ip-header': 'number',
  'ip-length': 'number',
  protocol: 'number',
  'bad-ip-checksum': 'none',
  fragment: 'range',
  more: 'none',
  'link-to': 'word',
  'link-from': 'word',
  cut: 'number',
  pad: 'number',
}
const TRANSPORT: Readonly<Record<string, Value>> = { ...ENVELOPE, 'bad-checksum': 'none' }
const TCP_WORDS: Readonly<Record<string, Value>> = {
  ...TRANSPORT,
  ack: 'number',
  win: 'number',
  urg: 'number',
  header: 'number',
  data: 'hex',
}
const UDP_WORDS: Readonly<Record<string, Value>> = {
  ...TRANSPORT,
  'no-checksum': 'none',
  'udp-length': 'number',
}
const ICMP_WORDS: Readonly<Record<string, Value>> = {
  ...TRANSPORT,
  id: 'number',
  seq: 'number',
  mtu: 'number',
}
/** `max`: how long an answer may wait, in tenths of a second. */
const IGMP_WORDS: Readonly<Record<string, Value>> = { ...TRANSPORT, max: 'number' }
const ARP_WORDS: Readonly<Record<string, Value>> = {
  mac: 'word',
  hardware: 'number',
  operation: 'number',
  'link-to': 'word',
  'link-from': 'word',
  cut: 'number',
}

/** What is wrong with a line, in one sentence. */
export class NotationError extends Error {}

const wrong = (sentence: string): never => {
  throw new NotationError(sentence)
}

/** Reads a packet; throws NotationError. */
export function parsePacket(text: string): Packet {
  const tokens = text.match(/<[^>]*>|\[[^\]]*\]|\S+/g) ?? []
  switch (tokens[0]) {
    case undefined:
      return wrong('A packet is missing behind the arrow.')
    case 'udp':
      return parseUdp(tokens.slice(1))
    case 'icmp':
      return parseIcmp(tokens.slice(1))
    case 'igmp':
      return parseIgmp(tokens.slice(1))
    case 'arp':
      return parseArp(tokens.slice(1))
    case 'fragment':
      return parseFragment(tokens.slice(1))
    case 'raw':
      return parseRaw(tokens.slice(1))
    default:
      return parseTcp(tokens)
  }
}

function parseTcp(tokens: readonly string[]): TcpPacket {
  const flow = tokens[0]?.startsWith('@') ? parseFlow(tokens[0]) : undefined
  const [flags = '', span = '', ...rest] = flow === undefined ? tokens : tokens.slice(1)
  if (!/^([SFRPUEW]*\.?|-)$/.test(flags) || flags === '')
    wrong(
      `A packet begins with TCP flags such as 'S.', or with udp, icmp, arp, fragment or raw; '${flags}' is neither.`,
    )
  const [from, to] = parseSpan(span)
  const bracketed = rest.filter(token => token.startsWith('<'))
  if (bracketed.length > 1) wrong('A segment has one list of options.')
  const fields = parseFields(
    rest.filter(token => !token.startsWith('<')),
    TCP_WORDS,
  )
  if (flags.includes('.') !== fields.has('ack')) wrong("The flag '.' and 'ack' go together.")
  const options = bracketed[0] === undefined ? undefined : parseOptions(bracketed[0].slice(1, -1))
  return { kind: 'tcp', flow, flags: sortedFlags(flags), from, to, options, fields }
}

const sortedFlags = (flags: string): string =>
  FLAGS.filter(([letter]) => flags.includes(letter))
    .map(([letter]) => letter)
    .join('') || '-'

/** '@4001', '@192.0.2.3:4001', either with '>7' for the host's port. */
export function parseFlow(token: string): Flow {
  const match = /^@(?:([\d.]+|[0-9a-f:]+\]?):)?(\d+)(?:>(\d+))?$/.exec(token)
  if (match === null)
    return wrong(`A flow is written like @4001, @192.0.2.3:4001 or @4001>7; '${token}' is not.`)
  return {
    address: match[1],
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

function parseOptions(text: string): TcpOption[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
    .map(parseOption)
}

function parseOption(item: string): TcpOption {
  const [name = '', ...values] = item.split(/\s+/)
  const [first = '', second = ''] = values
  switch (name) {
    case 'mss':
    case 'wscale':
      return { name, value: numberOf(first) }
    case 'sackOK':
    case 'nop':
    case 'eol':
      return { name }
    case 'TS':
      if (first !== 'val' || values[2] !== 'ecr')
        return wrong(`Timestamps are written like 'TS val 1 ecr 0'; '${item}' is not.`)
      return { name, value: parseStamp(second), echo: parseStamp(values[3] ?? '') }
    case 'sack':
      return { name, blocks: values.map(parseBlock) }
    case 'raw':
      return { name, bytes: bytesOf(first) }
    default:
      return wrong(`There is no TCP option '${name}'; any is written as 'raw' with its bytes in hex.`)
  }
}

function parseStamp(text: string): Stamp {
  if (text === '*') return '*'
  const match = /^last([+-]\d+)?$/.exec(text)
  return match === null ? numberOf(text) : { plus: Number(match[1] ?? 0) }
}

function parseBlock(text: string): [number, number] {
  const match = /^(-?\d+):(-?\d+)$/.exec(text)
  return match === null
    ? wrong(`A SACK block is written like 2001:3001; '${text}' is not.`)
    : [Number(match[1]), Number(match[2])]
}

/** 'source>destination (length)' */
function parseUdp(tokens: readonly string[]): UdpPacket {
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

function parseIcmp(tokens: readonly string[]): IcmpPacket {
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

/** 'report 224.1.2.3' */
function parseIgmp(tokens: readonly string[]): IgmpPacket {
  const [message = '', group = '', ...rest] = tokens
  if (IGMP_MESSAGES[message] === undefined || !isValue('address', group))
    return wrong(`IGMP is written like 'igmp report 224.1.2.3'; '${message} ${group}' is not.`)
  return { kind: 'igmp', message, group, fields: parseFields(rest, IGMP_WORDS) }
}

/** 'tcp 1025>80 seq 0', 'tcp seq 0', 'udp 7>9', 'icmp' */
function parseQuote(text: string): Quote {
  const match = /^(tcp|udp|icmp)(?: (\d+)>(\d+))?(?: seq (-?\d+))?$/.exec(text)
  if (match === null)
    return wrong(`What an error is about is written like [tcp seq 0] or [udp 7>9]; '${text}' is not.`)
  return {
    protocol: match[1] as Quote['protocol'],
    ports: match[2] === undefined ? undefined : [Number(match[2]), Number(match[3])],
    seq: match[4] === undefined ? undefined : Number(match[4]),
  }
}

/** 'who-has A tell B', 'A is-at MAC to B' */
function parseArp(tokens: readonly string[]): ArpPacket {
  const [a = '', b = '', c = '', d = '', e = ''] = tokens
  if (a === 'who-has' && c === 'tell')
    return {
      kind: 'arp',
      operation: a,
      subject: b,
      other: d,
      mac: undefined,
      fields: parseFields(tokens.slice(4), ARP_WORDS),
    }
  if (b === 'is-at' && d === 'to')
    return {
      kind: 'arp',
      operation: b,
      subject: a,
      other: e,
      mac: c,
      fields: parseFields(tokens.slice(5), ARP_WORDS),
    }
  return wrong(
    "ARP is written like 'who-has 192.0.2.1 tell 192.0.2.2' or '192.0.2.1 is-at 02:00:00:00:00:01 to 192.0.2.2'.",
  )
}

/** 'udp 0:1480 more', 'udp 1480:2008 last' */
function parseFragment(tokens: readonly string[]): FragmentPacket {
  const [protocol = '', span = '', end = '', ...rest] = tokens
  const match = /^(\d+):(\d+)$/.exec(span)
  if (match === null || (end !== 'more' && end !== 'last'))
    return wrong("A fragment that is expected is written like 'fragment udp 0:1480 more' or '… last'.")
  return {
    kind: 'fragment',
    protocol,
    from: Number(match[1]),
    to: Number(match[2]),
    last: end === 'last',
    fields: parseFields(rest, ENVELOPE),
  }
}

function parseRaw(tokens: readonly string[]): RawPacket {
  const [type = '', ...rest] = tokens
  if (!/^[0-9a-f]{4}$/.test(type))
    wrong("A raw frame is written like 'raw 0800 4500…': its EtherType and its payload in hex.")
  const hex = rest.filter(token => /^([0-9a-f]{2})+$/.test(token))
  const words = rest.filter(token => !hex.includes(token))
  return {
    kind: 'raw',
    etherType: Number.parseInt(type, 16),
    bytes: bytesOf(hex.join('')),
    fields: parseFields(words, { 'link-to': 'word', 'link-from': 'word', cut: 'number' }),
  }
}

function parseFields(tokens: readonly string[], words: Readonly<Record<string, Value>>): Fields {
  const fields = new Map<string, string>()
  for (let i = 0; i < tokens.length; i++) {
    const word = tokens[i] ?? ''
    const kind = words[word]
    if (kind === undefined) return wrong(`'${word}' means nothing here.`)
    if (fields.has(word)) wrong(`'${word}' is said twice.`)
    if (kind === 'none') {
      fields.set(word, '')
      continue
    }
    const value = tokens[++i]
    if (value === undefined) return wrong(`'${word}' needs a value.`)
    if (!isValue(kind, value)) wrong(`'${value}' is no value for '${word}'.`)
    fields.set(word, value)
  }
  return fields
}

function isValue(kind: Value, text: string): boolean {
  if (text === '*') return true
  switch (kind) {
    case 'number':
      return /^-?\d+$/.test(text)
    case 'hex':
      return /^([0-9a-f]{2})+$/.test(text)
    case 'range':
      return /^\d+:\d+$/.test(text)
    case 'address':
      return /^[\d.]+$|^[0-9a-f:]+$/.test(text)
    default:
      return true
  }
}

function numberOf(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : wrong(`'${text}' is not a number.`)
}

function lengthOf(text: string): number {
  const match = /^\((\d+)\)$/.exec(text)
  return match === null ? wrong(`A length is written like (20); '${text}' is not.`) : Number(match[1])
}

export function bytesOf(hex: string): number[] {
  if (!/^([0-9a-f]{2})*$/.test(hex)) wrong(`'${hex}' is not hex, two digits a byte.`)
  return (hex.match(/../g) ?? []).map(pair => Number.parseInt(pair, 16))
}

// ---- writing ----------------------------------------------------------------------------------------------------

/** The packet as a script would write it, with these of its fields; all that it has if undefined. */
export function formatPacket(
  packet: Packet,
  words: Iterable<string> = packet.fields.keys(),
  withOptions = true,
): string {
  const parts = [formatHead(packet)]
  if (packet.kind === 'icmp' && packet.quote !== undefined) parts.push(`[${formatQuote(packet.quote)}]`)
  for (const word of words) {
    const value = packet.fields.get(word)
    parts.push(value === undefined ? `(no ${word})` : value === '' ? word : `${word} ${value}`)
  }
  if (packet.kind === 'tcp' && withOptions && packet.options !== undefined)
    parts.push(`<${packet.options.map(formatOption).join(',')}>`)
  return parts.join(' ')
}

function formatHead(packet: Packet): string {
  switch (packet.kind) {
    case 'tcp': {
      const flow = packet.flow === undefined ? '' : `${formatFlow(packet.flow)} `
      return `${flow}${packet.flags} ${packet.from}:${packet.to}(${packet.to - packet.from})`
    }
    case 'udp':
      return `udp ${packet.source}>${packet.destination} (${packet.length})`
    case 'icmp': {
      const name = Object.entries(ICMP_MESSAGES).find(
        ([, [t, c]]) => t === packet.type && c === packet.code,
      )?.[0]
      const length = packet.length === undefined ? '' : ` (${packet.length})`
      return `icmp ${name ?? `type ${packet.type} code ${packet.code}`}${length}`
    }
    case 'igmp':
      return `igmp ${packet.message} ${packet.group}`
    case 'arp':
      return packet.operation === 'who-has'
        ? `arp who-has ${packet.subject} tell ${packet.other}`
        : `arp ${packet.subject} is-at ${packet.mac} to ${packet.other}`
    case 'fragment':
      return `fragment ${packet.protocol} ${packet.from}:${packet.to} ${packet.last ? 'last' : 'more'}`
    case 'raw':
      return `raw ${packet.etherType.toString(16).padStart(4, '0')} ${packet.bytes.map(hexOf).join('')}`
  }
}

export const formatFlow = (flow: Flow): string =>
  `@${flow.address === undefined ? '' : `${flow.address}:`}${flow.port}${flow.hostPort === undefined ? '' : `>${flow.hostPort}`}`

const formatQuote = (quote: Quote): string =>
  [
    quote.protocol,
    ...(quote.ports === undefined ? [] : [`${quote.ports[0]}>${quote.ports[1]}`]),
    ...(quote.seq === undefined ? [] : [`seq ${quote.seq}`]),
  ].join(' ')

function formatOption(option: TcpOption): string {
  switch (option.name) {
    case 'mss':
    case 'wscale':
      return `${option.name} ${option.value}`
    case 'TS':
      return `TS val ${formatStamp(option.value)} ecr ${formatStamp(option.echo)}`
    case 'sack':
      return ['sack', ...option.blocks.map(([from, to]) => `${from}:${to}`)].join(' ')
    case 'raw':
      return `raw ${option.bytes.map(hexOf).join('')}`
    default:
      return option.name
  }
}

const formatStamp = (stamp: Stamp): string =>
  typeof stamp !== 'object'
    ? String(stamp)
    : `last${stamp.plus === 0 ? '' : stamp.plus > 0 ? `+${stamp.plus}` : stamp.plus}`

const hexOf = (byte: number): string => byte.toString(16).padStart(2, '0')
