/** Neighbour discovery, RFC 4861, 4: solicitations and advertisements of neighbours and routers, and redirects. */
import { type Fields, isValue, parseFields, TRANSPORT_WORDS, type Words, wrong } from '../notation.ts'
import { address6Bytes, address6Text, isLinkLocal6, solicitedNode } from './address6.ts'
import { get16, u16, u32 } from './bytes.ts'
import {
  decodeNdOptions,
  formatNdOption,
  type NdOption,
  ndOptionBytes,
  parseNdOptions,
} from './nd-options.ts'
import { type Ends, numberIn, type Protocol, type Seen, type Sending, seal } from './protocol.ts'

export interface NdPacket {
  readonly kind: 'nd'
  readonly message: Message
  /** The address that is asked for or spoken of, a redirect's destination; '' where routers are asked, or advertise. */
  readonly target: string
  /** Of a redirect: the better first hop. */
  readonly hop: string
  /** Letters: R, S and O of a neighbour's advertisement, M and O of a router's. */
  readonly flags: string
  /** Undefined: not named. */
  readonly options: readonly NdOption[] | undefined
  readonly fields: Fields
}

const TYPES = { 'router-solicit': 133, 'router-advertise': 134, solicit: 135, advertise: 136, redirect: 137 }
type Message = keyof typeof TYPES
const isMessage = (word: string): word is Message => Object.hasOwn(TYPES, word)

const NEXT_ICMP6 = 58
const ALL_NODES = 'ff02::1'
/** Where the options stand. */
const FIXED: Readonly<Record<Message, number>> = {
  'router-solicit': 8,
  'router-advertise': 16,
  solicit: 24,
  advertise: 24,
  redirect: 40,
}

/** The last four are a router's: its lifetime in seconds, the other times in ms. */
const ND_WORDS: Words = {
  ...TRANSPORT_WORDS,
  code: 'number',
  'hop-limit': 'number',
  lifetime: 'number',
  reachable: 'number',
  retrans: 'number',
}

/** 'solicit A', 'advertise A SO', 'router-advertise MO', 'redirect A to B'; then words and <options>. */
function parse(tokens: readonly string[]): NdPacket {
  const [message = '', ...rest] = tokens
  if (!isMessage(message))
    return wrong(
      `A message of neighbour discovery is one of ${Object.keys(TYPES).join(', ')}; '${message}' is not.`,
    )
  const about = message.startsWith('router') ? [] : rest.splice(0, message === 'redirect' ? 3 : 1)
  const [target = '', to, hop = ''] = about
  if (
    about.some(word => word !== 'to' && !isValue('address', word)) ||
    (message === 'redirect' && to !== 'to')
  )
    return wrong(
      `It is written like 'nd solicit A' or 'nd redirect A to B'; 'nd ${tokens.join(' ')}' is not.`,
    )
  const flags = /^[RSOM]+$/.test(rest[0] ?? '') ? (rest.shift() ?? '') : ''
  const bracketed = rest.find(token => token.startsWith('<'))
  return {
    kind: 'nd',
    message,
    target: target === '' ? '' : address6Text(address6Bytes(target)),
    hop: hop === '' ? '' : address6Text(address6Bytes(hop)),
    flags: sorted(flags),
    options: bracketed === undefined ? undefined : parseNdOptions(bracketed.slice(1, -1)),
    fields: parseFields(
      rest.filter(token => token !== bracketed),
      ND_WORDS,
    ),
  }
}

const sorted = (flags: string): string => [...'RSOM'].filter(letter => flags.includes(letter)).join('')

function head(packet: NdPacket): string {
  const { message, target, hop, flags } = packet
  return ['nd', message, target, hop === '' ? '' : `to ${hop}`, flags].filter(word => word !== '').join(' ')
}

/** Whom a message is from and to, where its line does not say: 4.1 … 4.5. */
function envelope(
  { message, target, flags }: NdPacket,
  { host6, linkLocal, peer, router }: Ends,
): [string, string][] {
  const isAnswer = message === 'advertise' && flags.includes('S')
  const from = message === 'advertise' ? target : message === 'solicit' ? peer : router
  const to =
    message === 'solicit'
      ? solicitedNode(target)
      : message === 'redirect'
        ? linkLocal
        : isAnswer
          ? isLinkLocal6(target)
            ? linkLocal
            : host6
          : ALL_NODES
  return [
    ['from', from],
    ['to', to],
    ['hops', '255'],
  ]
}

function encode(packet: NdPacket, { pseudoHeader }: Sending): number[] {
  const options = (packet.options ?? []).flatMap(ndOptionBytes)
  const bytes = [
    TYPES[packet.message],
    numberIn(packet, 'code') ?? 0,
    0,
    0,
    ...fixedBytes(packet),
    ...options,
  ]
  return seal(bytes, 2, pseudoHeader(NEXT_ICMP6, bytes.length), packet)
}

/** What stands between the checksum and the options. */
function fixedBytes(packet: NdPacket): number[] {
  const { message, target, hop, flags } = packet
  const bits = (of: string): number =>
    [...of].reduce((sum, letter, i) => sum | (flags.includes(letter) ? 0x80 >> i : 0), 0)
  switch (message) {
    case 'router-solicit':
      return u32(0)
    case 'router-advertise':
      return [
        numberIn(packet, 'hop-limit') ?? 0,
        bits('MO'),
        ...u16(numberIn(packet, 'lifetime') ?? 1800),
        ...u32(numberIn(packet, 'reachable') ?? 0),
        ...u32(numberIn(packet, 'retrans') ?? 0),
      ]
    case 'solicit':
      return [...u32(0), ...address6Bytes(target)]
    case 'advertise':
      return [bits('RSO'), 0, 0, 0, ...address6Bytes(target)]
    case 'redirect':
      return [...u32(0), ...address6Bytes(hop), ...address6Bytes(target)]
  }
}

function decode(bytes: number[], { fields }: Seen): NdPacket {
  const message = Object.keys(TYPES).find(name => isMessage(name) && TYPES[name] === bytes[0]) as Message
  const letters = (of: string): string =>
    [...of].filter((_, i) => ((bytes[4] ?? 0) & (0x80 >> i)) !== 0).join('')
  fields.set('code', String(bytes[1]))
  const address = (at: number): string => address6Text(bytes.slice(at, at + 16))
  const base = {
    kind: 'nd',
    message,
    fields,
    options: decodeNdOptions(bytes.slice(FIXED[message])),
    hop: '',
    flags: '',
  } as const
  switch (message) {
    case 'router-solicit':
    case 'router-advertise':
      fields.set('lifetime', String(get16(bytes, 6)))
      return { ...base, target: '' }
    case 'redirect':
      return { ...base, target: address(24), hop: address(8) }
    case 'solicit':
      return { ...base, target: address(8) }
    case 'advertise':
      return { ...base, target: address(8), flags: letters('RSO') }
  }
}

export const nd: Protocol<NdPacket> = {
  ipv6: NEXT_ICMP6,
  reads: bytes => (bytes[0] ?? 0) >= 133 && (bytes[0] ?? 0) <= 137,
  parse,
  head,
  tail: ({ options }) => (options === undefined ? '' : `<${options.map(formatNdOption).join(',')}>`),
  tailMatches: (expected, seen) =>
    expected.options === undefined || JSON.stringify(expected.options) === JSON.stringify(seen.options),
  envelope,
  encode,
  decode,
}
