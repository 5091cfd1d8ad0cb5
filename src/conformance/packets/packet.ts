/**
 * A packet as a script writes it, and back. It names what matters and leaves out the rest, so a packet that is expected
 * is compared in the fields that its line names. README.md has the grammar on one screen.
 */
import { wrong } from '../notation.ts'
import { type Packet, PROTOCOLS, protocolOf } from './protocols.ts'

export type { Packet } from './protocols.ts'

/** Reads a packet; throws NotationError. */
export function parsePacket(text: string): Packet {
  const tokens = text.match(/<[^>]*>|\[[^\]]*\]|\{[^}]*\}|\S+/g) ?? []
  const [word] = tokens
  if (word === undefined) return wrong('A packet is missing behind the arrow.')
  const named = word !== 'tcp' && Object.hasOwn(PROTOCOLS, word) ? (word as Packet['kind']) : undefined
  return named === undefined ? PROTOCOLS.tcp.parse(tokens) : PROTOCOLS[named].parse(tokens.slice(1))
}

/** The packet as a script would write it, with these of its fields; all that it has if undefined. */
export function formatPacket(
  packet: Packet,
  words: Iterable<string> = packet.fields.keys(),
  withTail = true,
): string {
  const protocol = protocolOf(packet)
  const parts = [protocol.head(packet)]
  for (const word of words) {
    const value = packet.fields.get(word)
    if (word === 'headers' && value !== undefined) parts.push(value)
    else parts.push(value === undefined ? `(no ${word})` : value === '' ? word : `${word} ${value}`)
  }
  const tail = withTail ? protocol.tail?.(packet) : ''
  return tail ? `${parts.join(' ')} ${tail}` : parts.join(' ')
}

/** What was seen in the words that the expectation uses. */
export function formatLike(expected: Packet, seen: Packet): string {
  return formatPacket(seen, expected.fields.keys(), protocolOf(expected).tail?.(expected) !== '')
}

/** Whether what was seen is what was expected, in all that the expectation names. */
export function matches(expected: Packet, seen: Packet, stamp: number): boolean {
  if (expected.kind !== seen.kind) return false
  const protocol = protocolOf(expected)
  if (protocol.head(expected) !== protocol.head(protocol.asNamed?.(expected, seen) ?? seen)) return false
  if (!expected.fields.has('on') && (seen.fields.get('on') ?? '0') !== '0') return false
  for (const [word, value] of expected.fields) {
    const other = seen.fields.get(word)
    if (other === undefined || (value !== '*' && value !== other)) return false
  }
  return protocol.tailMatches?.(expected, seen, stamp) ?? true
}
