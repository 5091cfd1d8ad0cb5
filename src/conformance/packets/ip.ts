/** A datagram of a protocol that nobody here reads: for raw sockets, and for what no host knows. */
import { bytesOf, type Fields, IP_WORDS, lengthOf, numberOf, parseFields, type Words } from '../notation.ts'
import { text } from './bytes.ts'
import type { Protocol } from './protocol.ts'

export interface IpPacket {
  readonly kind: 'ip'
  readonly protocol: number
  /** Bytes behind IP's header. */
  readonly length: number
  readonly fields: Fields
}

const DATAGRAM_WORDS: Words = { ...IP_WORDS, data: 'hex' }

/** '89 (20)' */
function parse([protocol = '', length = '', ...rest]: readonly string[]): IpPacket {
  const fields = parseFields(rest, DATAGRAM_WORDS)
  return { kind: 'ip', protocol: numberOf(protocol), length: lengthOf(length), fields }
}

export const ip: Protocol<IpPacket> = {
  parse,
  head: packet => `ip ${packet.protocol} (${packet.length})`,
  encode({ fields, length }) {
    const filled = bytesOf(fields.get('data') ?? '')
    if (filled.length === 0) return text('peer', 0, length)
    return Array.from({ length }, (_, i) => filled[i % filled.length] ?? 0)
  },
}
