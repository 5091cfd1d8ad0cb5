/** Names between text, as programs write them, and the flat form of wire/dns.ts. */
import type { Core } from '../core.ts'
import { parseIpv4 } from '../ip/addresses.ts'
import type { Address, Arena } from '../memory/arena.ts'
import { hashOf } from '../memory/table.ts'
import { lower, NAME_MAX } from '../wire/dns.ts'
import { putText } from './record.ts'

/** Writes a name of printable ASCII, flat; returns its length, 0 when it is no name (RFC 1035, 2.3.4). */
export function putNameText(s: Core, at: Address, text: string): number {
  const labels = text.endsWith('.') ? text.slice(0, -1) : text
  if (labels.length === 0 || labels.length + 2 > NAME_MAX || !/^[!-~]+$/.test(labels)) return 0
  let length = 0
  for (const label of labels.split('.')) {
    if (label.length === 0 || label.length > 63) return 0
    s.m.put8(at + length, label.length)
    putText(s, at + length + 1, label)
    length += 1 + label.length
  }
  s.m.put8(at + length, 0)
  return length + 1
}

/** The name under which an address's own name is found (RFC 1035, 3.5); the text as it is when it is no address. */
export function reverseName(text: string): string {
  return parseIpv4(text) === undefined ? text : `${text.split('.').reverse().join('.')}.in-addr.arpa`
}

/** Writes a flat name as text, as much as fits; returns how many bytes. */
export function copyNameText(m: Arena, flat: Address, into: Uint8Array): number {
  let done = 0
  let at = flat
  for (let length = m.get8(at); length !== 0; length = m.get8(at)) {
    if (done > 0 && done < into.length) into[done++] = 46
    for (let i = 1; i <= length && done < into.length; i++) into[done++] = m.get8(at + i)
    at += 1 + length
  }
  return done
}

/** The ends of names that are asked of the link, as text with each label's length before it. */
const LINK_NAMES = ['\x05local', '\x03254\x03169\x07in-addr\x04arpa']

/**
 * RFC 6762, 3: "Any DNS query for a name ending with '.local.' MUST be sent to the mDNS multicast address"; 4: and any for
 * the name of a link-local address.
 */
export const isLocal = (m: Arena, flat: Address, length: number): boolean =>
  LINK_NAMES.some(end => endsWith(m, flat, length, end))

function endsWith(m: Arena, flat: Address, length: number, end: string): boolean {
  const at = flat + length - 1 - end.length
  if (at <= flat) return false
  for (let i = 0; i < end.length; i++) if (lower(m.get8(at + i)) !== end.charCodeAt(i)) return false
  return labelBegins(m, flat, at)
}

/** Whether a label of the name begins at `at`: the bytes alone could be the end of a longer label. */
function labelBegins(m: Arena, flat: Address, at: Address): boolean {
  let label = flat
  while (label < at) label += 1 + m.get8(label)
  return label === at
}

/** A keyed hash of a flat name, whatever its case. */
export function hashName(m: Arena, flat: Address, length: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ lower(m.get8(flat + i)), 0x01000193)
  return hashOf(m, hash, length, 0)
}

/** Whether two flat names are the same, whatever their case. */
export function sameName(m: Arena, one: Address, other: Address, length: number): boolean {
  for (let i = 0; i < length; i++) if (lower(m.get8(one + i)) !== lower(m.get8(other + i))) return false
  return true
}
