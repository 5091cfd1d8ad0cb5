/** IGMP, RFC 2236. */
import { type Fields, isValue, parseFields, TRANSPORT_WORDS, type Words, wrong } from '../notation.ts'
import { addressBytes, addressText } from './ipv4.ts'
import { numberIn, type Protocol, type Seen, seal } from './protocol.ts'

export interface IgmpPacket {
  readonly kind: 'igmp'
  readonly message: string
  /** The group that it speaks of; 0.0.0.0 for all of them. */
  readonly group: string
  readonly fields: Fields
}

/** RFC 2236, 2.1. */
const IGMP_MESSAGES: Readonly<Record<string, number>> = {
  query: 0x11,
  'report-v1': 0x12,
  report: 0x16,
  leave: 0x17,
}

/** `max`: how long an answer may wait, in tenths of a second. */
const IGMP_WORDS: Words = { ...TRANSPORT_WORDS, max: 'number' }

/** 'report 224.1.2.3' */
function parse(tokens: readonly string[]): IgmpPacket {
  const [message = '', group = '', ...rest] = tokens
  if (IGMP_MESSAGES[message] === undefined || !isValue('address', group))
    return wrong(`IGMP is written like 'igmp report 224.1.2.3'; '${message} ${group}' is not.`)
  return { kind: 'igmp', message, group, fields: parseFields(rest, IGMP_WORDS) }
}

const encode = (packet: IgmpPacket): number[] =>
  seal(
    [IGMP_MESSAGES[packet.message] ?? 0, numberIn(packet, 'max') ?? 0, 0, 0, ...addressBytes(packet.group)],
    2,
    [],
    packet,
  )

function decode(igmp: number[], { fields }: Seen): IgmpPacket {
  const message = Object.entries(IGMP_MESSAGES).find(([, type]) => type === igmp[0])?.[0] ?? String(igmp[0])
  fields.set('max', String(igmp[1]))
  return { kind: 'igmp', message, group: addressText(igmp.slice(4, 8)), fields }
}

export const igmp: Protocol<IgmpPacket> = {
  ipv4: 2,
  parse,
  head: packet => `igmp ${packet.message} ${packet.group}`,
  encode,
  decode,
}
