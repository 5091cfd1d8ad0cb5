/** What carries the transports: one file for each version of IP. */
import type { Fields } from '../notation.ts'

export interface Network {
  readonly etherType: number
  /** Which of a protocol's numbers this version carries it under. */
  readonly version: 'ipv4' | 'ipv6'
  addressBytes(text: string): number[]
  addressText(bytes: readonly number[]): string
  /** What a protocol's checksum covers beside its own bytes. */
  pseudoHeader(from: number[], to: number[], protocol: number, length: number): number[]
  /** The peer's datagram around `whole`, or the part of it that `fragment` names. */
  encode(
    packet: { readonly kind: string; readonly fields: Fields },
    protocol: number,
    from: number[],
    to: number[],
    whole: number[],
  ): number[]
  /** Reads a datagram of the host's, and puts the words that describe its header into `fields`. Throws if it is wrong. */
  decode(bytes: number[], fields: Map<string, string>): Datagram
}

/** What a datagram of the host's carries. */
export interface Datagram {
  readonly from: number[]
  readonly to: number[]
  readonly protocol: number
  readonly payload: number[]
  /** The place of this part in its datagram, bytes; undefined: it is whole. */
  readonly fragment: { readonly at: number; readonly last: boolean } | undefined
}
