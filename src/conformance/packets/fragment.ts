/** A fragment that the host sends: its transport is not looked at. The peer's are written as their whole datagram. */
import { type Fields, IP_WORDS, parseFields, wrong } from '../notation.ts'
import type { Protocol } from './protocol.ts'

export interface FragmentPacket {
  readonly kind: 'fragment'
  readonly protocol: string
  readonly from: number
  readonly to: number
  readonly last: boolean
  readonly fields: Fields
}

/** 'udp 0:1480 more', 'udp 1480:2008 last' */
function parse(tokens: readonly string[]): FragmentPacket {
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
    fields: parseFields(rest, IP_WORDS),
  }
}

export const fragment: Protocol<FragmentPacket> = {
  parse,
  head: packet => `fragment ${packet.protocol} ${packet.from}:${packet.to} ${packet.last ? 'last' : 'more'}`,
  encode: () => wrong("A fragment is sent as its whole datagram with 'fragment first:behind'."),
}
