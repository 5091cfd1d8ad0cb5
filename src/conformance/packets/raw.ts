/** What no other file here has a notation for, byte by byte. */
import { bytesOf, type Fields, hexOf, LINK_WORDS, parseFields, wrong } from '../notation.ts'
import type { Protocol } from './protocol.ts'

/** An Ethernet frame's type and payload. */
export interface RawPacket {
  readonly kind: 'raw'
  readonly etherType: number
  readonly bytes: readonly number[]
  readonly fields: Fields
}

function parse(tokens: readonly string[]): RawPacket {
  const [type = '', ...rest] = tokens
  if (!/^[0-9a-f]{4}$/.test(type))
    wrong("A raw frame is written like 'raw 0800 4500…': its EtherType and its payload in hex.")
  const hex = rest.filter(token => /^([0-9a-f]{2})+$/.test(token))
  const words = rest.filter(token => !hex.includes(token))
  return {
    kind: 'raw',
    etherType: Number.parseInt(type, 16),
    bytes: bytesOf(hex.join('')),
    fields: parseFields(words, LINK_WORDS),
  }
}

export const raw: Protocol<RawPacket> = {
  parse,
  head: packet => `raw ${packet.etherType.toString(16).padStart(4, '0')} ${hexOf(packet.bytes)}`,
  encode: packet => [...packet.bytes],
}
