/**
 * TCP options beyond the MSS, as features: each reads itself from a segment, negotiates in the handshake, and writes
 * itself into what is sent. Core code knows them by this face alone; a profile that lists none carries none.
 */
import type { Core } from '../core.ts'
import type { Address } from '../memory/arena.ts'
import { SYN } from '../wire/tcp.ts'
import type { Tcb } from './tcb.ts'

/** One option of the header, RFC 9293, 3.2, as a feature brings it. */
export interface TcpOption {
  /** Its kind, RFC 9293, 3.1. */
  readonly kind: number
  /** Takes the option of `length` bytes at `at` into `s.segment`. False: a length that it cannot have. */
  read(s: Core, at: Address, length: number): boolean
  /** The peer's SYN is in `s.segment`: what it offers, and we do, is agreed on. */
  negotiate(s: Core, t: Tcb): void
  /** Bytes that it takes in a segment with these flags and `length` bytes of text, padding and all: a multiple of 4. */
  size(s: Core, t: Tcb, flags: number, length: number): number
  /** Writes those bytes, `size` of them. */
  write(s: Core, t: Tcb, flags: number, at: Address, size: number): void
}

/**
 * The options that may stand in a segment with these flags. Most are for the handshake alone, and behind it are neither
 * written nor read (RFC 7323, 2.2: "A Window Scale option in a segment without a SYN bit MUST be ignored").
 */
export const optionsFor = (s: Core, flags: number): readonly TcpOption[] =>
  (flags & SYN) !== 0 ? s.options : s.lastingOptions
