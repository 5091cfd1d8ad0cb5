/**
 * DHCP as a script writes it, RFC 2131, 2, with the options of RFC 2132 by their names: to bytes and back, the plain way and
 * without the stack's own code.
 *
 *     < dhcp offer yiaddr 192.0.2.9 server 192.0.2.2 lease 1200 mask 255.255.255.0
 */
import { bytesOf, type Fields, hexOf, parseFields, type Words, wrong } from '../notation.ts'
import { get16, get32, macBytes, macText, u16, u32 } from './bytes.ts'
import { countedFrom } from './heard.ts'
import { addressBytes, addressText } from './ipv4.ts'
import type { Protocol, Seen, Sending } from './protocol.ts'
import { readPorts, speaks, UDP_WORDS, udpBytes } from './udp.ts'

export interface DhcpPacket {
  readonly kind: 'dhcp'
  /** Of MESSAGES. */
  readonly message: string
  readonly fields: Fields
}

/** RFC 2132, 9.6, in the order of their numbers, from 1. */
const MESSAGES = ['discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform']
const OF_CLIENTS = ['discover', 'request', 'decline', 'release', 'inform']
const SERVER_PORT = 67
const CLIENT_PORT = 68
/** RFC 2131, 3. */
const COOKIE = '63825363'
const FIXED = 240
const BROADCAST_FLAG = 0x8000
const [OPTION_PAD, OPTION_TYPE, OPTION_END] = [0, 53, 255]

type Form = 'address' | 'addresses' | 'text' | 'u8' | 'u16' | 'u32' | 'numbers' | 'hex'
/** RFC 2132: an option's word, its code, and how its value is written. */
const OPTIONS: Readonly<Record<string, readonly [code: number, form: Form]>> = {
  mask: [1, 'address'],
  router: [3, 'addresses'],
  dns: [6, 'addresses'],
  'host-name': [12, 'text'],
  domain: [15, 'text'],
  mtu: [26, 'u16'],
  requested: [50, 'address'],
  lease: [51, 'u32'],
  overload: [52, 'u8'],
  server: [54, 'address'],
  parameters: [55, 'numbers'],
  'max-size': [57, 'u16'],
  t1: [58, 'u32'],
  t2: [59, 'u32'],
  'client-id': [61, 'hex'],
}

/** `fresh` and `again`: the transaction is another than the host's last one, or the same. An option that is `none` is not there. */
const DHCP_WORDS: Words = {
  ...UDP_WORDS,
  op: 'number',
  hardware: 'hex',
  xid: 'word',
  fresh: 'none',
  again: 'none',
  secs: 'number',
  broadcast: 'none',
  unicast: 'none',
  ciaddr: 'address',
  yiaddr: 'address',
  giaddr: 'address',
  chaddr: 'word',
  sname: 'hex',
  file: 'hex',
  cookie: 'hex',
  'more-options': 'hex',
  'no-type': 'none',
  'no-end': 'none',
  'message-cut': 'number',
  ...Object.fromEntries(Object.keys(OPTIONS).map(word => [word, 'word' as const])),
}

/** 'offer yiaddr 192.0.2.9 …' What nobody names goes to all, and from nobody if a client says it. */
function parse(tokens: readonly string[]): DhcpPacket {
  const [message = '', ...rest] = tokens
  if (!MESSAGES.includes(message))
    wrong(`A DHCP message is one of ${MESSAGES.join(', ')}; '${message}' is not.`)
  const said = parseFields(rest, DHCP_WORDS)
  const client = OF_CLIENTS.includes(message)
  const fields = new Map(said)
  if (!said.has('ports'))
    fields.set('ports', client ? `${CLIENT_PORT}>${SERVER_PORT}` : `${SERVER_PORT}>${CLIENT_PORT}`)
  if (!said.has('to')) fields.set('to', '255.255.255.255')
  if (client && !said.has('from')) fields.set('from', '0.0.0.0')
  return { kind: 'dhcp', message, fields }
}

function encode(packet: DhcpPacket, sending: Sending): number[] {
  return udpBytes(packet, readPorts(packet, 0), messageBytes(packet, sending), sending)
}

function messageBytes({ fields, message }: DhcpPacket, { ends, heard }: Sending): number[] {
  const isClient = OF_CLIENTS.includes(message)
  const filled = (bytes: readonly number[], length: number): number[] =>
    Array.from({ length }, (_, i) => bytes[i] ?? 0)
  const hex = (word: string, usual = ''): number[] => bytesOf(fields.get(word) ?? usual)
  const address = (word: string): number[] => addressBytes(fields.get(word) ?? '0.0.0.0')
  const xid = countedFrom(fields.get('xid') ?? (isClient ? '1' : 'last'), heard.xid)
  const bytes = [
    Number(fields.get('op') ?? (isClient ? 1 : 2)),
    ...hex('hardware', '0106'),
    0,
    ...u32(xid),
    ...u16(Number(fields.get('secs') ?? 0)),
    ...u16(fields.has('broadcast') || !isClient ? BROADCAST_FLAG : 0),
    ...address('ciaddr'),
    ...address('yiaddr'),
    ...addressBytes('0.0.0.0'),
    ...address('giaddr'),
    ...filled(macBytes(fields.get('chaddr') ?? (isClient ? ends.peerMac : ends.hostMac)), 16),
    ...filled(hex('sname'), 64),
    ...filled(hex('file'), 128),
    ...hex('cookie', COOKIE),
    ...(fields.has('no-type') ? [] : [OPTION_TYPE, 1, MESSAGES.indexOf(message) + 1]),
    ...[...fields].flatMap(([word, value]) => optionBytes(word, value)),
    ...hex('more-options'),
    ...(fields.has('no-end') ? [] : [OPTION_END]),
  ]
  return bytes.slice(0, Number(fields.get('message-cut') ?? bytes.length))
}

function optionBytes(word: string, text: string): number[] {
  const known = OPTIONS[word]
  if (known === undefined || text === 'none') return []
  const value = valueBytes(known[1], text)
  return [known[0], value.length, ...value]
}

function valueBytes(form: Form, text: string): number[] {
  switch (form) {
    case 'address':
    case 'addresses':
      return text.split(',').flatMap(addressBytes)
    case 'text':
      return [...text].map(letter => letter.charCodeAt(0))
    case 'u8':
      return [Number(text)]
    case 'u16':
      return u16(Number(text))
    case 'u32':
      return u32(Number(text))
    case 'numbers':
      return text.split(',').map(Number)
    case 'hex':
      return bytesOf(text)
  }
}

function valueText(form: Form, bytes: readonly number[]): string {
  const hex = hexOf(bytes)
  const number = String(bytes.reduce((sum, byte) => sum * 256 + byte, 0))
  const sizes: Partial<Record<Form, number>> = { address: 4, u8: 1, u16: 2, u32: 4 }
  if ((sizes[form] ?? bytes.length) !== bytes.length) return `wrong:${hex}`
  switch (form) {
    case 'address':
    case 'addresses':
      return Array.from({ length: bytes.length / 4 }, (_, i) =>
        addressText(bytes.slice(i * 4, i * 4 + 4)),
      ).join(',')
    case 'text':
      return String.fromCharCode(...bytes)
    case 'u8':
    case 'u16':
    case 'u32':
      return number
    case 'numbers':
      return bytes.join(',')
    case 'hex':
      return hex
  }
}

/** Throws when it is malformed. */
function decode(udp: number[], { fields, heard }: Seen): DhcpPacket {
  const bytes = udp.slice(8)
  // RFC 1542, 2.1.
  if (bytes.length < 300) throw new Error('The host sent a BOOTP message of less than 300 bytes.')
  if (hexOf(bytes.slice(1, 3)) !== '0106' || hexOf(bytes.slice(236, 240)) !== COOKIE)
    throw new Error('The host sent no DHCP for Ethernet.')
  const options = readOptions(bytes.slice(FIXED))
  fields.set('ports', `${get16(udp, 0)}>${get16(udp, 2)}`)
  fields.set('op', String(bytes[0]))
  const xid = get32(bytes, 4)
  fields.set('xid', String(xid))
  fields.set(xid === heard.xid ? 'again' : 'fresh', '')
  fields.set('secs', String(get16(bytes, 8)))
  fields.set((get16(bytes, 10) & BROADCAST_FLAG) === 0 ? 'unicast' : 'broadcast', '')
  for (const [i, word] of ['ciaddr', 'yiaddr', 'siaddr', 'giaddr'].entries())
    fields.set(word, addressText(bytes.slice(12 + i * 4, 16 + i * 4)))
  fields.set('chaddr', macText(bytes, 28))
  for (const [word, [code, form]] of Object.entries(OPTIONS)) {
    const value = options.get(code)
    fields.set(word, value === undefined ? 'none' : valueText(form, value))
  }
  const type = options.get(OPTION_TYPE)?.[0] ?? 0
  return { kind: 'dhcp', message: MESSAGES[type - 1] ?? `type-${type}`, fields }
}

/** RFC 2131, 4.1: once each, and "the last option must always be the 'end' option". */
function readOptions(bytes: readonly number[]): Map<number, number[]> {
  const options = new Map<number, number[]>()
  let at = 0
  while (bytes[at] !== OPTION_END) {
    const [code, length] = bytes.slice(at)
    if (code === undefined || (code !== OPTION_PAD && length === undefined))
      throw new Error('The options of the host’s DHCP message do not end.')
    if (options.has(code)) throw new Error(`The host’s DHCP message has option ${code} twice.`)
    if (code === OPTION_PAD) at++
    else options.set(code, bytes.slice(at + 2, at + 2 + (length ?? 0)))
    if (code !== OPTION_PAD) at += 2 + (length ?? 0)
  }
  return options
}

export const dhcp: Protocol<DhcpPacket> = {
  ipv4: 17,
  reads: udp => speaks(udp, [SERVER_PORT, CLIENT_PORT]),
  parse,
  head: packet => `dhcp ${packet.message}`,
  encode,
  decode,
}
