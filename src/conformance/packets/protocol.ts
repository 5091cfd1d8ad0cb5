/** What the runner knows of a protocol: how its packets are written in a script, and what they are on the wire. */
import type { Fields } from '../notation.ts'
import { checksum, u16 } from './bytes.ts'

/** The two ends of the link. MAC addresses as text. */
export interface Ends {
  readonly hostMac: string
  readonly peerMac: string
  readonly host: string
  /** Of the IP version that the script speaks. */
  readonly peer: string
  /** The host's IPv6 address beside its link-local one; '' while it has none. */
  readonly host6: string
  readonly linkLocal: string
  /** The link-local address of the router of the host's link. */
  readonly router: string
  readonly routerMac: string
}

/** One connection's numbers, by which relative ones are counted. */
export interface Numbers {
  readonly peerAddress: string
  readonly peerPort: number
  readonly hostPort: number
  readonly hostIss: number
  readonly peerIss: number
  /** The host's timestamp as it was last seen. */
  readonly stamp: number
}

/** A segment's numbers before they are counted from anything. */
export interface RawNumbers {
  readonly peerAddress: string
  readonly peerPort: number
  readonly hostPort: number
  readonly flags: number
  readonly seq: number
}

/** What is known where a packet of the peer's becomes bytes. `numbers` are its flow's, for TCP and for what is quoted. */
export interface Sending {
  readonly ends: Ends
  readonly numbers: Numbers
  /** The window of a segment that names none. */
  readonly window: number
  /** IP's checksum over this packet's pseudo-header with so many bytes behind it. */
  readonly pseudoHeader: (protocol: number, length: number) => number[]
}

/** What is known where a packet of the host's is read. */
export interface Seen {
  /** The link's and IP's own words; the packet adds its own. */
  readonly fields: Map<string, string>
  /** Where it goes. */
  readonly to: string
  readonly numbersOf: (raw: RawNumbers) => Numbers
}

/** One protocol: a file beside this one, and a line in protocols.ts. */
export interface Protocol<P extends { readonly kind: string }> {
  /** The EtherType that carries it at once, or IP's protocol number. */
  readonly etherType?: number
  readonly ipv4?: number
  readonly ipv6?: number
  /** Whether these bytes under that number are this protocol's; absent: all are. */
  reads?(bytes: readonly number[]): boolean
  /** Reads the tokens behind the protocol's name (TCP has none). */
  parse(tokens: readonly string[]): P
  /** What a script writes before the fields, and is always compared. */
  head(packet: P): string
  /** And behind them. */
  tail?(packet: P): string
  /** The seen packet with no more than what the expected one names; the whole if this is absent. */
  asNamed?(expected: P, seen: P): P
  /** Whether the tail is the expected one. `stamp` is the host's timestamp as it was last seen before. */
  tailMatches?(expected: P, seen: P, stamp: number): boolean
  /** The words of the carrier's header of the peer's packet where its line does not say others. */
  envelope?(packet: P, ends: Ends): [string, string][]
  /** The bytes behind the header of what carries it. */
  encode(packet: P, sending: Sending): number[]
  /** Reads what the host sent, its checksum right; absent where this is left to the carrier. */
  decode?(bytes: number[], seen: Seen): P
}

export const numberIn = (packet: { readonly fields: Fields }, word: string): number | undefined => {
  const value = packet.fields.get(word)
  return value === undefined ? undefined : Number(value)
}

/** Puts the checksum, or a wrong one, at `at`. */
export function seal(
  bytes: number[],
  at: number,
  pseudo: number[],
  packet: { readonly fields: Fields },
): number[] {
  const sum = checksum([...pseudo, ...bytes])
  bytes.splice(at, 2, ...u16(packet.fields.has('bad-checksum') ? sum ^ 0x5555 : sum))
  return bytes
}
