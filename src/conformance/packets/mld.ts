/** MLD, RFC 2710, 3: routers ask for groups, listeners report them. */
import { type Fields, isValue, parseFields, TRANSPORT_WORDS, type Words, wrong } from '../notation.ts'
import { address6Bytes, address6Text } from './address6.ts'
import { get16, u16 } from './bytes.ts'
import { type Ends, numberIn, type Protocol, type Seen, type Sending, seal } from './protocol.ts'

export interface MldPacket {
  readonly kind: 'mld'
  readonly message: string
  /** The group that it speaks of; :: for all of them. */
  readonly group: string
  readonly fields: Fields
}

const TYPES: Readonly<Record<string, number>> = { query: 130, report: 131, done: 132 }
const NEXT_ICMP6 = 58
/** Who reports or leaves, if it is not the host: its address on the link. */
const OTHER_LISTENER = 'fe80::2'
const ALL_NODES = 'ff02::1'
const ALL_ROUTERS = 'ff02::2'

/** `max`: how long a report may wait, ms. */
const MLD_WORDS: Words = { ...TRANSPORT_WORDS, max: 'number' }

/** 'report ff02::1234' */
function parse(tokens: readonly string[]): MldPacket {
  const [message = '', group = '', ...rest] = tokens
  if (TYPES[message] === undefined || !isValue('address', group))
    return wrong(`MLD is written like 'mld report ff02::1234'; '${message} ${group}' is not.`)
  return {
    kind: 'mld',
    message,
    group: address6Text(address6Bytes(group)),
    fields: parseFields(rest, MLD_WORDS),
  }
}

/** 3: hop limit 1, a router alert; a query is a router's, and goes to all nodes or to the group that it asks for. */
function envelope({ message, group }: MldPacket, { router }: Ends): [string, string][] {
  return [
    ['from', message === 'query' ? router : OTHER_LISTENER],
    ['to', message === 'done' ? ALL_ROUTERS : group === '::' ? ALL_NODES : group],
    ['hops', '1'],
    ['headers', '{hop-by-hop alert 0}'],
  ]
}

function encode(packet: MldPacket, { pseudoHeader }: Sending): number[] {
  const bytes = [
    TYPES[packet.message] ?? 0,
    0,
    0,
    0,
    ...u16(numberIn(packet, 'max') ?? 0),
    0,
    0,
    ...address6Bytes(packet.group),
  ]
  return seal(bytes, 2, pseudoHeader(NEXT_ICMP6, bytes.length), packet)
}

function decode(bytes: number[], { fields }: Seen): MldPacket {
  const message = Object.entries(TYPES).find(([, type]) => type === bytes[0])?.[0] ?? ''
  fields.set('max', String(get16(bytes, 4)))
  return { kind: 'mld', message, group: address6Text(bytes.slice(8, 24)), fields }
}

export const mld: Protocol<MldPacket> = {
  ipv6: NEXT_ICMP6,
  reads: bytes => (bytes[0] ?? 0) >= 130 && (bytes[0] ?? 0) <= 132,
  parse,
  head: packet => `mld ${packet.message} ${packet.group}`,
  envelope,
  encode,
  decode,
}
