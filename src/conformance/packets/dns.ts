/**
 * DNS and multicast DNS as a script writes them, RFC 1035, 4 and RFC 6762, 18: to bytes and back, the plain way and without
 * the stack's own code. A message is said to be a query or an answer; then come its questions (?), answers (=), authorities
 * (!) and additional records (+).
 *
 *     > dns query edns 1232 ? www.example.com A
 *     < dns answer = www.example.com CNAME web.example.com ttl 30 = web.example.com A 203.0.113.7 ttl 30
 */
import { bytesOf, type Fields, hexOf, parseFields, type Words, wrong } from '../notation.ts'
import { address6Bytes, address6Text } from './address6.ts'
import { get16, u16, u32 } from './bytes.ts'
import { countedFrom, type Heard } from './heard.ts'
import { addressBytes, addressText } from './ipv4.ts'
import type { Protocol, Seen, Sending } from './protocol.ts'
import { readPorts, speaks, UDP_WORDS, udpBytes } from './udp.ts'

type Section = '?' | '=' | '!' | '+'
const SECTIONS: readonly Section[] = ['?', '=', '!', '+']

export interface DnsEntry {
  readonly section: Section
  readonly name: string
  /** Of TYPES, or 'TYPE99'. */
  readonly type: string
  /** As it is written; a question has none. */
  readonly data: string
  /** Seconds; undefined: not named. */
  readonly ttl: number | undefined
  /** A question's QU (RFC 6762, 5.4), a record's cache-flush bit (10.2). */
  readonly top: boolean
  readonly dnsClass: number
}

export interface DnsPacketOf<K extends Kind> {
  readonly kind: K
  readonly isAnswer: boolean
  readonly entries: readonly DnsEntry[]
  readonly fields: Fields
}

type Kind = 'dns' | 'mdns'
/** Either: what does not differ between the two. */
type Message = DnsPacketOf<Kind>

const TYPES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  AAAA: 28,
  NSEC: 47,
  ANY: 255,
}
const OPT = 41
const CLASS_IN = 1
const TOP = 0x8000
const DNS_PORT = 53
const MDNS_PORT = 5353
const TTL = 120
const FLAG_ANSWER = 0x8000
const FLAG_TRUNCATED = 0x0200

/**
 * Of an answer that is sent, `dns-id`, `ports` and the question are those of the host's last query, unless it says others. `fresh`: id
 * and port are others than in the host's query before, `again`: at least one is not. `counts` and `body` are what the header
 * says and what stands behind it, when that shall be wrong.
 */
const DNS_WORDS: Words = {
  ...UDP_WORDS,
  'dns-id': 'word',
  fresh: 'none',
  again: 'none',
  flags: 'hex',
  tc: 'none',
  rcode: 'number',
  opcode: 'number',
  edns: 'word',
  'no-question': 'none',
  flat: 'none',
  counts: 'word',
  body: 'hex',
  'message-cut': 'number',
}

// ---- the notation -----------------------------------------------------------------------------------------------

/** 'query ? name A', 'answer = name A 192.0.2.7 ttl 30' */
export function parseDns<K extends Kind>(kind: K, tokens: readonly string[]): DnsPacketOf<K> {
  const [message = '', ...rest] = tokens
  if (message !== 'query' && message !== 'answer')
    return wrong(`A message of ${kind} is a query or an answer; '${message}' is neither.`)
  const isSection = (token: string): boolean => SECTIONS.includes(token as Section)
  const starts = rest.flatMap((token, i) => (isSection(token) ? [i] : []))
  const fields = new Map(parseFields(rest.slice(0, starts[0] ?? rest.length), DNS_WORDS))
  const entries = starts.map((start, i) => parseEntry(rest.slice(start, starts[i + 1] ?? rest.length)))
  if (kind === 'dns' && !fields.has('ports'))
    fields.set('ports', message === 'answer' ? `${DNS_PORT}>last` : '*')
  if (kind === 'mdns') {
    if (!fields.has('ports')) fields.set('ports', `${MDNS_PORT}>${MDNS_PORT}`)
    if (!fields.has('to')) fields.set('to', '224.0.0.251')
    if (!fields.has('ttl')) fields.set('ttl', '255')
  }
  return { kind, isAnswer: message === 'answer', entries, fields }
}

/** '? name A qu', '= name A 192.0.2.7 ttl 30 flush' */
function parseEntry(tokens: readonly string[]): DnsEntry {
  const [section = '?', name = '', type = '', ...rest] = tokens
  if (type === '' || (TYPES[type] === undefined && !/^TYPE\d+$/.test(type)))
    wrong(`'${tokens.join(' ')}' is no entry: a sign, a name, a type.`)
  const isQuestion = section === '?'
  const data = isQuestion ? '' : (rest.shift() ?? '')
  const words = parseFields(rest, { ttl: 'number', flush: 'none', qu: 'none', class: 'number' })
  const ttl = words.get('ttl')
  return {
    section: section as Section,
    name,
    type,
    data,
    ttl: ttl === undefined ? undefined : Number(ttl),
    top: words.has('qu') || words.has('flush'),
    dnsClass: Number(words.get('class') ?? CLASS_IN),
  }
}

const head = (packet: Message): string => `${packet.kind} ${packet.isAnswer ? 'answer' : 'query'}`

const formatEntries = (packet: Message): string => packet.entries.map(formatEntry).join(' ')

function formatEntry(entry: DnsEntry): string {
  const parts: string[] = [entry.section, entry.name, entry.type]
  if (entry.data !== '') parts.push(entry.data)
  if (entry.ttl !== undefined) parts.push(`ttl ${entry.ttl}`)
  if (entry.top) parts.push(entry.section === '?' ? 'qu' : 'flush')
  if (entry.dnsClass !== CLASS_IN) parts.push(`class ${entry.dnsClass}`)
  return parts.join(' ')
}

/** Whether what was seen has these entries, in their order and no others; times to live only where they are named. */
const entriesMatch = (expected: Message, seen: Message): boolean =>
  expected.entries.length === seen.entries.length &&
  expected.entries.every((entry, i) => {
    const other = seen.entries[i]
    return (
      other !== undefined &&
      formatEntry(entry) === formatEntry({ ...other, ttl: entry.ttl === undefined ? undefined : other.ttl })
    )
  })

// ---- writing ----------------------------------------------------------------------------------------------------

function encode(packet: Message, sending: Sending): number[] {
  return udpBytes(packet, readPorts(packet, sending.heard.port), messageBytes(packet, sending.heard), sending)
}

/** The message's bytes. Names whose end stands in it already point there, unless it shall be flat. */
export function messageBytes(packet: Message, heard: Heard): number[] {
  const { fields, kind, isAnswer } = packet
  const repeats =
    kind === 'dns' &&
    isAnswer &&
    !fields.has('no-question') &&
    !packet.entries.some(({ section }) => section === '?')
  const entries = [...(repeats && heard.question !== undefined ? [heard.question] : []), ...packet.entries]
  const counts = SECTIONS.map(section => entries.filter(entry => entry.section === section).length)
  if (fields.has('edns')) counts[3] = (counts[3] ?? 0) + 1
  const said = fields.get('counts')?.split(':').map(Number) ?? counts
  const defaultId = kind === 'dns' && isAnswer ? 'last' : kind === 'dns' ? '1' : '0'
  const out = [
    ...u16(countedFrom(fields.get('dns-id') ?? defaultId, heard.id)),
    ...flagBytes(packet),
    ...said.flatMap(u16),
  ]
  const body = fields.get('body')
  if (body !== undefined) out.push(...bytesOf(body))
  else for (const section of SECTIONS) putSection(out, entries, section, !fields.has('flat'))
  if (fields.has('edns')) out.push(0, ...u16(OPT), ...u16(Number(fields.get('edns'))), 0, 0, 0, 0, 0, 0)
  return out.slice(0, Number(fields.get('message-cut') ?? out.length))
}

function flagBytes({ fields, kind, isAnswer }: Message): number[] {
  const said = fields.get('flags')
  if (said !== undefined) return bytesOf(said)
  const usual = kind === 'mdns' ? (isAnswer ? 0x8400 : 0) : isAnswer ? 0x8180 : 0x0100
  const opcode = Number(fields.get('opcode') ?? 0) << 11
  return u16(usual | (fields.has('tc') ? FLAG_TRUNCATED : 0) | opcode | Number(fields.get('rcode') ?? 0))
}

function putSection(out: number[], entries: readonly DnsEntry[], section: Section, pointers: boolean): void {
  for (const entry of entries.filter(one => one.section === section)) {
    putName(out, entry.name, pointers)
    const number = TYPES[entry.type] ?? Number(entry.type.slice(4))
    out.push(...u16(number), ...u16(entry.dnsClass | (entry.top ? TOP : 0)))
    if (section === '?') continue
    out.push(...u32(entry.ttl ?? TTL), 0, 0)
    const from = out.length
    putData(out, entry, pointers)
    out.splice(from - 2, 2, ...u16(out.length - from))
  }
}

/** RFC 1035, 4.1.4. */
function putName(out: number[], name: string, pointers: boolean): void {
  const labels = name.split('.').filter(label => label !== '')
  for (let i = 0; i < labels.length; i++) {
    const known = pointers ? placeOf(out, labels.slice(i)) : -1
    if (known >= 0) {
      out.push(...u16(0xc000 | known))
      return
    }
    const label = labels[i] ?? ''
    out.push(label.length, ...[...label].map(letter => letter.charCodeAt(0)))
  }
  out.push(0)
}

/** Where these labels and a last empty one stand, -1 if nowhere. */
function placeOf(out: readonly number[], labels: readonly string[]): number {
  const wanted = labels.flatMap(label => [label.length, ...[...label].map(letter => letter.charCodeAt(0))])
  wanted.push(0)
  for (let at = 12; at + wanted.length <= out.length; at++)
    if (wanted.every((byte, i) => out[at + i] === byte)) return at
  return -1
}

function putData(out: number[], { type, data }: DnsEntry, pointers: boolean): void {
  switch (type) {
    case 'A':
      out.push(...(data.includes('.') ? addressBytes(data) : bytesOf(data)))
      return
    case 'AAAA':
      out.push(...(data.includes(':') ? address6Bytes(data) : bytesOf(data)))
      return
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return putName(out, data, pointers)
    case 'SOA':
      // Its MINIMUM, RFC 2308, 4; the rest is of no interest here.
      out.push(0, 0, ...Array.from({ length: 16 }, () => 0), ...u32(Number(data)))
      return
    case 'NSEC':
      return putNsec(out, data)
    default:
      out.push(...bytesOf(data))
  }
}

/** RFC 6762, 6.1: 'name:A,AAAA', types below 256. */
function putNsec(out: number[], data: string): void {
  const [name = '', types = ''] = data.split(':')
  putName(out, name, false)
  const numbers = types.split(',').map(type => TYPES[type] ?? 0)
  const bitmap = Array.from({ length: (Math.max(...numbers) >> 3) + 1 }, () => 0)
  for (const number of numbers) bitmap[number >> 3] = (bitmap[number >> 3] ?? 0) | (0x80 >> (number & 7))
  out.push(0, bitmap.length, ...bitmap)
}

// ---- reading ----------------------------------------------------------------------------------------------------

/** A message from that port of the host's. Throws when it is malformed. */
export function decodeMessage<K extends Kind>(
  kind: K,
  bytes: readonly number[],
  { fields, heard }: Pick<Seen, 'fields' | 'heard'>,
  port: number,
): DnsPacketOf<K> {
  const message = new Reader(bytes)
  const [id, flags] = [message.u16(), message.u16()]
  const counts = SECTIONS.map(() => message.u16())
  fields.set('dns-id', String(id))
  fields.set('flags', hexOf(u16(flags)))
  fields.set('edns', 'none')
  if ((flags & FLAG_TRUNCATED) !== 0) fields.set('tc', '')
  fields.set(id !== heard.id && port !== heard.port ? 'fresh' : 'again', '')
  const entries: DnsEntry[] = []
  SECTIONS.forEach((section, i) => {
    for (let left = counts[i] ?? 0; left > 0; left--) {
      const entry = message.entry(section)
      if (entry.type === `TYPE${OPT}`) fields.set('edns', String(entry.dnsClass | (entry.top ? TOP : 0)))
      else entries.push(entry)
    }
  })
  if (message.at !== bytes.length) throw new Error('The host’s DNS message is longer than it says.')
  return { kind, isAnswer: (flags & FLAG_ANSWER) !== 0, entries, fields }
}

class Reader {
  at = 0

  constructor(private readonly bytes: readonly number[]) {}

  u8(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new Error('The host’s DNS message ends too soon.')
    return byte
  }

  u16 = (): number => this.u8() * 256 + this.u8()
  u32 = (): number => this.u16() * 65536 + this.u16()

  name(): string {
    const labels: string[] = []
    let behind = 0
    for (let length = this.u8(); length !== 0; length = this.u8()) {
      if (length >= 0xc0) {
        const target = (length & 0x3f) * 256 + this.u8()
        if (behind === 0) behind = this.at
        if (target >= this.at - 2) throw new Error('A name in the host’s DNS message points forward.')
        this.at = target
      } else if (length > 63) throw new Error('A label in the host’s DNS message is of no known kind.')
      else labels.push(String.fromCharCode(...Array.from({ length }, () => this.u8())))
    }
    if (behind !== 0) this.at = behind
    return labels.length === 0 ? '.' : labels.join('.')
  }

  entry(section: Section): DnsEntry {
    const [name, number, classWord] = [this.name(), this.u16(), this.u16()]
    const type = Object.entries(TYPES).find(([, one]) => one === number)?.[0] ?? `TYPE${number}`
    const shared = { section, name, type, top: (classWord & TOP) !== 0, dnsClass: classWord & ~TOP }
    if (section === '?') return { ...shared, data: '', ttl: undefined }
    const [ttl, length] = [this.u32(), this.u16()]
    const end = this.at + length
    const data = this.data(type, end)
    if (this.at !== end) throw new Error(`The data of ${name} ${type} are not as long as they say.`)
    return { ...shared, data, ttl }
  }

  private data(type: string, end: number): string {
    const rest = (): number[] => Array.from({ length: end - this.at }, () => this.u8())
    switch (type) {
      case 'A':
        return addressText(rest())
      case 'AAAA':
        return address6Text(rest())
      case 'NS':
      case 'CNAME':
      case 'PTR':
        return this.name()
      case 'SOA':
        return String(
          rest()
            .slice(-4)
            .reduce((sum, byte) => sum * 256 + byte, 0),
        )
      case 'NSEC':
        return this.nsec(rest)
      default:
        return hexOf(rest())
    }
  }

  private nsec(rest: () => number[]): string {
    const name = this.name()
    const [window, length, ...bitmap] = rest()
    if (window !== 0 || length !== bitmap.length) throw new Error('The host’s NSEC record is malformed.')
    const types = Object.entries(TYPES).filter(
      ([, number]) => ((bitmap[number >> 3] ?? 0) & (0x80 >> (number & 7))) !== 0,
    )
    return `${name}:${types.map(([type]) => type).join(',')}`
  }
}

const speaker = <K extends Kind>(kind: K, port: number): Protocol<DnsPacketOf<K>> => ({
  ipv4: 17,
  reads: bytes => speaks(bytes, [port]),
  parse: tokens => parseDns(kind, tokens),
  head,
  tail: formatEntries,
  tailMatches: entriesMatch,
  encode,
  decode(bytes, seen) {
    const [from, to] = [get16(bytes, 0), get16(bytes, 2)]
    seen.fields.set('ports', `${from}>${to}`)
    return decodeMessage(kind, bytes.slice(8), seen, from)
  },
})

export const dns = speaker('dns', DNS_PORT)
export const mdns = speaker('mdns', MDNS_PORT)
